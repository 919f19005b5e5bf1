"""What travels: rows, and where they are told."""

from typing import Any

Row = dict[str, Any]
"""One product as it is exported: column → JSON value (times as aware UTC datetimes)."""

Emission = tuple[str, Row]
"""Something decided that must be published: its topic, and what is said there."""
