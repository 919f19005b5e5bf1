"""Harsh braking and acceleration, from the speeds of two fixes close together in time."""

from functions.core.fix import Fix
from functions.core.row import Product

BRAKING_MPS2 = 3.5
ACCELERATION_MPS2 = 3.0
"""About 0.35 g and 0.3 g: what insurers' telematics take for a car or a van; a loaded truck brakes less."""
POSSIBLE_MPS2 = 12.0
"""No tyre holds more: a speed that changes faster was told wrong."""
LEAST_S = 1.0
"""Speeds are rounded (OBD: to 1 km/h), so a change within less counts as one within a second."""
MOST_S = 10.0
"""Over longer legs the mean says nothing of how hard it was."""


def harsh(before_kph: float | None, fix: Fix) -> list[Product]:
    """The event when the speed changed too fast; `acceleration_mps2` is negative for braking."""
    if before_kph is None or fix.speed_kph is None or not 0 < fix.leg_s <= MOST_S:
        return []
    mps2 = (fix.speed_kph - before_kph) / 3.6 / max(fix.leg_s, LEAST_S)
    if -BRAKING_MPS2 < mps2 < ACCELERATION_MPS2 or abs(mps2) > POSSIBLE_MPS2:
        return []
    kind = "harsh_braking" if mps2 < 0 else "harsh_acceleration"
    columns = {
        "kind": kind,
        "started_at": fix.at,
        "acceleration_mps2": mps2,
        "from_kph": before_kph,
        "to_kph": fix.speed_kph,
        "latitude": fix.latitude,
        "longitude": fix.longitude,
    }
    return [Product("events", kind, columns)]
