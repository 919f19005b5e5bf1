"""Deliveries: when a vehicle should reach its next stop, by an estimate, and how late that is."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from functions.core.episode import Episode
from functions.core.fix import Fix
from functions.core.geo import distance_m
from functions.core.reading import Label
from functions.core.route import Route
from functions.core.row import Product

LATE_S = 900.0
"""Later than promised by more than this is a delay; told again for each further 15 minutes."""
RECOVERED_S = 600.0
"""A delay is over when no more than this is left of it, so that it does not flicker."""
PACE_KPH = 30.0
PACE_MEMORY_S = 900.0
"""The moving average of the speed forgets with this time constant, and begins at that pace."""


class Stop(msgspec.Struct, frozen=True):
    """A place to be reached; `promised_at` is aware. In the order of the tour."""

    id: Label
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    radius_m: Annotated[float, Meta(gt=0, le=1e5)] = 100.0
    promised_at: Annotated[datetime, Meta(tz=True)] | None = None


class Tour(msgspec.Struct, frozen=True, array_like=True):
    """How far the tour has come: ids of the stops reached, mean moving speed, and the delay told (`late_since`, and how
    many quarters of an hour)."""

    reached: tuple[str, ...] = ()
    pace_kph: float = PACE_KPH
    eta_at: datetime | None = None
    late_since: datetime | None = None
    quarters: int = 0


def follow(
    tour: Tour | None, fix: Fix, stops: list[Stop], route: Route | None
) -> tuple[Tour | None, list[Product], list[Episode]]:
    """The tour after a fix. The ETA is the way left over the mean moving speed: an estimate, and called one."""
    if not stops:
        return None, [], []
    tour = _paced(tour or Tour(), fix)
    stop = next((stop for stop in stops if stop.id not in tour.reached), None)
    if stop is None:
        return tour, [], []
    if distance_m(fix.latitude, fix.longitude, stop.latitude, stop.longitude) <= stop.radius_m:
        return _arrived(tour, fix.at, stop)
    return _expected(tour, fix, stop, route)


def _paced(tour: Tour, fix: Fix) -> Tour:
    pace_kph = fix.pace_kph
    if pace_kph is None or pace_kph <= 5 or fix.leg_s <= 0:
        return tour
    weight = min(1.0, fix.leg_s / PACE_MEMORY_S)
    return msgspec.structs.replace(tour, pace_kph=tour.pace_kph + weight * (pace_kph - tour.pace_kph))


def _expected(tour: Tour, fix: Fix, stop: Stop, route: Route | None) -> tuple[Tour, list[Product], list[Episode]]:
    left_m = distance_m(fix.latitude, fix.longitude, stop.latitude, stop.longitude)
    if route:
        left_m = max(left_m, route.remaining_m(fix.latitude, fix.longitude, (stop.latitude, stop.longitude)))
    eta_at = fix.at + timedelta(seconds=round(left_m * 3.6 / tour.pace_kph))
    tour = msgspec.structs.replace(tour, eta_at=eta_at)
    if stop.promised_at is None:
        return tour, [], []
    late_s = (eta_at - stop.promised_at).total_seconds()
    if tour.late_since is None and late_s <= LATE_S:
        return tour, [], []
    if tour.late_since is not None and late_s <= RECOVERED_S:
        after = msgspec.structs.replace(tour, late_since=None, quarters=0)
        return after, [], [_episode(stop, tour.late_since, fix.at, tour.quarters, eta_at)]
    since = tour.late_since or fix.at
    quarters = max(tour.quarters, int(late_s // LATE_S))
    after = msgspec.structs.replace(tour, late_since=since, quarters=quarters)
    news = tour.late_since is None or quarters > tour.quarters
    return after, [], [_episode(stop, since, None, quarters, eta_at)] if news else []


def _arrived(tour: Tour, at: datetime, stop: Stop) -> tuple[Tour, list[Product], list[Episode]]:
    late_s = (at - stop.promised_at).total_seconds() if stop.promised_at else None
    columns = {"kind": "arrival", "stop_id": stop.id, "promised_at": stop.promised_at, "late_s": late_s}
    after = Tour((*tour.reached, stop.id), tour.pace_kph)
    over = [_episode(stop, tour.late_since, at, tour.quarters, at)] if tour.late_since else []
    return after, [Product("events", f"arrival {stop.id}", columns)], over


def _episode(stop: Stop, since: datetime, ended_at: datetime | None, quarters: int, eta_at: datetime) -> Episode:
    details = {
        "stop_id": stop.id,
        "promised_at": stop.promised_at.isoformat() if stop.promised_at else None,
        "estimated_at": eta_at.isoformat(),
    }
    return Episode("delivery_delay", stop.id, since, ended_at, quarters * LATE_S, details)
