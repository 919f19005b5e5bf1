"""What goes wrong between vehicles and the plant, each kind with its share: the simulated fleet has all of it.

Beside each kind stands what it shows as in the exported files, so that what was injected can be held against that.
"""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple

import msgspec

Event = dict[str, Any]

SENTINEL_KPH = 410.38
"""255 mph: an 8-bit speed that is not known."""
CLOCK_AHEAD = timedelta(hours=2)
OLD = timedelta(hours=3)
JUMP_DEG = 0.6
IMPOSSIBLE_C = -127.0
"""What a DS18B20 reads as when it is not there."""
IMPOSSIBLE_F = IMPOSSIBLE_C * 9 / 5 + 32
ODOMETER_OFF_KM = (-500.0, 40_000.0)

REPEAT, OUT_OF_ORDER, MALFORMED, CLOCK = "repeat", "out of order", "malformed", "clock ahead"
LATE_LIST, OLD_LIST, SILENCE = "late list", "hours-old list", "silence"
ZERO, SENTINEL, JUMP = "(0, 0)", "sentinel speed", "jump"
IMPOSSIBLE, ODOMETER = "impossible temperature", "odometer astray"

SHARE: dict[str, dict[str, float]] = {
    "gps": {
        REPEAT: 0.01, OUT_OF_ORDER: 0.008, MALFORMED: 0.008, ZERO: 0.004, SENTINEL: 0.004, JUMP: 0.003, CLOCK: 0.002,
    },
    "temperature": {REPEAT: 0.02, OUT_OF_ORDER: 0.015, MALFORMED: 0.025, IMPOSSIBLE: 0.015, CLOCK: 0.006},
    "maintenance": {REPEAT: 0.03, OUT_OF_ORDER: 0.03, MALFORMED: 0.06, ODOMETER: 0.05, CLOCK: 0.03},
    "inventory": {REPEAT: 0.03, OUT_OF_ORDER: 0.03, MALFORMED: 0.06, CLOCK: 0.03},
}  # fmt: skip
"""Of a line's readings; larger where there are fewer, so that a minute has some of each."""
OUT_OF_COVERAGE_SHARE_PER_S = 0.003
"""Of a vehicle's time: how often it leaves coverage."""
OUT_OF_COVERAGE_S = (5.0, 14.0)
SILENT_CONTRACTS = (1.15, 1.6)
"""A silence lasts so many contracts: each of them ends."""
REPEATED_AFTER_S = (0.2, 5.0)
OVERTAKEN_BY_S = 0.3
"""A reading out of order leaves so long after the one that came after it."""

QUALITIES = {
    "zero": ZERO,
    "speed_sentinel": SENTINEL,
    "jump": JUMP,
    "clock_ahead": CLOCK,
    "impossible": IMPOSSIBLE,
    "odometer_back": ODOMETER,
    "odometer_jump": ODOMETER,
}
"""Quality of an exported reading → the fault behind it."""

SHOWS_AS = {
    REPEAT: "stand once in the files",
    OUT_OF_ORDER: "received after a newer reading, not late",
    LATE_LIST: "readings received together, not late",
    OLD_LIST: "readings received together, marked late",
    SILENCE: "gps contracts ended",
    **{kind: f"quality {quality}" for quality, kind in QUALITIES.items()},
    ODOMETER: "quality odometer_back or odometer_jump",
    MALFORMED: "quarantined with this reason",
}


class Spoiled(NamedTuple):
    """A way to spoil an event beyond reading, and how the reason for its quarantine begins, and words in it."""

    spoil: Callable[[Event], bytes]
    begins: str
    words: str = ""

    def explains(self, reason: str) -> bool:
        return reason.startswith(self.begins) and self.words in reason


def drawn(chance: Random, shares: dict[str, float]) -> str | None:
    """One of these faults, or most often none."""
    left = chance.random()
    for kind, share in shares.items():
        left -= share
        if left < 0:
            return kind
    return None


def spoiled(event: Event, kind: str | None, chance: Random) -> Event:
    """The event as a faulty sensor would report it."""
    if kind == ZERO:
        return {**event, "latitude": 0.0, "longitude": 0.0}
    if kind == SENTINEL:
        return {**event, "speed_kph": SENTINEL_KPH}
    if kind == JUMP:
        return {**event, "latitude": round(event["latitude"] + chance.choice((-JUMP_DEG, JUMP_DEG)), 6)}
    if kind == IMPOSSIBLE:
        name, value = ("temperature_f", IMPOSSIBLE_F) if "temperature_f" in event else ("temperature_c", IMPOSSIBLE_C)
        return {**event, name: value}
    if kind == ODOMETER:
        return {**event, "odometer_km": round(event["odometer_km"] + chance.choice(ODOMETER_OFF_KM), 3)}
    return event


def malformed(line: str, event: Event, chance: Random) -> tuple[str, bytes]:
    """A kind of malformed event, and its bytes."""
    kind = chance.choice(list(MALFORMED_KINDS[line]))
    return kind, MALFORMED_KINDS[line][kind].spoil(event)


def named(line: str, reason: str) -> str:
    """The fault behind the reason that a line's quarantined event was given."""
    kinds = (kind for kind, one in MALFORMED_KINDS[line].items() if one.explains(reason))
    return f"{MALFORMED}: {next(kinds, 'anything else')}"


def _with(**changes: Any) -> Callable[[Event], bytes]:
    return lambda event: msgspec.json.encode({**event, **changes})


def _without(*fields: str) -> Callable[[Event], bytes]:
    return lambda event: msgspec.json.encode({name: value for name, value in event.items() if name not in fields})


def _written(field: str, text: bytes) -> Callable[[Event], bytes]:
    """With a value that no JSON encoder would write."""
    return lambda event: msgspec.json.encode({**event, field: "?"}).replace(b'"?"', text)


def _both_units(event: Event) -> bytes:
    return msgspec.json.encode({**event, "temperature_c": 4.0, "temperature_f": 39.2})


_MISSING = "is required"

MALFORMED_KINDS: dict[str, dict[str, Spoiled]] = {
    "gps": {
        "not JSON": Spoiled(lambda event: msgspec.json.encode(event)[:-7], "", "is not JSON"),
        "blank": Spoiled(lambda _: b" ", "", "is empty"),
        "no latitude": Spoiled(_without("latitude"), "latitude:", _MISSING),
        "no vehicle_id": Spoiled(_without("vehicle_id"), "vehicle_id:", _MISSING),
        "number as text": Spoiled(_with(longitude="13.4"), "longitude:", "must be a number"),
        "NaN": Spoiled(_written("latitude", b"NaN"), "latitude: nan"),
        "latitude 91": Spoiled(_written("latitude", b"91.0"), "latitude: 91.0"),
        "slash in vehicle_id": Spoiled(_with(vehicle_id="van/7"), "vehicle_id: 'van/7'"),
        "year 9999": Spoiled(_with(event_time="9999-12-31T23:59:59Z"), "event_time:", "1900"),
        "time without zone": Spoiled(_with(event_time="2025-01-06T08:00:00"), "event_time:", "offset"),
    },
    "temperature": {
        "not JSON": Spoiled(lambda event: msgspec.json.encode(event)[:-7], "", "is not JSON"),
        "both °C and °F": Spoiled(_both_units, "temperature_f:", "stands beside"),
        "neither °C nor °F": Spoiled(_without("temperature_c", "temperature_f"), "temperature_c:", "is required"),
        "degrees as text": Spoiled(_with(temperature_c="4,5"), "temperature_c: '4,5'"),
        "below absolute zero": Spoiled(_with(temperature_c=-300.0), "temperature_c: -300.0"),
        "humidity 140 %": Spoiled(_with(humidity_pct=140), "humidity_pct:"),
        "door as text": Spoiled(_with(door_open="open"), "door_open:"),
    },
    "maintenance": {
        "unknown trouble code": Spoiled(_with(dtcs=["P03XY"]), "dtcs"),
        "odometer as text": Spoiled(_with(odometer_km="12 345"), "odometer_km:", "must be a number"),
        "fuel 120 %": Spoiled(_with(fuel_pct=120), "fuel_pct:"),
        "negative voltage": Spoiled(_with(battery_v=-12.6), "battery_v:"),
        "inspection without result": Spoiled(_with(inspection={"notes": "brakes"}), "inspection.passed:", _MISSING),
    },
    "inventory": {
        "quantity as text": Spoiled(_with(quantity="12"), "quantity: '12'"),
        "no quantity": Spoiled(_without("quantity"), "quantity:", _MISSING),
        "no sku": Spoiled(_without("sku"), "sku:", _MISSING),
        "infinite quantity": Spoiled(_written("quantity", b"1e999"), "quantity: inf"),
    },
}
