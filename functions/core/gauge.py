"""Gauges that can be too low, and fuel that goes where the vehicle does not."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from functions.core.episode import Episode

READINGS = 2
"""One low reading is a starter motor, or fuel on a slope."""
FUEL_LOW_PCT = 10.0
FUEL_GIVE_PCT = 5.0
FUEL_DROP_PCT = 10.0
"""A parked tank that holds so much less lost it; less than that is warmth and slope."""
TELL_DROP_PCT = 5.0
SYSTEMS_V = ((18.0, 11.8, 0.4), (36.0, 23.6, 0.8))
"""Highest voltage of a system, the voltage at rest of its lead battery when a fifth is left, and what to regain."""


class Limit(NamedTuple):
    """Too low at or under `low` where `reached`, else under it; well again above `low` + `give`."""

    kind: str
    low: float
    give: float
    reached: bool = False


class Low(msgspec.Struct, frozen=True, array_like=True):
    """Too low since then; `lowest` so far, and how many readings have said so."""

    since: datetime
    lowest: float
    readings: int = 1


class Parked(msgspec.Struct, frozen=True, array_like=True):
    """Ignition off: the fuel that was there, the last reading of it, and since when fuel has been missing."""

    fuel_pct: float
    odometer_km: float | None
    read_at: datetime
    missing_since: datetime | None = None
    told_pct: float = 0.0


def battery_limit(highest_v: float | None, own_v: float | None) -> Limit | None:
    """The limit of a battery: its own, or that of a 12 V or 24 V system, whichever its highest voltage shows it is."""
    if own_v is not None:
        return Limit("battery_low", own_v, own_v / 30)
    for most_v, low_v, give_v in SYSTEMS_V:
        if highest_v is not None and highest_v < most_v:
            return Limit("battery_low", low_v, give_v)
    return None


def gauge(low: Low | None, value: float | None, at: datetime, limit: Limit | None) -> tuple[Low | None, list[Episode]]:
    """A gauge after one more value (None = not sent)."""
    if value is None:
        return low, []
    told = low is not None and low.readings >= READINGS
    under = limit is not None and (value < limit.low or (limit.reached and value == limit.low))
    if low is None:
        return (Low(at, value) if under else None), []
    if under:
        after = Low(low.since, min(low.lowest, value), low.readings + 1)
        return after, [_episode(limit, after, None)] if after.readings == READINGS else []
    if told and limit is not None and value <= limit.low + limit.give:
        return low, []
    return None, [_episode(limit, low, at)] if told else []


def _episode(limit: Limit | None, low: Low, ended_at: datetime | None) -> Episode:
    details = {"limit": limit.low} if limit else {}
    return Episode(limit.kind if limit else "battery_low", "", low.since, ended_at, low.lowest, details)


def fuel(
    parked: Parked | None, fuel_pct: float | None, ignition: bool | None, odometer_km: float | None, at: datetime
) -> tuple[Parked | None, list[Episode]]:
    """What a parked vehicle's tank shows; ignition and odometer are as last known. Driving ends it, and so does fuel
    that comes back."""
    moved = (
        parked is not None
        and parked.odometer_km is not None
        and odometer_km is not None
        and odometer_km - parked.odometer_km > 1.0
    )
    if ignition is not False or moved:
        return None, _found(parked, at)
    if fuel_pct is None:
        return parked, []
    if parked is None:
        return Parked(fuel_pct, odometer_km, at), []
    drop_pct = parked.fuel_pct - fuel_pct
    if drop_pct < FUEL_DROP_PCT:
        if parked.missing_since is not None or drop_pct <= -FUEL_GIVE_PCT:
            return Parked(fuel_pct, odometer_km, at), _found(parked, at)
        return msgspec.structs.replace(parked, read_at=at), []
    since = parked.missing_since or parked.read_at
    news = parked.missing_since is None or drop_pct - parked.told_pct >= TELL_DROP_PCT
    told_pct = drop_pct if news else parked.told_pct
    after = Parked(parked.fuel_pct, parked.odometer_km, at, since, told_pct)
    return after, [Episode("fuel_drop", "", since, None, told_pct)] if news else []


def _found(parked: Parked | None, at: datetime) -> list[Episode]:
    if parked is None or parked.missing_since is None:
        return []
    return [Episode("fuel_drop", "", parked.missing_since, at, parked.told_pct)]
