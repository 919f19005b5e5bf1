"""A fix that can be believed, as the rules of the GPS line see it, and the places they remember."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from functions.core.geo import distance_m


class Fix(NamedTuple):
    """Degrees (WGS 84), km/h, metres. `leg_m` and `leg_s` are the way and the time since the last good fix (0 for the
    first); `distance_m` is the vehicle's whole way so far, this leg included. `ignition` is as it was last said, `off`
    that this very fix says it is off."""

    at: datetime
    key: bytes
    latitude: float
    longitude: float
    speed_kph: float | None
    accuracy_m: float
    ignition: bool | None
    off: bool
    leg_m: float
    leg_s: float
    distance_m: float

    @property
    def implied_kph(self) -> float:
        """The speed that the leg implies, 0 for a first fix."""
        return self.leg_m * 3.6 / self.leg_s if self.leg_s > 0 else 0.0

    @property
    def pace_kph(self) -> float:
        """The speed the vehicle reported, else what the leg implies."""
        return self.implied_kph if self.speed_kph is None else self.speed_kph


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where and when, and the vehicle's whole way until then. In 1e-7 degrees (11 mm) and centimetres: integers take
    half the room of floats in a worker's memory."""

    at: datetime
    latitude_e7: int
    longitude_e7: int
    driven_cm: int

    @property
    def latitude(self) -> float:
        return self.latitude_e7 / 1e7

    @property
    def longitude(self) -> float:
        return self.longitude_e7 / 1e7

    def apart_m(self, fix: Fix) -> float:
        return distance_m(self.latitude_e7 / 1e7, self.longitude_e7 / 1e7, fix.latitude, fix.longitude)


def place(at: datetime, latitude: float, longitude: float, distance_m: float) -> Place:
    """A place given in degrees and metres."""
    return Place(at, round(latitude * 1e7), round(longitude * 1e7), round(distance_m * 100))
