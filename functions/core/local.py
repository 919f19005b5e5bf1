"""Flat ground around a place: metres east and north of it, so that plane geometry can be used on shapes on the globe.

An equirectangular projection at the place's latitude; longitudes are taken the short way round, so a shape across the
antimeridian is in one piece. A thing 100 km away is off by less than 1 %; fences and corridors are measured near by.
"""

from collections.abc import Iterable
from math import cos, radians
from typing import NamedTuple

from functions.core.geo import EARTH_RADIUS_M

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
