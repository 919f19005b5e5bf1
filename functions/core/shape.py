"""The three shapes of a fence: how far outside a place is, and the box that holds the whole shape."""

from collections.abc import Sequence
from functools import cached_property
from math import cos, radians
from typing import Any, NamedTuple, Protocol

from functions.core.geo import distance_m
from functions.core.local import METRES_A_DEGREE, Ground, Track

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; may reach over ±180."""
Ring = Sequence[tuple[float, float]]
"""(latitude, longitude) pairs."""
NEAREST_POLE = 89.9
"""From here on a box reaches around the pole."""


class Shape(Protocol):
    """`outside_m` is 0 or less inside and on the border; `radius_m` is what margins are a share of."""

    @property
    def radius_m(self) -> float: ...

    @property
    def bounds(self) -> Box: ...

    def outside_m(self, latitude: float, longitude: float) -> float: ...


class Circle(NamedTuple):
    """Around a place, on the sphere."""

    latitude: float
    longitude: float
    radius_m: float

    @property
    def bounds(self) -> Box:
        return widened((self.longitude, self.latitude, self.longitude, self.latitude), self.radius_m)

    def outside_m(self, latitude: float, longitude: float) -> float:
        return distance_m(self.latitude, self.longitude, latitude, longitude) - self.radius_m


class Corridor:
    """What is within a half width of a line."""

    def __init__(self, line: Ring, radius_m: float) -> None:
        self.radius_m = radius_m
        self._track = Track(line)

    @property
    def bounds(self) -> Box:
        return widened(self._track.bounds, self.radius_m)

    def outside_m(self, latitude: float, longitude: float) -> float:
        return self._track.off_m(latitude, longitude) - self.radius_m


class Area:
    """Polygons, each an outer ring and its holes. Between corners they go straight in degrees (RFC 7946)."""

    def __init__(self, polygons: Sequence[Sequence[Ring]]) -> None:
        import shapely

        corners = [latitude for rings in polygons for latitude, _ in rings[0]]
        self._ground = Ground(sum(corners) / len(corners), polygons[0][0][0][1])
        flat = [[self._ground.line(ring) for ring in rings] for rings in polygons]
        self._area: Any = shapely.make_valid(shapely.MultiPolygon([(rings[0], rings[1:]) for rings in flat]))
        shapely.prepare(self._area)

    @cached_property
    def radius_m(self) -> float:
        """Half the smaller side of the box."""
        west, south, east, north = self._area.bounds
        return float(min(east - west, north - south)) / 2

    @cached_property
    def bounds(self) -> Box:
        west, south, east, north = self._area.bounds
        metres = self._ground.metres(self._ground.latitude, self._ground.longitude + 1)[0]
        low, high = (self._ground.latitude + side / METRES_A_DEGREE for side in (south, north))
        return widened((self._ground.longitude + west / metres, low, self._ground.longitude + east / metres, high), 1.0)

    def outside_m(self, latitude: float, longitude: float) -> float:
        import shapely

        return float(shapely.distance(self._area, shapely.Point(self._ground.metres(latitude, longitude))))


def widened(box: Box, by_m: float) -> Box:
    """The box with this much more on every side; near a pole, all around."""
    west, south, east, north = box
    up = by_m * 1.001 / METRES_A_DEGREE
    pole = max(abs(south - up), abs(north + up))
    across = up / cos(radians(pole)) if pole < NEAREST_POLE else 180.0
    return west - across, south - up, east + across, north + up
