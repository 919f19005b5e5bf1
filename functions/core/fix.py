"""A fix that can be believed, as the rules of the GPS line see it."""

from datetime import datetime
from typing import NamedTuple


class Fix(NamedTuple):
    """Degrees (WGS 84), km/h, metres. `leg_m` and `leg_s` are the way and the time since the last good fix (0 for the
    first); `distance_m` is the vehicle's whole way so far, this leg included."""

    at: datetime
    key: bytes
    latitude: float
    longitude: float
    speed_kph: float | None
    accuracy_m: float
    ignition: bool | None
    leg_m: float
    leg_s: float
    distance_m: float

    @property
    def pace_kph(self) -> float | None:
        """The speed the vehicle reported, else what the leg implies; None for a first fix without a speed."""
        if self.speed_kph is not None:
            return self.speed_kph
        return self.leg_m * 3.6 / self.leg_s if self.leg_s > 0 else None
