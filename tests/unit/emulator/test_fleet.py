"""The simulated fleet: reproducible, in order, within what vehicles and goods can do, and wrong only where it says."""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from emulator import faults
from emulator.fleet import departures, events_per_s, profiles
from emulator.plan import Departure, Plan
from functions.core.geo import distance_m
from functions.core.payload import elements
from functions.core.profile_fields import fields_of, profile_of
from functions.core.stock import StockRule
from functions.errors import Malformed
from functions.lines import LINES

START = datetime(2025, 1, 6, tzinfo=UTC)
PLAN = Plan(vehicles=40, seconds=120, seed=7)
LONG = Plan(vehicles=30, seconds=300, seed=3)


@pytest.fixture(scope="module")
def messages() -> list[Departure]:
    return list(departures(PLAN, START))


@pytest.fixture(scope="module")
def long() -> list[Departure]:
    return list(departures(LONG, START))


def test_the_same_seed_gives_the_same_drives_and_faults(messages: list[Departure]) -> None:
    assert list(departures(PLAN, START)) == messages


def test_another_seed_gives_others(messages: list[Departure]) -> None:
    assert list(departures(Plan(vehicles=40, seconds=120, seed=8), START)) != messages


def test_messages_leave_in_order_and_before_the_end(messages: list[Departure]) -> None:
    times = [message.at_s for message in messages]
    assert times == sorted(times)
    assert times[-1] <= PLAN.seconds


def test_vehicles_and_sites_drive_all_four_lines(messages: list[Departure]) -> None:
    workers = defaultdict(set)
    for message in messages:
        workers[message.line].add(message.vehicle_id)
    assert set(workers) == set(LINES)
    assert len(workers["gps"]) == PLAN.vehicles
    assert {name.split("-")[0] for name in workers["temperature"]} == {"van", "truck"}
    assert {name.split("-")[0] for name in workers["maintenance"]} == {"truck", "bus"}
    assert {name.split("-")[0] for name in workers["inventory"]} == {"van", "site"}


def test_even_one_vehicle_comes_with_a_site() -> None:
    lines = {message.line for message in departures(Plan(vehicles=1, seconds=20), START)}
    assert lines == {"gps", "temperature", "inventory"}


def test_three_vehicles_drive_all_lines() -> None:
    assert {message.line for message in departures(Plan(vehicles=3, seconds=20), START)} == set(LINES)


def test_every_kind_of_fault_occurs_on_every_line_it_can(messages: list[Departure]) -> None:
    kinds: dict[str, set[str]] = defaultdict(set)
    for message in messages:
        if message.fault:
            kinds[message.line].add(message.fault.split(":")[0])
    for line, shares in faults.SHARE.items():
        assert set(shares) <= kinds[line]
    assert {faults.LATE_LIST, faults.OLD_LIST, faults.SILENCE} <= kinds["gps"]
    assert faults.LATE_LIST in kinds["temperature"]


def test_everything_but_the_malformed_can_be_read(messages: list[Departure]) -> None:
    for message in messages:
        if message.payload is None:
            assert message.fault == faults.SILENCE
        elif (message.fault or "").startswith(faults.MALFORMED):
            with pytest.raises(Malformed):
                _parsed(message)
        else:
            _parsed(message)


def test_a_late_list_is_what_was_measured_meanwhile_in_its_order(messages: list[Departure]) -> None:
    lists = [message for message in messages if message.fault == faults.LATE_LIST]
    assert lists
    for message in lists:
        times = [event["event_time"] for _, event in elements(message.payload or b"")]
        assert len(times) > 1
        assert times == sorted(times)


def test_an_hours_old_list_is_of_the_night_before(messages: list[Departure]) -> None:
    old = next(message for message in messages if message.fault == faults.OLD_LIST)
    assert all(_at(event) < START for _, event in elements(old.payload or b""))


def test_a_repeat_is_the_same_bytes_again(messages: list[Departure]) -> None:
    for repeat in (message for message in messages if message.fault == faults.REPEAT):
        assert sum(message.payload == repeat.payload for message in messages) == 2


def test_a_reading_out_of_order_leaves_after_a_newer_one(messages: list[Departure]) -> None:
    newest: dict[tuple[str, str], datetime] = {}
    for message in messages:
        kind = (message.fault or "").split(":")[0]
        if kind in (faults.SILENCE, faults.MALFORMED, faults.CLOCK, faults.OLD_LIST, faults.REPEAT):
            continue
        worker = (message.line, message.vehicle_id)
        at = max(_at(event) for _, event in elements(message.payload or b""))
        assert (message.fault == faults.OUT_OF_ORDER) == (at < newest.get(worker, at))
        newest[worker] = max(at, newest.get(worker, at))


def test_a_silence_outlasts_a_contract_and_the_vehicle_is_heard_again(messages: list[Departure]) -> None:
    silences = {message.vehicle_id for message in messages if message.fault == faults.SILENCE}
    assert len(silences) > 3
    for vehicle_id in silences:
        times = [one.at_s for one in messages if one.vehicle_id == vehicle_id and one.payload is not None]
        assert max(after - before for before, after in pairwise(times)) > PLAN.contract_s


def test_a_short_demo_has_no_silence_it_would_not_see_the_end_of() -> None:
    kinds = {message.fault for message in departures(Plan(vehicles=40, seconds=15), START)}
    assert faults.SILENCE not in kinds


def test_a_drive_keeps_to_what_a_vehicle_can_do(long: list[Departure]) -> None:
    """Speeds change by at most 3 m/s², and the way between two fixes agrees with the speed."""
    moved = 0
    for track in _sound(long, "gps").values():
        for before, after in pairwise(track):
            seconds = (_at(after) - _at(before)).total_seconds()
            assert abs(after["speed_kph"] - before["speed_kph"]) / 3.6 <= 3.0 * seconds + 0.1
            way_m = distance_m(before["latitude"], before["longitude"], after["latitude"], after["longitude"])
            fastest_mps = max(before["speed_kph"], after["speed_kph"]) / 3.6
            assert way_m <= (fastest_mps + 3.0 * seconds) * seconds + 20
            moved += way_m > 5
    assert moved > 1_000


def test_vehicles_drive_wait_and_park(long: list[Departure]) -> None:
    fixes = [fix for track in _sound(long, "gps").values() for fix in track]
    assert any(fix["speed_kph"] > 45 for fix in fixes)
    assert any(fix["speed_kph"] == 0 and fix["ignition"] for fix in fixes)
    assert any(not fix["ignition"] for fix in fixes)
    assert all(fix["speed_kph"] == 0 for fix in fixes if not fix["ignition"])


def test_goods_warm_up_behind_open_doors_and_recover(long: list[Departure]) -> None:
    warmed = recovered = 0
    for (_, probe), track in _probes(long).items():
        assert probe in ("main", "front", "door")
        highest_c = max(_celsius(event) for event in track)
        if min(_celsius(event) for event in track) > -5 and highest_c > 8:
            warmed += 1
            recovered += _celsius(track[-1]) < highest_c - 2
    assert warmed > 3
    assert recovered > 1


def test_no_probe_changes_faster_than_a_sensor_is_believed(long: list[Departure]) -> None:
    for track in _probes(long).values():
        for before, after in pairwise(track):
            assert abs(_celsius(after) - _celsius(before)) < max(10.0, (_at(after) - _at(before)).total_seconds())


def test_some_reefers_speak_of_fahrenheit_and_some_have_two_probes(long: list[Departure]) -> None:
    tracks = _probes(long)
    assert {name for track in tracks.values() for name in track[0] if name.startswith("temperature")} == {
        "temperature_c",
        "temperature_f",
    }
    assert max(Counter(vehicle for vehicle, _ in tracks).values()) == 2


def test_meters_only_count_up_and_codes_appear_and_are_cleared(long: list[Departure]) -> None:
    codes = cleared = 0
    for track in _sound(long, "maintenance").values():
        for before, after in pairwise(track):
            assert after["odometer_km"] >= before["odometer_km"]
            assert after["engine_hours"] >= before["engine_hours"]
        with_code = [bool(event["dtcs"]) for event in track]
        codes += any(with_code)
        cleared += any(with_code) and not with_code[-1]
    assert codes > 2
    assert cleared > 2


def test_a_bus_that_needs_it_is_served_and_a_severe_code_inspected(long: list[Departure]) -> None:
    events = [event for track in _sound(long, "maintenance").values() for event in track]
    assert any(event.get("service_done") == "oil" for event in events)
    assert any(event.get("inspection", {}).get("passed") for event in events)


def test_stock_runs_out_and_is_brought_again(long: list[Departure]) -> None:
    settings = profiles(LONG)
    short = restocked = 0
    for vehicle_id, track in _sound(long, "inventory").items():
        levels: dict[str, float] = {}
        for event in track:
            rule = StockRule(**settings[vehicle_id]["stock"][event["sku"]])
            before = levels.get(event["sku"], event["quantity"])
            short += rule.reorder_point is not None and event["quantity"] <= rule.reorder_point
            restocked += event["quantity"] > before
            levels[event["sku"]] = event["quantity"]
    assert short > 5
    assert restocked > 2


def test_the_rate_scales_every_line_alike() -> None:
    slow, quick = Plan(vehicles=50, seconds=20), Plan(vehicles=50, seconds=20, interval_s=0.1)
    assert events_per_s(quick) == pytest.approx(10 * events_per_s(slow))
    messages = Counter(message.line for message in departures(quick, START))
    assert sum(messages.values()) == pytest.approx(20 * events_per_s(quick), rel=0.2)
    assert messages["gps"] / sum(messages.values()) == pytest.approx(50 / events_per_s(slow), rel=0.1)


def test_every_profile_can_be_stored_and_sets_contract_limits_plans_stock_and_places() -> None:
    found = {name: profile_of(fields_of(settings)) for name, settings in profiles(Plan()).items()}
    assert {profile.contract_s for profile in found.values()} == {20.0}
    assert any(profile.temperature_limits for profile in found.values())
    assert any(profile.service_plans for profile in found.values())
    assert any(profile.stock for profile in found.values())
    assert any(profile.route for profile in found.values())
    assert any(profile.geofences.features for profile in found.values())


def _parsed(message: Departure) -> None:
    for _, event in elements(message.payload or b""):
        LINES[message.line].parse(event)


def _sound(messages: list[Departure], line: str) -> dict[str, list[dict[str, Any]]]:
    """vehicle → the events of a line that nothing is wrong with."""
    tracks: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for message in messages:
        if message.line == line and message.payload is not None and message.fault is None:
            tracks[message.vehicle_id] += [event for _, event in elements(message.payload)]
    return tracks


def _probes(messages: list[Departure]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    tracks: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for vehicle_id, events in _sound(messages, "temperature").items():
        for event in events:
            tracks[vehicle_id, event["probe"]].append(event)
    return tracks


def _celsius(event: dict[str, Any]) -> float:
    if "temperature_f" in event:
        return (float(event["temperature_f"]) - 32) * 5 / 9
    return float(event["temperature_c"])


def _at(event: dict[str, Any]) -> datetime:
    at = event["event_time"]
    return msgspec.convert(at, datetime)
