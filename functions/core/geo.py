"""Distances on the sphere."""

from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius R1 of the WGS 84 ellipsoid (IUGG)."""


def distance_m(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Metres between two points given in degrees: the haversine formula (Sinnott 1984).

    Within 0.57 % of a geodesic on the ellipsoid anywhere, and 0.4 % between 25 and 65 degrees of latitude.
    """
    phi, other_phi = radians(latitude), radians(other_latitude)
    across = sin((other_phi - phi) / 2)
    along = sin(radians(other_longitude - longitude) / 2)
    return 2 * EARTH_RADIUS_M * asin(sqrt(min(1.0, across * across + cos(phi) * cos(other_phi) * along * along)))
