"""Routes: how far a vehicle is off its route, and how far it still has to go along it."""

from datetime import datetime
from functools import cached_property
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from functions.core.episode import Episode
from functions.core.fix import Fix
from functions.core.geo import distance_m
from functions.core.local import Ground
from functions.core.row import Product

REJOIN_SHARE = 0.8

LatLon = tuple[Annotated[float, Meta(ge=-90, le=90)], Annotated[float, Meta(ge=-180, le=180)]]


class Route(msgspec.Struct, frozen=True, dict=True):
    """A route in degrees, and when leaving it is news; `speed_limit_kph` holds on it where no fence says otherwise."""

    polyline: Annotated[list[LatLon], Meta(min_length=2, max_length=20_000)]
    corridor_m: Annotated[float, Meta(gt=0, le=1e6)] = 500.0
    hold_s: Annotated[float, Meta(ge=0, le=86_400)] = 120.0
    speed_limit_kph: Annotated[float, Meta(gt=0, le=500)] | None = None

    @cached_property
    def ground(self) -> Ground:
        middle = len(self.polyline) // 2
        return Ground(sum(point[0] for point in self.polyline) / len(self.polyline), self.polyline[middle][1])

    def off_m(self, latitude: float, longitude: float) -> float:
        """Cross-track distance: metres from the nearest place of any segment."""
        import shapely

        nearest = self._line.interpolate(self._along(latitude, longitude))
        return distance_m(latitude, longitude, *self.ground.degrees(*shapely.get_coordinates(nearest)[0]))

    def remaining_m(self, latitude: float, longitude: float, to: LatLon) -> float:
        """The way along the route from beside one place to beside another, 0 when that lies behind."""
        return max(0.0, self._along(*to) - self._along(latitude, longitude))

    def near_an_end(self, latitude: float, longitude: float) -> bool:
        """Within a corridor's width of where the route starts or ends: there a vehicle may be anywhere."""
        ends = (self.polyline[0], self.polyline[-1])
        return any(distance_m(latitude, longitude, *place) <= self.corridor_m for place in ends)

    def _along(self, latitude: float, longitude: float) -> float:
        import shapely

        return float(self._line.project(shapely.Point(self.ground.metres(latitude, longitude))))

    @cached_property
    def _line(self) -> Any:
        import shapely

        return shapely.LineString(self.ground.line(self.polyline))


class Deviation(msgspec.Struct, frozen=True, array_like=True):
    """Off the route since then; `told` once it lasted."""

    since: datetime
    most_m: float
    told: bool


def follow(
    state: Deviation | None, fix: Fix, route: Route | None
) -> tuple[Deviation | None, list[Product], list[Episode]]:
    """A deviation begins beyond the corridor for `hold_s`, and is over within 80 % of it."""
    if route is None:
        return _rejoined(state, fix.at)
    off_m = route.off_m(fix.latitude, fix.longitude) - fix.accuracy_m
    told = state is not None and state.told
    if off_m <= route.corridor_m * (REJOIN_SHARE if told else 1.0) or route.near_an_end(fix.latitude, fix.longitude):
        return _rejoined(state, fix.at)
    since = state.since if state else fix.at
    most_m = max(off_m, state.most_m) if state else off_m
    after = Deviation(since, most_m, (fix.at - since).total_seconds() >= route.hold_s or told)
    worth_telling = after.told and (state is None or not state.told or most_m > state.most_m * 1.1)
    return after, [], [_episode(after, None)] if worth_telling else []


def silenced(state: Deviation | None, at: datetime) -> list[Product]:
    """The event of a deviation that nobody saw the end of."""
    return _rejoined(state, at)[1]


def _rejoined(state: Deviation | None, at: datetime) -> tuple[None, list[Product], list[Episode]]:
    if state is None or not state.told:
        return None, [], []
    columns = {
        "kind": "route_deviation",
        "started_at": state.since,
        "ended_at": at,
        "duration_s": (at - state.since).total_seconds(),
        "most_m": state.most_m,
    }
    return None, [Product("events", "route_deviation", columns, at)], [_episode(state, at)]


def _episode(state: Deviation, ended_at: datetime | None) -> Episode:
    """Its command brings the vehicle back: whoever carries commands publishes it when the episode opens."""
    return Episode("route_deviation", "", state.since, ended_at, state.most_m, {"command": "reroute"})
