"""Motion: when a vehicle is on a trip and when it has stopped, by place and time rather than by speed.

A trip starts once the vehicle is 200 m from the place of its stop, and its start is walked back over the legs that
moved. It ends where the vehicle then stays: fixes within 200 m of the first of them over 180 s (a stay point, Li et
al. 2008). A gap of an hour ends it at the last fix before the gap, ignition off at once.
"""

from datetime import datetime

import msgspec

from functions.core.fix import Fix, Place, place
from functions.core.ids import digest
from functions.core.path import Path, Point, grown, point, polyline
from functions.core.row import Product, Row

STAY_M = 200.0
STAY_S = 180.0
GAP_S = 3600.0
MOVING_KPH = 5.0
"""A leg slower than this is no moving leg: walking pace, and what drift of a parked receiver looks like."""
DRIFT_M = 50.0
"""A leg of a standing vehicle may be this long: a receiver among buildings."""
PAUSE_S = 60.0
"""A vehicle on its way out may stand for less than this (a red light) and still has left before."""
CANDIDATE_S = 15.0
"""Fixes that may turn out to be the first of a stay are remembered this far apart: at most 12 of them at a time, and a
stay is found to this many seconds where fixes come more often, else exactly."""
IDLE_S = 600.0
HALF_TURN, TURN = 1_800_000_000, 3_600_000_000
"""In 1e-7 degrees."""


class Departure(Place, frozen=True, array_like=True):
    """The fix that a run of moving legs began at: its event's key, and since then the highest speed and how long the
    vehicle did not move."""

    key: bytes
    top_kph: float = 0.0
    idle_s: float = 0.0


class Stay(Place, frozen=True, array_like=True):
    """A fix that all since are within 200 m of; `idle_s` is how long the trip had not moved until then."""

    idle_s: float


class Halt(msgspec.Struct, frozen=True, array_like=True, tag=0):
    """Standing: where (the middle of the stay) and since when; and what would be the start if it is leaving."""

    place: Place
    leaving: Departure


class Trip(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """The trip under way. `stays` are fixes it may be stopping at, oldest first; `idle_s` counts what did not move;
    `path` holds points of its way."""

    start: Departure
    stays: tuple[Stay, ...]
    max_kph: float
    idle_s: float
    path: Path


class Motion(msgspec.Struct, frozen=True, array_like=True):
    """What the vehicle does, and since when it has been idling."""

    now: Halt | Trip
    idle_since: datetime | None = None

    @property
    def on_trip(self) -> bool:
        return type(self.now) is Trip

    @property
    def trip_id(self) -> str | None:
        """The trip's id: the key of the event it started with."""
        return self.now.start.key.hex() if isinstance(self.now, Trip) else None


def follow(motion: Motion | None, fix: Fix, last: Place | None) -> tuple[Motion, list[Product]]:
    """Motion after the next good fix, and the trips, stops and idling events that ended with it; `last` is where the
    last good fix was."""
    if motion is None or last is None:
        return Motion(_halt(fix), _idling(None, fix, fix.at)[0]), []
    now = motion.now
    made: list[Product] = []
    if fix.leg_s > GAP_S:
        now, made = _after_gap(now, fix, last)
    now, more = _stopped(now, fix) if isinstance(now, Halt) else _under_way(now, fix)
    idle_since, idling = _idling(motion.idle_since, fix, last.at)
    return Motion(now, idle_since), [*made, *more, *idling]


def silenced(motion: Motion | None, last: Place | None) -> tuple[Motion | None, list[Product]]:
    """Motion when nothing more is heard: a trip ends at the last good fix, a stop goes on."""
    if motion is None or last is None or not isinstance(motion.now, Trip):
        return motion, []
    key = digest("after", motion.now.start.key)
    leaving = Departure(last.at, last.latitude_e7, last.longitude_e7, last.driven_cm, key)
    idling = _idling_rows(motion.idle_since, last.at)
    return Motion(Halt(last, leaving)), [_trip_row(motion.now, last, motion.now.idle_s), *idling]


def _after_gap(now: Halt | Trip, fix: Fix, last: Place) -> tuple[Halt | Trip, list[Product]]:
    """Nobody saw an hour or more. A trip ended before it, and where the vehicle still is, it stood all the time; found
    elsewhere, it left unseen."""
    made = [_trip_row(now, last, now.idle_s)] if isinstance(now, Trip) else []
    stood_at = last if isinstance(now, Trip) else now.place
    if stood_at.apart_m(fix) < STAY_M:
        return Halt(stood_at, _departure(fix)), made
    return _halt(fix), made or _stop_rows(stood_at, last.at)


def _stopped(halt: Halt, fix: Fix) -> tuple[Halt | Trip, list[Product]]:
    apart_m = halt.place.apart_m(fix)
    leaving = _leaving(halt.leaving, fix, apart_m)
    if fix.off or apart_m < STAY_M:
        return Halt(halt.place, leaving), []
    path = grown((), _point(leaving), _point(_here(fix)))
    trip = Trip(leaving, (_stay(fix, leaving.idle_s),), leaving.top_kph, leaving.idle_s, path)
    return trip, _stop_rows(halt.place, leaving.at)


def _leaving(leaving: Departure, fix: Fix, apart_m: float) -> Departure:
    """What would be the start of a trip: back over the moving legs, and over a red light on the way out."""
    idle_s = leaving.idle_s if _moves(fix) else leaving.idle_s + fix.leg_s
    if fix.off or (idle_s > leaving.idle_s and (idle_s >= PAUSE_S or apart_m < DRIFT_M)):
        return _departure(fix)
    if idle_s == leaving.idle_s and fix.pace_kph <= leaving.top_kph:
        return leaving
    return msgspec.structs.replace(leaving, idle_s=idle_s, top_kph=max(leaving.top_kph, fix.pace_kph))


def _under_way(trip: Trip, fix: Fix) -> tuple[Halt | Trip, list[Product]]:
    idle_s = trip.idle_s if _moves(fix) else trip.idle_s + fix.leg_s
    max_kph = max(trip.max_kph, fix.pace_kph)
    here = point(round(fix.latitude * 1e7), round(fix.longitude * 1e7))
    path = grown(trip.path, _point(trip.start), here)
    trip = Trip(trip.start, _stays(trip.stays, fix, idle_s), max_kph, idle_s, path)
    if fix.off:
        return _halt(fix), [_trip_row(trip, _here(fix), idle_s)]
    first = trip.stays[0]
    if (fix.at - first.at).total_seconds() < STAY_S:
        return trip, []
    middle = _middle(trip.stays)
    return Halt(middle, _departure(fix)), [_trip_row(trip, middle, first.idle_s)]


def _stays(stays: tuple[Stay, ...], fix: Fix, idle_s: float) -> tuple[Stay, ...]:
    left = tuple([stay for stay in stays if stay.apart_m(fix) < STAY_M])
    if left and (fix.at - left[-1].at).total_seconds() < CANDIDATE_S:
        return left
    return (*left, _stay(fix, idle_s))


def _middle(stays: tuple[Stay, ...]) -> Place:
    """The first of a stay, at the mean of its places: the first alone may lie 200 m from where the vehicle stands, and
    then the drift of a parked vehicle would start a trip."""
    first, count = stays[0], len(stays)
    north = sum(stay.latitude_e7 - first.latitude_e7 for stay in stays)
    east = sum((stay.longitude_e7 - first.longitude_e7 + HALF_TURN) % TURN - HALF_TURN for stay in stays)
    longitude_e7 = (first.longitude_e7 + round(east / count) + HALF_TURN) % TURN - HALF_TURN
    return Place(first.at, first.latitude_e7 + round(north / count), longitude_e7, first.driven_cm)


def _idling(since: datetime | None, fix: Fix, last_at: datetime) -> tuple[datetime | None, list[Product]]:
    """Ignition on and not moving, for ten minutes or more: known when it is over."""
    idles = fix.ignition is True and not _moves(fix)
    gap = fix.leg_s > GAP_S
    if idles and since and not gap:
        return since, []
    return (fix.at if idles else None), _idling_rows(since, last_at if gap else fix.at)


def _idling_rows(since: datetime | None, ended_at: datetime) -> list[Product]:
    duration_s = (ended_at - since).total_seconds() if since else 0.0
    if duration_s < IDLE_S:
        return []
    columns = {"kind": "idling", "started_at": since, "ended_at": ended_at, "duration_s": duration_s}
    return [Product("events", "idling", columns, ended_at)]


def _moves(fix: Fix) -> bool:
    """By what the vehicle reported and, where the leg is too long for drift, by how far it came."""
    if fix.pace_kph > MOVING_KPH or fix.leg_m >= STAY_M:
        return True
    return fix.leg_m >= DRIFT_M and fix.implied_kph > MOVING_KPH


def _here(fix: Fix) -> Place:
    return place(fix.at, fix.latitude, fix.longitude, fix.distance_m)


def _departure(fix: Fix) -> Departure:
    here = _here(fix)
    return Departure(here.at, here.latitude_e7, here.longitude_e7, here.driven_cm, fix.key)


def _stay(fix: Fix, idle_s: float) -> Stay:
    here = _here(fix)
    return Stay(here.at, here.latitude_e7, here.longitude_e7, here.driven_cm, idle_s)


def _halt(fix: Fix) -> Halt:
    return Halt(_here(fix), _departure(fix))


def _point(place: Place) -> Point:
    return point(place.latitude_e7, place.longitude_e7)


def _trip_row(trip: Trip, end: Place, idle_s: float) -> Product:
    start = trip.start
    duration_s = (end.at - start.at).total_seconds()
    distance_km = (end.driven_cm - start.driven_cm) / 100_000
    columns: Row = {
        "trip_id": start.key.hex(),
        "started_at": start.at,
        "ended_at": end.at,
        "duration_s": duration_s,
        "distance_km": distance_km,
        "start_latitude": start.latitude,
        "start_longitude": start.longitude,
        "end_latitude": end.latitude,
        "end_longitude": end.longitude,
        "idle_s": idle_s,
        "max_kph": trip.max_kph,
        "average_kph": distance_km * 3600 / duration_s if duration_s > 0 else None,
        "path": polyline(trip.path, _point(start), _point(end)),
    }
    return Product("trips", start.key.hex(), columns, end.at)


def _stop_rows(stop: Place, ended_at: datetime) -> list[Product]:
    """A stay of less than three minutes was no stop."""
    duration_s = (ended_at - stop.at).total_seconds()
    if duration_s < STAY_S:
        return []
    columns: Row = {
        "started_at": stop.at,
        "ended_at": ended_at,
        "duration_s": duration_s,
        "distance_km": 0.0,
        "latitude": stop.latitude,
        "longitude": stop.longitude,
    }
    return [Product("stops", "", columns, ended_at)]
