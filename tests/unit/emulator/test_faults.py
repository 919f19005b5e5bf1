"""Faults: each malformed event is refused, and the reason it is quarantined for names the fault again."""

from random import Random
from typing import Any

import pytest

from emulator import faults
from emulator.faults import MALFORMED_KINDS
from functions.core.payload import elements
from functions.errors import Malformed
from functions.lines import LINES

EVENTS: dict[str, dict[str, Any]] = {
    "gps": {"latitude": 1.0, "longitude": 2.0, "speed_kph": 3.0},
    "temperature": {"temperature_f": 40.1, "probe": "door", "door_open": False},
    "maintenance": {"odometer_km": 12.0, "dtcs": [], "battery_v": 25.0, "fuel_pct": 50.0},
    "inventory": {"sku": "milk-1l", "quantity": 3},
}
ALL_KINDS = [(line, kind) for line, kinds in MALFORMED_KINDS.items() for kind in kinds]


def event(line: str) -> dict[str, Any]:
    return {"vehicle_id": "van-1", "event_time": "2025-01-06T00:00:00Z", **EVENTS[line]}


def parsed(line: str, payload: bytes) -> None:
    for _, found in elements(payload):
        LINES[line].parse(found)


@pytest.mark.parametrize(("line", "kind"), ALL_KINDS)
def test_each_malformed_event_is_refused_for_a_reason_that_names_it(line: str, kind: str) -> None:
    LINES[line].parse(event(line))
    with pytest.raises(Malformed) as refusal:
        parsed(line, MALFORMED_KINDS[line][kind].spoil(event(line)))
    assert faults.named(line, str(refusal.value)) == f"malformed: {kind}"


@pytest.mark.parametrize("line", LINES)
def test_every_line_has_several_kinds_of_malformed_events(line: str) -> None:
    chance = Random(1)
    assert len({faults.malformed(line, event(line), chance)[0] for _ in range(200)}) == len(MALFORMED_KINDS[line]) > 3


def test_a_reason_that_no_fault_explains_is_not_forced_on_one() -> None:
    assert faults.named("gps", "altitude_m: 'high': must be a number") == "malformed: anything else"


@pytest.mark.parametrize("kind", [faults.ZERO, faults.SENTINEL, faults.JUMP])
def test_a_faulty_receiver_still_sends_what_can_be_read(kind: str) -> None:
    spoiled = faults.spoiled(event("gps"), kind, Random(1))
    assert spoiled != event("gps")
    LINES["gps"].parse(spoiled)


def test_a_probe_that_is_not_there_is_impossible_in_either_unit() -> None:
    fahrenheit = faults.spoiled(event("temperature"), faults.IMPOSSIBLE, Random(1))
    celsius = faults.spoiled({**event("temperature"), "temperature_c": 4.0}, faults.IMPOSSIBLE, Random(1))
    assert (fahrenheit["temperature_f"] - 32) * 5 / 9 == pytest.approx(faults.IMPOSSIBLE_C)
    assert "temperature_f" in celsius


def test_an_odometer_astray_is_further_off_than_any_drive() -> None:
    spoiled = faults.spoiled(event("maintenance"), faults.ODOMETER, Random(1))
    assert abs(spoiled["odometer_km"] - 12.0) >= 500


def test_without_a_fault_nothing_changes() -> None:
    assert faults.spoiled(event("gps"), None, Random(1)) == event("gps")


def test_every_fault_says_how_it_shows() -> None:
    kinds = {kind for shares in faults.SHARE.values() for kind in shares}
    assert kinds | {faults.LATE_LIST, faults.OLD_LIST, faults.SILENCE} == set(faults.SHOWS_AS)
