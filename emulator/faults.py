"""What goes wrong between vehicles and the plant, each kind with its share: the simulated fleet has all of it."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import msgspec

from emulator.drive import Fix

Event = dict[str, Any]

SENTINEL_KPH = 410.38
"""255 mph: an 8-bit speed that is not known."""
CLOCK_AHEAD = timedelta(hours=2)
JUMP_DEG = 0.6

REPEAT, OUT_OF_ORDER, MALFORMED = "repeat", "out of order", "malformed"
LATE_BATCH, SILENCE = "late batch", "silence"
ZERO, SENTINEL, JUMP, CLOCK = "(0, 0)", "sentinel speed", "jump", "clock ahead"

SHARE = {REPEAT: 0.01, OUT_OF_ORDER: 0.008, MALFORMED: 0.008, ZERO: 0.004, SENTINEL: 0.004, JUMP: 0.003, CLOCK: 0.002}
"""Of all fixes."""
SHARE_PER_S = {LATE_BATCH: 0.003, SILENCE: 0.0015}
"""Of a vehicle's time: how often it leaves coverage, or says nothing at all for a while."""
LATE_BATCH_S = (5.0, 14.0)
SILENCE_S = (10.0, 25.0)
REPEATED_AFTER_S = (0.2, 5.0)
DELAYED_S = (2.0, 8.0)


def drawn(chance: Random, shares: dict[str, float]) -> str | None:
    """One of these faults, or most often none."""
    left = chance.random()
    for kind, share in shares.items():
        left -= share
        if left < 0:
            return kind
    return None


def spoiled(fix: Fix, kind: str | None, chance: Random) -> Fix:
    """The fix as a faulty receiver would report it."""
    match kind:
        case "(0, 0)":
            return fix._replace(latitude=0.0, longitude=0.0)
        case "sentinel speed":
            return fix._replace(speed_kph=SENTINEL_KPH)
        case "jump":
            return fix._replace(latitude=round(fix.latitude + chance.choice((-JUMP_DEG, JUMP_DEG)), 6))
        case _:
            return fix


def malformed(event: Event, chance: Random) -> tuple[str, bytes]:
    """A kind of malformed event, and its bytes."""
    kind = chance.choice(list(_MALFORMED))
    return kind, _MALFORMED[kind](event)


def _with(**changes: Any) -> Callable[[Event], bytes]:
    return lambda event: msgspec.json.encode({**event, **changes})


def _without(field: str) -> Callable[[Event], bytes]:
    return lambda event: msgspec.json.encode({name: value for name, value in event.items() if name != field})


def _latitude_text(text: bytes) -> Callable[[Event], bytes]:
    return lambda event: msgspec.json.encode({**event, "latitude": "?"}).replace(b'"?"', text)


_MALFORMED: dict[str, Callable[[Event], bytes]] = {
    "not JSON": lambda event: msgspec.json.encode(event)[:-7],
    "blank": lambda _: b" ",
    "no latitude": _without("latitude"),
    "no vehicle_id": _without("vehicle_id"),
    "number as text": _with(longitude="13.4"),
    "NaN": _latitude_text(b"NaN"),
    "latitude 91": _latitude_text(b"91.0"),
    "slash in vehicle_id": _with(vehicle_id="van/7"),
    "year 9999": _with(event_time="9999-12-31T23:59:59Z"),
    "time without zone": _with(event_time="2025-01-06T08:00:00"),
}
