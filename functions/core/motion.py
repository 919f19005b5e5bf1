"""Motion: when a vehicle is on a trip and when it has stopped, by place and time rather than by speed.

A trip starts once the vehicle is 200 m from the place of its stop, and its start is walked back over the legs that
moved. It ends where the vehicle then stays: fixes within 200 m of the first of them over 180 s (a stay point, Li et
al. 2008). A gap of an hour ends it at the last fix before the gap, ignition off at once.
"""

from datetime import datetime

import msgspec

from functions.core.fix import Fix
from functions.core.geo import distance_m
from functions.core.path import Point, grown, point, polyline
from functions.core.row import Product, Row

STAY_M = 200.0
STAY_S = 180.0
GAP_S = 3600.0
MOVING_KPH = 5.0
"""A leg slower than this is no moving leg: walking pace, and what drift of a parked receiver looks like."""
IDLE_S = 600.0


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where and when a stay begins or a departure may be: with the way driven until then, and its event's key."""

    at: datetime
    key: bytes
    latitude: float
    longitude: float
    distance_m: float


class Trip(msgspec.Struct, frozen=True, array_like=True):
    """The trip under way. `stay` is the first fix of where it may be stopping; `idle_s` counts what did not move until
    `stay`, `stay_idle_s` since; `path` holds points of its way."""

    start: Place
    stay: Place
    max_kph: float
    idle_s: float
    stay_idle_s: float
    path: tuple[Point, ...]


class Motion(msgspec.Struct, frozen=True, array_like=True):
    """`stop` is where the vehicle stopped, `leaving` the fix its present run of moving legs began at, `trip` what it is
    on (None = stopped), `last` the last good fix, `idle_since` when it began to idle."""

    stop: Place
    leaving: Place
    last: Place
    trip: Trip | None = None
    idle_since: datetime | None = None

    @property
    def trip_id(self) -> str | None:
        """The trip's id: the key of the event it started with."""
        return self.trip.start.key.hex() if self.trip else None


def follow(motion: Motion | None, fix: Fix) -> tuple[Motion, list[Product]]:
    """Motion after the next good fix, and the trips, stops and idling events that ended with it."""
    here = Place(fix.at, fix.key, fix.latitude, fix.longitude, fix.distance_m)
    if motion is None:
        return Motion(here, here, here), []
    made: list[Product] = []
    if fix.leg_s > GAP_S:
        motion, made = _after_gap(motion, here)
    if motion.trip is None:
        motion, more = _stopped(motion, fix, here)
    else:
        motion, more = _under_way(motion, motion.trip, fix, here)
    motion, idling = _idling(motion, fix)
    return msgspec.structs.replace(motion, last=here), [*made, *more, *idling]


def silenced(motion: Motion | None) -> tuple[Motion | None, list[Product]]:
    """Motion when nothing more is heard: a trip ends at the last good fix, a stop goes on."""
    if motion is None or motion.trip is None:
        return motion, []
    last = motion.last
    return Motion(last, last, last), [_trip_row(motion.trip, last, motion.trip.idle_s + motion.trip.stay_idle_s)]


def _after_gap(motion: Motion, here: Place) -> tuple[Motion, list[Product]]:
    """Nobody saw an hour or more: what was under way ended before it; a vehicle found elsewhere left unseen."""
    if motion.trip is not None:
        _, made = silenced(motion)
        return Motion(here, here, here), made
    if _apart_m(motion.stop, here) < STAY_M:
        return msgspec.structs.replace(motion, leaving=here), []
    return Motion(here, here, here), _stop_rows(motion.stop, motion.last.at)


def _stopped(motion: Motion, fix: Fix, here: Place) -> tuple[Motion, list[Product]]:
    if fix.ignition is False or not _moves(fix):
        motion = msgspec.structs.replace(motion, leaving=here)
    if fix.ignition is False or _apart_m(motion.stop, here) < STAY_M:
        return motion, []
    start = motion.leaving if motion.leaving.at < here.at else motion.last
    path = grown((_point(start),), _point(here))
    trip = Trip(start, here, _top(0.0, fix), 0.0, 0.0, path)
    return msgspec.structs.replace(motion, trip=trip), _stop_rows(motion.stop, start.at)


def _under_way(motion: Motion, trip: Trip, fix: Fix, here: Place) -> tuple[Motion, list[Product]]:
    idle_s = 0.0 if _moves(fix) else fix.leg_s
    if fix.ignition is False:
        return Motion(here, here, here), [_trip_row(trip, here, trip.idle_s + trip.stay_idle_s + idle_s)]
    top = _top(trip.max_kph, fix)
    if _apart_m(trip.stay, here) >= STAY_M:
        path = grown(trip.path, _point(here))
        trip = Trip(trip.start, here, top, trip.idle_s + trip.stay_idle_s + idle_s, 0.0, path)
        return msgspec.structs.replace(motion, trip=trip), []
    if (here.at - trip.stay.at).total_seconds() >= STAY_S:
        return Motion(trip.stay, here, here, None, motion.idle_since), [_trip_row(trip, trip.stay, trip.idle_s)]
    trip = msgspec.structs.replace(trip, max_kph=top, stay_idle_s=trip.stay_idle_s + idle_s)
    return msgspec.structs.replace(motion, trip=trip), []


def _idling(motion: Motion, fix: Fix) -> tuple[Motion, list[Product]]:
    """Ignition on and not moving, for ten minutes or more: known when it is over."""
    since = motion.idle_since
    idles = fix.ignition is True and not _moves(fix)
    if idles and fix.leg_s <= GAP_S:
        return motion if since else msgspec.structs.replace(motion, idle_since=fix.at), []
    if since is None:
        return motion, []
    ended_at = motion.last.at if fix.leg_s > GAP_S else fix.at
    duration_s = (ended_at - since).total_seconds()
    motion = msgspec.structs.replace(motion, idle_since=None)
    if duration_s < IDLE_S:
        return motion, []
    columns = {"kind": "idling", "started_at": since, "ended_at": ended_at, "duration_s": duration_s}
    return motion, [Product("events", "idling", columns, ended_at)]


def _moves(fix: Fix) -> bool:
    """By what the vehicle reported and, where the leg is long enough to tell, by how far it came."""
    pace_kph = fix.pace_kph
    implied_kph = fix.leg_m * 3.6 / fix.leg_s if fix.leg_s > 0 else 0.0
    return (pace_kph is not None and pace_kph > MOVING_KPH) or implied_kph > MOVING_KPH


def _top(max_kph: float, fix: Fix) -> float:
    return max(max_kph, fix.pace_kph or 0.0)


def _point(place: Place) -> Point:
    return point(place.latitude, place.longitude)


def _apart_m(place: Place, other: Place) -> float:
    return distance_m(place.latitude, place.longitude, other.latitude, other.longitude)


def _trip_row(trip: Trip, end: Place, idle_s: float) -> Product:
    duration_s = (end.at - trip.start.at).total_seconds()
    distance_km = (end.distance_m - trip.start.distance_m) / 1000
    columns: Row = {
        "trip_id": trip.start.key.hex(),
        "started_at": trip.start.at,
        "ended_at": end.at,
        "duration_s": duration_s,
        "distance_km": distance_km,
        "start_latitude": trip.start.latitude,
        "start_longitude": trip.start.longitude,
        "end_latitude": end.latitude,
        "end_longitude": end.longitude,
        "idle_s": idle_s,
        "max_kph": trip.max_kph,
        "average_kph": distance_km * 3600 / duration_s if duration_s > 0 else None,
        "path": polyline((*trip.path, _point(end))),
    }
    return Product("trips", trip.start.key.hex(), columns, end.at)


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
    return [Product("stops", stop.key.hex(), columns, ended_at)]
