"""Routes: how far a vehicle is off its route, and how far it still has to go along it."""

from datetime import datetime
from functools import cached_property
from typing import Annotated

import msgspec
from msgspec import Meta

from functions.core.episode import Episode
from functions.core.fix import Fix
from functions.core.geo import distance_m
from functions.core.local import Track
from functions.core.row import Product

REJOIN_SHARE = 0.8
FURTHER = 1.1
"""Told again when it has grown by this share."""

LatLon = tuple[Annotated[float, Meta(ge=-90, le=90)], Annotated[float, Meta(ge=-180, le=180)]]


class Route(msgspec.Struct, frozen=True, dict=True):
    """A route in degrees, and when leaving it is news; `speed_limit_kph` holds on it where no fence says otherwise."""

    polyline: Annotated[list[LatLon], Meta(min_length=2, max_length=20_000)]
    corridor_m: Annotated[float, Meta(gt=0, le=1e6)] = 500.0
    hold_s: Annotated[float, Meta(ge=0, le=86_400)] = 120.0
    speed_limit_kph: Annotated[float, Meta(gt=0, le=500)] | None = None

    def off_m(self, latitude: float, longitude: float) -> float:
        """Cross-track distance: metres from the nearest place of any segment."""
        return self._track.off_m(latitude, longitude)

    def remaining_m(self, latitude: float, longitude: float, to: LatLon) -> float:
        """The way along the route from beside one place to beside another, 0 when that lies behind."""
        return max(0.0, self._track.way_m(*to) - self._track.way_m(latitude, longitude))

    def near_an_end(self, latitude: float, longitude: float) -> bool:
        """Within a corridor's width of where the route starts or ends: there a vehicle may be anywhere."""
        ends = (self.polyline[0], self.polyline[-1])
        return any(distance_m(latitude, longitude, *place) <= self.corridor_m for place in ends)

    @cached_property
    def _track(self) -> Track:
        return Track(self.polyline)


class Deviation(msgspec.Struct, frozen=True, array_like=True):
    """Off the route since then; `told_m` is how far was told, 0 until it lasted."""

    since: datetime
    most_m: float
    told_m: float


Told = tuple[Deviation | None, list[Product], list[Episode]]


def follow(state: Deviation | None, fix: Fix, route: Route | None) -> Told:
    """A deviation begins beyond the corridor for `hold_s`, and is over within 80 % of it."""
    if route is None:
        return _rejoined(state, fix.at)
    off_m = route.off_m(fix.latitude, fix.longitude) - fix.accuracy_m
    known = state is not None and state.told_m > 0
    if off_m <= route.corridor_m * (REJOIN_SHARE if known else 1.0) or route.near_an_end(fix.latitude, fix.longitude):
        return _rejoined(state, fix.at)
    state = state or Deviation(fix.at, off_m, 0.0)
    most_m = max(off_m, state.most_m)
    lasted = known or (fix.at - state.since).total_seconds() >= route.hold_s
    news = lasted and most_m > state.told_m * FURTHER
    after = Deviation(state.since, most_m, most_m if news else state.told_m)
    return after, [], [_episode(after, None)] if news else []


def silenced(state: Deviation | None, last_at: datetime) -> tuple[list[Product], list[Episode]]:
    """The event of a deviation that nobody saw the end of: it is known until the last good fix."""
    return _rejoined(state, last_at, "unknown")[1:]


def _rejoined(state: Deviation | None, at: datetime, outcome: str = "over") -> Told:
    if state is None or not state.told_m:
        return None, [], []
    columns = {
        "kind": "route_deviation",
        "started_at": state.since,
        "ended_at": at,
        "duration_s": (at - state.since).total_seconds(),
        "most_m": state.most_m,
        "outcome": outcome,
    }
    return None, [Product("events", "route_deviation", columns, at)], [_episode(state, at)]


def _episode(state: Deviation, ended_at: datetime | None) -> Episode:
    """Its command brings the vehicle back: whoever carries commands publishes it when the episode opens."""
    return Episode("route_deviation", "", state.since, ended_at, state.most_m, {"command": "reroute"})
