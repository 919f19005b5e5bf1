"""Flat ground around a place: metres east and north of it, so that plane geometry can be used on shapes on the globe.

An equirectangular projection at the place's latitude; longitudes are taken the short way round, so a shape across the
antimeridian is in one piece. A thing 100 km away is off by less than 1 %; fences and corridors are measured near by.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from math import cos, hypot, radians
from typing import NamedTuple

from functions.core.geo import EARTH_RADIUS_M, distance_m

METRES_A_DEGREE = radians(1) * EARTH_RADIUS_M


class Ground(NamedTuple):
    """The ground around a latitude and longitude, in degrees."""

    latitude: float
    longitude: float

    def metres(self, latitude: float, longitude: float) -> tuple[float, float]:
        """East and north of the origin."""
        east = (longitude - self.longitude + 540) % 360 - 180
        scale = METRES_A_DEGREE * cos(radians(self.latitude))
        return east * scale, (latitude - self.latitude) * METRES_A_DEGREE

    def degrees(self, east_m: float, north_m: float) -> tuple[float, float]:
        """Latitude and longitude of a point in metres."""
        scale = METRES_A_DEGREE * cos(radians(self.latitude))
        longitude = (self.longitude + east_m / scale + 540) % 360 - 180
        return self.latitude + north_m / METRES_A_DEGREE, longitude

    def line(self, points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
        """(latitude, longitude) pairs in metres; each goes the short way on from the one before."""
        found: list[tuple[float, float]] = []
        scale = METRES_A_DEGREE * cos(radians(self.latitude))
        east, before = 0.0, self.longitude
        for latitude, longitude in points:
            east += (longitude - before + 540) % 360 - 180
            before = longitude
            found.append((east * scale, (latitude - self.latitude) * METRES_A_DEGREE))
        return found


class Track:
    """A line of (latitude, longitude): how far a place is from it, and how far along it.

    The nearest place is found on flat ground and then measured on the globe, so that what the ground distorts moves
    that place a little along the line but hardly changes its distance.
    """

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        import shapely

        self._ground = Ground(sum(point[0] for point in points) / len(points), points[len(points) // 2][1])
        flat = self._ground.line(points)
        self._line = shapely.LineString(flat)
        self._flat_m = [0.0, *accumulate(hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(flat))]
        self._way_m = [0.0, *accumulate(distance_m(*a, *b) for a, b in pairwise(points))]
        shapely.prepare(self._line)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees; may reach over ±180."""
        west, south, east, north = self._line.bounds
        metres = self._ground.metres(self._ground.latitude, self._ground.longitude + 1)[0]
        (low, _), (high, _) = self._ground.degrees(0, south), self._ground.degrees(0, north)
        return self._ground.longitude + west / metres, low, self._ground.longitude + east / metres, high

    def off_m(self, latitude: float, longitude: float) -> float:
        """Metres from the nearest place of any segment."""
        import shapely

        nearest = self._line.interpolate(self._along(latitude, longitude))
        return distance_m(latitude, longitude, *self._ground.degrees(*shapely.get_coordinates(nearest)[0]))

    def way_m(self, latitude: float, longitude: float) -> float:
        """Metres along the line, from its start to beside a place."""
        flat_m = self._along(latitude, longitude)
        leg = min(bisect_right(self._flat_m, flat_m), len(self._flat_m) - 1)
        before_m, after_m = self._flat_m[leg - 1], self._flat_m[leg]
        share = (flat_m - before_m) / (after_m - before_m) if after_m > before_m else 0.0
        return self._way_m[leg - 1] + share * (self._way_m[leg] - self._way_m[leg - 1])

    def _along(self, latitude: float, longitude: float) -> float:
        import shapely

        return float(self._line.project(shapely.Point(self._ground.metres(latitude, longitude))))
