"""The wall clock. No other file reads it."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Aware UTC."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Seconds that only ever grow, for measuring how long something took."""
    return time.monotonic()
