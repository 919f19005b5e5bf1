"""Windows in which an alert must wait: defrost, loading, start-up. They hold the alert, never the reading."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Instant = Annotated[datetime, Meta(tz=True)]
Length = Annotated[float, Meta(gt=0, le=366 * 86_400)]


class AlertWindow(msgspec.Struct, frozen=True):
    """From `starts_at` for `lasts_s` seconds; again every `every_s` after that, where it is given (86,400: daily)."""

    kind: Literal["defrost", "loading", "other"]
    starts_at: Instant
    lasts_s: Length
    every_s: Length | None = None

    def covers(self, at: datetime) -> bool:
        since_s = (at - self.starts_at).total_seconds()
        if since_s >= 0 and self.every_s is not None:
            since_s %= self.every_s
        return 0 <= since_s < self.lasts_s


def held(at: datetime, windows: Iterable[AlertWindow], on_at: datetime, startup_s: float) -> bool:
    """Whether alerts must wait: in a window, or in the first `startup_s` seconds since the worker's first reading."""
    if startup_s and (at - on_at).total_seconds() < startup_s:
        return True
    return any(window.covers(at) for window in windows)
