"""Quality of a fix: which can be believed, and why another cannot."""

MAX_IMPLIED_KPH = 300.0
"""Faster than this from the last good fix, a fix is a jump: it counts neither for distance nor as a position."""
MAX_REPORTED_KPH = 300.0
SENTINELS_KPH = frozenset({255.0})
"""An 8-bit speed that is not known is sent as 255: in km/h it looks like a speed, in mph it is over the maximum."""
MAX_ACCURACY_M = 200.0
BELIEVED = frozenset({"ok", "speed_sentinel"})
"""Qualities of fixes whose position counts."""


def alone(latitude: float, longitude: float, accuracy_m: float | None, speed_kph: float | None) -> str:
    """What can be said of a fix without knowing any other: ok, zero, inaccurate or speed_sentinel."""
    if latitude == 0 and longitude == 0:
        return "zero"
    if accuracy_m is not None and accuracy_m > MAX_ACCURACY_M:
        return "inaccurate"
    if speed_kph is not None and (speed_kph < 0 or speed_kph > MAX_REPORTED_KPH or speed_kph in SENTINELS_KPH):
        return "speed_sentinel"
    return "ok"


def jumped(leg_m: float, leg_s: float) -> bool:
    """Whether nothing that drives goes so far in that time; two places at one instant are a jump."""
    return leg_m * 3.6 > MAX_IMPLIED_KPH * leg_s
