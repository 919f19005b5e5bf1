"""What can be wrong with a probe itself: values that cannot be, one value for too long, or none at all."""

from datetime import datetime, timedelta

import msgspec

POSSIBLE_C = (-90.0, 90.0)
"""What a probe of a transport cold chain can measure; beyond it the sensor is at fault."""
MOST_STEP_C = 10.0
STEP_S = 10.0
"""No load changes by more than 10 °C in 10 s. Over longer, some 10 s of it would have had to."""
STUCK_READINGS = 12
STUCK_S = 3_600.0
STUCK_NEVER_VARIED_S = 86_400.0
"""A probe that was never seen to vary may be a coarse one in a steady room: it is given a day, not an hour."""
GOOD_FOR = timedelta(minutes=10)
"""Impossible values are over once none came for so long; a loose contact is one fault, not hundreds."""

IMPOSSIBLE, STUCK, MISSING = "impossible", "stuck", "missing"


class Same(msgspec.Struct, frozen=True, array_like=True):
    """One value, exactly equal, since then: so many readings, over so many known seconds."""

    since: datetime
    readings: int
    seconds: float


class Fault(msgspec.Struct, frozen=True, array_like=True):
    """What is wrong with a probe since then, and since when its values have been possible again."""

    reason: str
    started_at: datetime
    good_since: datetime | None = None


def possible(celsius: float, before_c: float | None, since_s: float) -> bool:
    """Whether a probe that measured `before_c` so many seconds ago can measure this now; °C."""
    low, high = POSSIBLE_C
    if not low <= celsius <= high:
        return False
    return before_c is None or abs(celsius - before_c) <= max(MOST_STEP_C, MOST_STEP_C * since_s / STEP_S)


def same(before: Same | None, equal: bool, before_at: datetime | None, known_s: float) -> Same | None:
    """How long a value has not changed, after one more reading that is equal to the last or not."""
    if not equal or before_at is None:
        return None
    if before is None:
        return Same(before_at, 2, known_s)
    return Same(before.since, before.readings + 1, before.seconds + known_s)


def is_stuck(unchanged: Same | None, varied: bool) -> bool:
    if unchanged is None or unchanged.readings < STUCK_READINGS:
        return False
    return unchanged.seconds >= (STUCK_S if varied else STUCK_NEVER_VARIED_S)


def after_impossible(fault: Fault | None, at: datetime) -> Fault:
    """The fault once an impossible value came; whatever else was wrong goes on."""
    if fault is None:
        return Fault(IMPOSSIBLE, at)
    return Fault(fault.reason, fault.started_at) if fault.good_since is not None else fault


def after_possible(
    fault: Fault | None, unchanged: Same | None, varied: bool, at: datetime
) -> tuple[Fault | None, datetime | None]:
    """The fault after a possible value, and when the one there was ended."""
    ended_at: datetime | None = None
    if fault is not None and fault.reason == IMPOSSIBLE:
        good_since = fault.good_since or at
        if at - good_since < GOOD_FOR:
            return Fault(IMPOSSIBLE, fault.started_at, good_since), None
        fault, ended_at = None, good_since
    elif fault is not None and (fault.reason == MISSING or unchanged is None):
        fault, ended_at = None, at
    if fault is None and unchanged is not None and is_stuck(unchanged, varied):
        return Fault(STUCK, unchanged.since), ended_at
    return fault, ended_at
