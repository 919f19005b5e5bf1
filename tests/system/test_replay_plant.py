"""Recordings through whole plants: real backends, processes, kill -9; states and files are what pandas computes."""

import asyncio
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from emulator.backends import Backend, chosen
from emulator.errors import EmulatorError
from emulator.plant import Plant
from emulator.staff import ROOT
from tests.replay.feed import Hall, in_time_order
from tests.replay.plant import replayed, until
from tests.replay.recorded import Event, needs_recordings
from tests.replay.sources import SOURCES

BUS_DAY = "buses-2017-04-18"
OTHERS = ("ambient", "flatline", "limerick", "machine", "madison", "motes", "openxc", "twizy-1", "twizy-3", "visnjan")
BEGINNING = 1_000


@pytest.mark.parametrize("choice", ["google", "embedded"])
@needs_recordings
async def test_a_day_of_320_buses_ends_in_the_states_and_rows_that_pandas_computes(choice: str, tmp_path: Path) -> None:
    try:
        chosen(choice)
    except EmulatorError as missing:
        pytest.skip(str(missing))
    events = in_time_order(SOURCES[BUS_DAY].events())
    found = await replayed(Plant(choice, exports=tmp_path / "exports", streams=1), events, tmp_path)
    found.assert_sound()
    found.assert_equals_pandas(events)
    assert found.report["published"] == found.report["committed"] == 44_300
    assert found.report["late"] == 0
    print(f"{choice}: {44_300 / found.report['seconds']:.0f} events/s, {found.report['latency_ms']}")


@pytest.mark.full
@needs_recordings
async def test_the_day_as_its_file_stands_loses_nothing_and_is_late_where_it_must(
    backend: Backend, tmp_path: Path
) -> None:
    events = SOURCES[BUS_DAY].events()
    found = await replayed(Plant(backend, exports=tmp_path / "exports", streams=1), events, tmp_path)
    found.assert_sound()
    found.assert_equals_pandas(events)
    assert 0 < found.report["late"] < 44_300


@needs_recordings
async def test_the_beginnings_of_other_recordings_end_in_the_states_and_rows_that_pandas_computes(
    backend: Backend, tmp_path: Path
) -> None:
    await assert_together(backend, tmp_path, BEGINNING)


@pytest.mark.full
@needs_recordings
async def test_all_other_recordings_end_in_the_states_and_rows_that_pandas_computes(
    backend: Backend, tmp_path: Path
) -> None:
    await assert_together(backend, tmp_path, None)


@pytest.mark.full
@needs_recordings
async def test_the_refuse_trucks_polls_end_as_9_744_rows(backend: Backend, tmp_path: Path) -> None:
    events = SOURCES["trucks"].events()
    found = await replayed(Plant(backend, exports=tmp_path / "exports", streams=1), events, tmp_path)
    found.assert_sound()
    assert (found.report["published"], found.report["repeated"]) == (9_744, 198_075 - 9_744)
    assert len(found.rows["positions"]) == 9_744
    found.assert_equals_pandas(events)


@needs_recordings
async def test_a_function_killed_again_and_again_in_mid_replay_loses_and_doubles_nothing(
    backend: Backend, tmp_path: Path
) -> None:
    events = in_time_order(SOURCES["buses-2015-03-08"].events())[:6_000]
    killed = 0

    async def kill(plant: Plant) -> None:
        nonlocal killed
        for share in (0.15, 0.4, 0.65):
            await until(partial(answered, plant, share * len(events)), 120)
            plant.kill("gps")
            killed += 1

    found = await replayed(Plant(backend, exports=tmp_path / "exports", streams=1), events, tmp_path, kill)
    assert killed == 3
    found.assert_sound()
    found.assert_equals_pandas(events)


@needs_recordings
async def test_a_recording_converted_on_the_command_line_replays_there_to_the_end(tmp_path: Path) -> None:
    day, report = tmp_path / "day.jsonl", tmp_path / "r.json"
    day.write_bytes(await output_of("-m", "tests.replay", "buses-2015-12-30", "--sort"))
    options = ["--speed", "max", "--report", str(report), "--exports", str(tmp_path / "exports"), "--quiet"]
    assert b"nothing lost, nothing doubled" in await output_of("-m", "emulator", "replay", str(day), *options)
    found = json.loads(report.read_text())
    assert {name: found[name] for name in ("published", "committed", "lost", "duplicated", "late")} == {
        "published": 679, "committed": 679, "lost": 0, "duplicated": 0, "late": 0,
    }  # fmt: skip


@pytest.mark.parametrize("count", [pytest.param(2, marks=pytest.mark.full), 4])
async def test_several_instances_on_the_same_500_vehicles_end_in_the_states_of_one(
    count: int, backend: Backend, tmp_path: Path
) -> None:
    events = list(drives(vehicles=500, fixes=10))
    one = Hall()
    await one.take(events)
    plant = Plant(backend, instances={"gps": count}, exports=tmp_path / "exports", streams=1)
    found = await replayed(plant, events, tmp_path)
    found.assert_sound()
    names = ["readings", "event_at", "latitude", "longitude", "speed_kph", "moving", "distance_km", "filtered"]
    assert found.faces["gps"][names].to_dict() == one.faces("gps")[names].to_dict()
    assert len(found.rows["positions"]) == len(events)
    assert not found.rows["positions"]["late"].any()


async def output_of(*arguments: str) -> bytes:
    """What a Python command prints; it must end well."""
    command = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    printed, complained = await asyncio.wait_for(command.communicate(), 120)
    assert command.returncode == 0, complained.decode()
    return printed


async def answered(plant: Plant, messages: float) -> bool:
    return plant.couriers["gps"].counts.acked >= messages


async def assert_together(backend: Backend, folder: Path, most: int | None) -> None:
    """Other recordings at once, at most so many events of each, each vehicle in its own order."""
    recordings = [SOURCES[name].events()[:most] for name in OTHERS]
    longest = max(map(len, recordings))
    events = [events[place] for place in range(longest) for events in recordings if place < len(events)]
    found = await replayed(Plant(backend, exports=folder / "exports", streams=1), events, folder)
    found.assert_sound()
    found.assert_equals_pandas(events)
    assert found.report["late"] == 0
    assert found.report["quarantined"] == (30 if most is None else 0)


def drives(vehicles: int, fixes: int) -> Iterator[Event]:
    """Vehicles that drive a second at 20 m/s between fixes, all at once."""
    for number in range(fixes):
        for vehicle in range(vehicles):
            yield {
                "line": "gps",
                "vehicle_id": f"van-{vehicle}",
                "event_time": f"2024-05-01T08:00:{number:02d}Z",
                "latitude": round(50 + vehicle / 100 + number * 0.00018, 6),
                "longitude": 8.0,
                "speed_kph": 72.0,
            }
