"""What travels: rows, and where they are told."""

from datetime import datetime
from typing import Any, NamedTuple

Row = dict[str, Any]
"""One product as it is exported: column → JSON value (times as aware UTC datetimes)."""

Emission = tuple[str, Row]
"""Something decided that must be published: its topic, and what is said there."""


class Product(NamedTuple):
    """Something a line made besides the reading's row: its class, what of the vehicle it is about (probe, sku, fence,
    plan, code, or nothing), and its columns. `event_at` is its time where that is not the reading's."""

    pclass: str
    subject: str
    columns: Row
    event_at: datetime | None = None
