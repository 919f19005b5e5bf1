"""Stock of one article: how fast it goes, when it will be gone, and when that must be told."""

from datetime import datetime, timedelta
from math import exp
from typing import Annotated

import msgspec
from msgspec import Meta

from functions.core.episode import Episode

KIND = "stock_shortage"
MEMORY_S = 14 * 86_400.0
"""Use is averaged over about this long: what was taken a time ago counts e^(−time / memory)."""
LEAST_S = 3_600.0
"""No rate from less time than this: one pallet in a minute is no 1,440 pallets a day."""
FURTHEST = timedelta(days=3_650)


class StockRule(msgspec.Struct, frozen=True):
    """At or under `reorder_point` an article is short."""

    reorder_point: Annotated[float, Meta(ge=-1e12, le=1e12)] | None = None


class Level(msgspec.Struct, frozen=True, array_like=True):
    """What was last counted of one article. `used` and `over_s` are what was taken, and the time that took, both fading
    alike; `short_since` and `least` are of the shortage that is open."""

    counted_at: datetime
    quantity: float
    unit: str | None = None
    used: float = 0.0
    over_s: float = 0.0
    short_since: datetime | None = None
    least: float | None = None

    @property
    def per_day(self) -> float | None:
        """How much is used a day; None while that cannot be said."""
        return self.used / self.over_s * 86_400 if self.over_s >= LEAST_S else None

    @property
    def runs_out_at(self) -> datetime | None:
        """When it will be gone if it is used as before; None when it will not, or in more than ten years."""
        per_day = self.per_day
        if not per_day or self.quantity < 0:
            return None
        days = self.quantity / per_day
        return self.counted_at + timedelta(days=days) if days <= FURTHEST.days else None


def count(
    before: Level | None, at: datetime, quantity: float, unit: str | None, sku: str, rule: StockRule | None
) -> tuple[Level, list[Episode]]:
    """The level after a count, and the shortage it opens, deepens or ends. A delivery uses nothing up."""
    used = over_s = 0.0
    if before is not None and before.unit == unit:
        span_s = (at - before.counted_at).total_seconds()
        fade = exp(-span_s / MEMORY_S)
        used = before.used * fade + max(0.0, before.quantity - quantity)
        over_s = before.over_s * fade + span_s
    short_since = before.short_since if before else None
    reorder_point = rule.reorder_point if rule else None
    if reorder_point is None or quantity > reorder_point:
        after = Level(at, quantity, unit, used, over_s)
        if before is None or short_since is None:
            return after, []
        return after, [Episode(KIND, sku, short_since, at, before.least)]
    least = quantity if before is None or before.least is None else min(before.least, quantity)
    after = Level(at, quantity, unit, used, over_s, short_since or at, least)
    if before is not None and short_since is not None and least == before.least:
        return after, []
    return after, [Episode(KIND, sku, short_since or at, None, least, {"reorder_point": reorder_point})]


def silenced(level: Level) -> Level:
    """The level after a contract's end, which closed its shortage; the next count opens another."""
    return msgspec.structs.replace(level, short_since=None, least=None)
