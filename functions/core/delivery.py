"""Deliveries: when a vehicle should reach its next stop, by an estimate, and how late that is."""

from datetime import datetime, timedelta
from typing import Annotated
from zlib import crc32

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
MOVING_KPH = 5.0
"""What is slower does not count as moving."""
PACE_MEMORY_S = 900.0
"""The moving average of the speed forgets with this time constant, and begins at that pace."""


class Stop(msgspec.Struct, frozen=True):
    """A place to be reached; `promised_at` is aware. In the order of the tour."""

    id: Label
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    radius_m: Annotated[float, Meta(gt=0, le=1e5)] = 100.0
    promised_at: Annotated[datetime, Meta(tz=True)] | None = None

    @property
    def mark(self) -> int:
        """What is remembered of a stop: its id may serve another day again, with another promise."""
        return crc32(f"{self.id} {self.promised_at}".encode())


class Delay(msgspec.Struct, frozen=True, array_like=True):
    """A delay that was told: of which stop, since when, and how many quarters of an hour."""

    stop_id: str
    since: datetime
    quarters: int


class Tour(msgspec.Struct, frozen=True, array_like=True):
    """How far the tour has come: marks of the stops reached, mean moving speed, and the delay told."""

    reached: tuple[int, ...] = ()
    pace_kph: float = PACE_KPH
    eta_at: datetime | None = None
    delay: Delay | None = None


Told = tuple[Tour | None, list[Product], list[Episode]]


def follow(tour: Tour | None, fix: Fix, stops: list[Stop], route: Route | None) -> Told:
    """The tour after a fix. The ETA is the way left over the mean moving speed: an estimate, and called one."""
    if not stops and tour is None:
        return None, [], []
    tour = _paced(tour or Tour(), fix)
    stop = next((stop for stop in stops if stop.mark not in tour.reached), None)
    over: list[Episode] = []
    if tour.delay and (stop is None or stop.id != tour.delay.stop_id):
        over = [_episode(tour.delay, None, fix.at, None)]  # somebody took the stop off the tour
        tour = msgspec.structs.replace(tour, delay=None)
    if stop is None:
        after = msgspec.structs.replace(tour, eta_at=None) if stops else None
        return after, [], over
    if distance_m(fix.latitude, fix.longitude, stop.latitude, stop.longitude) <= stop.radius_m:
        known = {stop.mark for stop in stops}
        reached = (*(mark for mark in tour.reached if mark in known), stop.mark)
        after, made, told = _arrived(Tour(reached, tour.pace_kph, None, tour.delay), fix.at, stop)
    else:
        after, made, told = _expected(tour, fix, stop, route)
    return after, made, [*over, *told]


def silenced(tour: Tour | None) -> Tour | None:
    """The tour when nothing more is heard: what was told of its delay is closed, and is told anew if it goes on."""
    return msgspec.structs.replace(tour, delay=None) if tour and tour.delay else tour


def _paced(tour: Tour, fix: Fix) -> Tour:
    if fix.pace_kph <= MOVING_KPH or fix.leg_s <= 0:
        return tour
    weight = min(1.0, fix.leg_s / PACE_MEMORY_S)
    return msgspec.structs.replace(tour, pace_kph=tour.pace_kph + weight * (fix.pace_kph - tour.pace_kph))


def _expected(tour: Tour, fix: Fix, stop: Stop, route: Route | None) -> Told:
    left_m = distance_m(fix.latitude, fix.longitude, stop.latitude, stop.longitude)
    if route:
        left_m = max(left_m, route.remaining_m(fix.latitude, fix.longitude, (stop.latitude, stop.longitude)))
    eta_at = fix.at + timedelta(seconds=round(left_m * 3.6 / tour.pace_kph))
    tour, delay = msgspec.structs.replace(tour, eta_at=eta_at), tour.delay
    if stop.promised_at is None:
        return tour, [], []
    late_s = (eta_at - stop.promised_at).total_seconds()
    if late_s <= (RECOVERED_S if delay else LATE_S):
        over = [_episode(delay, stop, fix.at, eta_at)] if delay else []
        return (msgspec.structs.replace(tour, delay=None) if delay else tour), [], over
    quarters = int(late_s // LATE_S)
    if delay and quarters <= delay.quarters:
        return tour, [], []
    delay = Delay(stop.id, delay.since if delay else fix.at, quarters)
    return msgspec.structs.replace(tour, delay=delay), [], [_episode(delay, stop, None, eta_at)]


def _arrived(tour: Tour, at: datetime, stop: Stop) -> Told:
    late_s = (at - stop.promised_at).total_seconds() if stop.promised_at else None
    columns = {
        "kind": "arrival",
        "stop_id": stop.id,
        "started_at": at,
        "promised_at": stop.promised_at,
        "late_s": late_s,
        "latitude": stop.latitude,
        "longitude": stop.longitude,
    }
    over = [_episode(tour.delay, stop, at, at)] if tour.delay else []
    after = msgspec.structs.replace(tour, delay=None)
    return after, [Product("events", f"arrival {stop.id}", columns)], over


def _episode(delay: Delay, stop: Stop | None, ended_at: datetime | None, eta_at: datetime | None) -> Episode:
    """Its peak is in seconds; `stop` is None when it is no longer on the tour."""
    details = {
        "stop_id": delay.stop_id,
        "promised_at": stop.promised_at.isoformat() if stop and stop.promised_at else None,
        "estimated_at": eta_at.isoformat() if eta_at else None,
    }
    return Episode("delivery_delay", delay.stop_id, delay.since, ended_at, delay.quarters * LATE_S, details)
