"""The simulated fleet: reproducible, in order, within what vehicles can do, and wrong only where it says so."""

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from emulator import faults
from emulator.fleet import Departure, Plan, departures
from functions.core.geo import distance_m
from functions.core.payload import elements
from functions.errors import Malformed
from functions.lines import LINES

START = datetime(2025, 1, 6, tzinfo=UTC)
PLAN = Plan(vehicles=20, seconds=120, seed=7)


@pytest.fixture(scope="module")
def messages() -> list[Departure]:
    return list(departures(PLAN, START))


def test_the_same_seed_gives_the_same_drives_and_faults(messages: list[Departure]) -> None:
    assert list(departures(PLAN, START)) == messages


def test_another_seed_gives_others(messages: list[Departure]) -> None:
    assert list(departures(Plan(vehicles=20, seconds=120, seed=8), START)) != messages


def test_messages_leave_in_order_and_before_the_end(messages: list[Departure]) -> None:
    times = [message.at_s for message in messages]
    assert times == sorted(times)
    assert times[-1] <= PLAN.seconds


def test_every_kind_of_fault_occurs(messages: list[Departure]) -> None:
    kinds = Counter(message.fault.split(":")[0] for message in messages if message.fault)
    assert set(kinds) == {*faults.SHARE, *faults.SHARE_PER_S}


def test_everything_but_the_malformed_can_be_read(messages: list[Departure]) -> None:
    for message in messages:
        if message.payload is None:
            assert message.fault == faults.SILENCE
        elif (message.fault or "").startswith(faults.MALFORMED):
            with pytest.raises(Malformed):
                _parsed(message)
        else:
            _parsed(message)


@pytest.mark.parametrize("kind", list(faults._MALFORMED))
def test_each_malformed_event_is_refused(kind: str) -> None:
    event = {"vehicle_id": "van-1", "event_time": "2025-01-06T00:00:00Z", "latitude": 1.0, "longitude": 2.0}
    _parsed(Departure(0, "gps", "van-1", msgspec.json.encode(event), None))
    with pytest.raises(Malformed):
        _parsed(Departure(0, "gps", "van-1", faults._MALFORMED[kind](event), kind))


def test_a_late_batch_is_a_list_of_events_in_their_order(messages: list[Departure]) -> None:
    batch = next(message for message in messages if message.fault == faults.LATE_BATCH)
    found = elements(batch.payload or b"")
    times = [event["event_time"] for _, event in found]
    assert len(times) > 1
    assert times == sorted(times)


def test_a_repeat_is_the_same_bytes_again(messages: list[Departure]) -> None:
    repeat = next(message for message in messages if message.fault == faults.REPEAT)
    assert sum(message.payload == repeat.payload for message in messages) == 2


def test_a_drive_keeps_to_what_a_vehicle_can_do() -> None:
    """Speeds change by at most 3 m/s², and the way between two fixes agrees with the speed."""
    tracks = _good_tracks(list(departures(Plan(vehicles=30, seconds=300, seed=3), START)))
    moved = 0
    for track in tracks.values():
        for before, after in pairwise(track):
            seconds = (_at(after) - _at(before)).total_seconds()
            assert abs(after["speed_kph"] - before["speed_kph"]) / 3.6 <= 3.0 * seconds + 0.1
            way_m = distance_m(before["latitude"], before["longitude"], after["latitude"], after["longitude"])
            fastest_mps = max(before["speed_kph"], after["speed_kph"]) / 3.6
            assert way_m <= (fastest_mps + 3.0 * seconds) * seconds + 20
            moved += way_m > 5
    assert moved > 1_000


def test_vehicles_drive_wait_and_park() -> None:
    tracks = _good_tracks(list(departures(Plan(vehicles=30, seconds=300, seed=3), START)))
    fixes = [fix for track in tracks.values() for fix in track]
    assert any(fix["speed_kph"] > 45 for fix in fixes)
    assert any(fix["speed_kph"] == 0 and fix["ignition"] for fix in fixes)
    assert any(not fix["ignition"] for fix in fixes)
    assert all(fix["speed_kph"] == 0 for fix in fixes if not fix["ignition"])


def test_the_rate_is_what_was_asked_for() -> None:
    quick = list(departures(Plan(vehicles=50, seconds=10, interval_s=50 / 400), START))
    assert 3_000 < len(quick) < 4_200


def _parsed(message: Departure) -> None:
    for _, event in elements(message.payload or b""):
        LINES[message.line].parse(event)


def _good_tracks(messages: list[Departure]) -> dict[str, list[dict[str, Any]]]:
    tracks: dict[str, list[dict[str, Any]]] = {}
    for message in messages:
        if message.payload is not None and message.fault is None:
            tracks.setdefault(message.vehicle_id, []).append(msgspec.json.decode(message.payload))
    return tracks


def _at(fix: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(fix["event_time"])
