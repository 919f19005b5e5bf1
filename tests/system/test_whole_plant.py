"""The whole plant on real backends: four lines, contracts that end and are signed again, whoever dies meanwhile."""

import asyncio
import json
import re
import secrets
import socket
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
import pytest_asyncio

from emulator import addresses, arguments, profiles
from emulator.backends import Backend
from emulator.commands import demo, forget, lines, verify
from emulator.plan import Plan
from emulator.plant import Plant
from emulator.ports import HOST
from emulator.run import run
from emulator.terminal import Terminal
from functions.lines import LINES
from tests.replay.plant import drained, exported, faces_of, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE_S = 120.0
CONTRACT_S = 2.0
OWN_TIMES = ["hired_at", "expires_at", "seen_at", "forget_at"]
"""Of a contract: they differ from run to run."""
WORKING = ("gps", "temperature", "stevedore", "notifier", "monitor", "driver")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Plant]:
    """One plant for all of these: each uses vehicles of its own."""
    async with Plant(backend, only=WORKING, exports=tmp_path_factory.mktemp("exports"), say=_nothing) as up:
        yield up


@pytest.fixture
def silent_host() -> Iterator[str]:
    """A socket that takes connections and never says anything: what a call to it does is wait."""
    with socket.create_server((HOST, 0), backlog=64) as listening:
        yield f"{HOST}:{listening.getsockname()[1]}"


async def test_a_fleet_on_four_lines_is_sound_its_contracts_end_and_are_signed_again_and_its_faults_are_found(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Plan(vehicles=30, seconds=12, interval_s=0.5, contract_s=3.0, seed=2)
    report = tmp_path / "r.json"
    up = Plant(backend, exports=tmp_path / "exports", say=_nothing)
    assert await run(up, partial(demo.drive, plan=plan, own={}), Terminal(), report) == 0
    found, said = json.loads(report.read_text()), capsys.readouterr().out
    assert (found["lost"], found["duplicated"]) == (0, 0)
    assert set(found["roster"]) == set(found["backlog"]) == set(LINES)
    assert {"positions", "temperatures", "diagnostics", "stock", "shifts", "quarantined"} <= set(found["exported"])
    shown = {line: line_shown(said, line) for line in LINES}
    assert all(line.workers > 0 and line.backlog == 0 for line in shown.values())
    assert shown["gps"].signed_again > 0
    assert sum(line.signed_again for line in shown.values()) > 3
    assert sum(line.contracts_ended for line in shown.values()) == found["exported"]["shifts"]
    faults = faults_shown(said)
    assert {"gps", "temperature"} <= {line for line, _ in faults}
    assert faults["gps", "(0, 0)"][0] > 0
    for (_, kind), (injected, seen) in faults.items():
        if kind not in ("silence", "late list", "out of order"):  # those depend on when what left was published
            assert injected == seen, kind


@pytest.mark.full
@pytest.mark.parametrize("name", ["google", "embedded"])
async def test_a_demo_of_a_minute_finds_every_fault_it_injects(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["demo", "--backend", name, "--exports", str(tmp_path / "exports"), "--report", str(tmp_path / "r.json")]
    assert await demo.main(arguments.parser().parse_args(command)) == 0
    found, said = json.loads((tmp_path / "r.json").read_text()), capsys.readouterr().out
    print(said)
    assert (found["lost"], found["duplicated"]) == (0, 0)
    assert line_shown(said, "gps").signed_again > 0
    assert found["alerts"]["opened"]["offline"] >= found["alerts"]["closed"]["offline"] > 0
    assert {line for line, _ in faults_shown(said)} == set(LINES)
    wrong = {fault: counts for fault, counts in faults_shown(said).items() if counts[0] != counts[1]}
    assert set(wrong) <= {("gps", "silence")}, wrong


async def test_a_contract_that_ends_gives_the_same_rows_whether_the_monitor_or_the_next_event_came_first(
    plant: Plant,
) -> None:
    monitored, met = "ended-by-monitor", "ended-by-event"
    await employ_for(plant, CONTRACT_S, monitored, met, "parked")
    await plant.stop_function("monitor")
    hired = [drive(name, 0) for name in (monitored, met)]
    await publish(plant, *hired, drive("parked", 0, speed_kph=0))
    await asyncio.sleep(CONTRACT_S + 0.5)
    assert await status(plant, met) == "active"
    await publish(plant, drive(met, 120))
    await plant.start_function("monitor")
    await monitored_until_ended(plant, monitored)
    await monitored_until_ended(plant, met)
    await publish(plant, drive(monitored, 120))
    await monitored_until_ended(plant, monitored)
    found = await rows(plant)
    for name in (monitored, met):
        shifts, alerts = shifts_of(found, name), await offline(plant, name)
        assert list(shifts["readings"]) == [2, 2]
        assert round(shifts["distance_km"].iloc[0], 3) == 0.334
        assert set(shifts["ended_at"] - shifts["received_at"]) == {timedelta(seconds=CONTRACT_S)}
        assert [alert["started_at"] for alert in alerts] == list(shifts["ended_at"])
        assert [alert["status"] for alert in alerts] == ["closed", "open"]
    assert len(shifts_of(found, "parked")) == 1
    assert not await offline(plant, "parked")


async def test_a_monitor_killed_between_commit_and_publish_loses_nothing(plant: Plant, silent_host: str) -> None:
    await employ_for(plant, CONTRACT_S, "half-ended")
    await plant.start_function("monitor", {"PUBSUB_EMULATOR_HOST": silent_host})
    await publish(plant, drive("half-ended", 0))
    await until(partial(has_ended, plant, "half-ended"), PATIENCE_S)
    assert (await worker(plant, "half-ended"))["owing"] is True
    plant.kill("monitor")
    await plant.start_function("monitor", {"PUBSUB_EMULATOR_HOST": plant.backend.pubsub})

    async def owes_nothing() -> bool:
        return (await worker(plant, "half-ended"))["owing"] is False

    await plant.timekeepers["monitor"].call_now()
    await until(owes_nothing, PATIENCE_S)
    found = await rows(plant)
    assert len(shifts_of(found, "half-ended")) == 1
    assert len(await offline(plant, "half-ended")) == 1
    assert found["positions"].query("vehicle_id == 'half-ended'")["product_id"].nunique() == 2


async def test_a_line_that_is_down_makes_nobody_offline(plant: Plant) -> None:
    """Its vehicles go on publishing for longer than their contracts, and nobody takes it."""
    names = [f"waiting-{number}" for number in range(5)]
    await employ_for(plant, 4 * CONTRACT_S, *names)
    await publish(plant, *(drive(name, 0) for name in names))
    await plant.stop_function("gps")
    second = 0
    while plant.couriers["gps"].counts.oldest_unanswered_s() < 4 * CONTRACT_S + 1:
        second += 1
        await plant.publish("gps", *(drive(name, 60 * second) for name in names))
        await asyncio.sleep(1)
    answer = await plant.timekeepers["monitor"].call_now()
    assert answer is not None
    assert answer.status == 200
    assert {await status(plant, name) for name in names} == {"active"}
    await plant.start_function("gps")
    await until(partial(everything_answered, plant), PATIENCE_S)
    found = await rows(plant)
    assert found["positions"]["vehicle_id"].isin(names).sum() == 2 * 5 * (second + 1)
    for name in names:
        ended = shifts_of(found, name)
        assert len(ended) <= 1  # after the last reading of all
        assert sum(ended["readings"]) in (0, 2 * (second + 1))


async def test_lines_verify_and_forget_work_against_a_running_plant(
    plant: Plant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await publish(plant, drive("to-forget", 0), drive("to-keep", 0))
    warm = [{"vehicle_id": "to-forget", "event_time": "2024-05-01T08:00:00Z", "temperature_f": 41.0}]
    await publish(plant, json.dumps(warm).encode(), line="temperature")
    before = await rows(plant)
    assert {"to-forget", "to-keep"} <= set(before["positions"]["vehicle_id"])
    with addresses.written(plant, tmp_path / "addresses.json"):
        where = ["--addresses", str(tmp_path / "addresses.json")]
        assert await lines.main(arguments.parser().parse_args(["lines", *where])) == 0
        said = capsys.readouterr().out
        assert all(re.search(rf"^\W*{line} ", said, re.MULTILINE) for line in LINES)
        assert await verify.main(arguments.parser().parse_args(["verify", *where])) == 0
        assert await forget.main(arguments.parser().parse_args(["forget", "to-forget", *where])) == 0
        assert "to-forget is forgotten" in capsys.readouterr().out
        after = await rows(plant)
        assert await verify.main(arguments.parser().parse_args(["verify", *where])) == 0
        assert "the chain is whole, and Firestore has the same hashes" in capsys.readouterr().out
    assert not await plant.firestore.query("vehicles/to-forget/workers", only=["line"])
    for pclass, table in after.items():
        assert "to-forget" not in set(table["vehicle_id"]), pclass
    assert "to-keep" in set(after["positions"]["vehicle_id"])


@pytest.mark.full
async def test_two_and_four_instances_lose_no_update_and_end_in_the_states_of_one(backend: Backend) -> None:
    names = [f"shared-{number:03d}" for number in range(500)]
    faces: dict[int, pd.DataFrame] = {}
    for instances in (1, 2, 4):
        async with Plant(backend, only=["gps"], instances={"gps": instances}, say=_nothing) as up:
            for second in range(20):
                await up.publish("gps", *(drive(name, 60 * second) for name in names))
            await until(partial(everything_answered, up), 4 * PATIENCE_S)
            faces[instances] = (await faces_of(up, "gps")).drop(columns=[*OWN_TIMES, "owing"])
    assert len(faces[1]) == 500
    assert set(faces[1]["readings"]) == {40}
    for instances in (2, 4):
        pd.testing.assert_frame_equal(faces[instances], faces[1], check_like=True)


@pytest.mark.full
async def test_5000_contracts_that_expire_in_the_same_minute_end_within_one_sweep(backend: Backend) -> None:
    names, project = [f"mass-{number:04d}" for number in range(5_000)], f"mass-{secrets.token_hex(4)}"
    async with Plant(backend, project=project, only=["gps"], say=_nothing) as up:
        await employ_for(up, 30.0, *names)
        for start in range(0, len(names), 500):
            await up.publish("gps", *(drive(name, 0) for name in names[start : start + 500]))
        await until(partial(everything_answered, up), 4 * PATIENCE_S)
        expiries = (await faces_of(up, "gps"))["expires_at"]
    assert len(expiries) == 5_000
    await asyncio.sleep(max(0.0, expiries.max().timestamp() - time.time()) + 0.5)
    async with Plant(backend, project=project, only=["monitor"], deliver=False, say=_nothing) as up:
        answer = await up.hired("monitor").instance.post(b"/", b"content-type: application/json\r\n", b"{}")
        summary = json.loads(answer.body)
        again = await up.hired("monitor").instance.post(b"/", b"content-type: application/json\r\n", b"{}")
        ended = await up.firestore.query("workers", [("status", "==", "ended")], everywhere=True, only=["owing"])
    spread_s = (expiries.max() - expiries.min()).total_seconds()
    print(f"{backend.name}: 5,000 contracts that expired within {spread_s:.1f} s ended in {summary['seconds']:.1f} s")
    assert summary["ended"]["gps"] == len(ended) == 5_000
    assert not any(worker.fields["owing"] for worker in ended)
    assert json.loads(again.body)["ended"]["gps"] == 0


def drive(vehicle_id: str, second: int, speed_kph: float = 40) -> bytes:
    """A message with the way of the last 30 s: driven 334 m, or parked."""
    begin = datetime.fromisoformat("2024-05-01T08:00:00+00:00")
    events = [
        {
            "vehicle_id": vehicle_id,
            "event_time": (begin + timedelta(seconds=moment)).isoformat(),
            "latitude": 50 + (moment / 10_000 if speed_kph else 0),
            "longitude": 8.0,
            "speed_kph": speed_kph,
        }
        for moment in (second, second + 30)
    ]
    return json.dumps(events).encode()


async def publish(plant: Plant, *payloads: bytes, line: str = "gps") -> None:
    """Publish, and wait until everything is answered."""
    await plant.publish(line, *payloads)
    await until(partial(everything_answered, plant), PATIENCE_S)


async def everything_answered(plant: Plant) -> bool:
    messages = plant.publisher.ledger.messages
    return all(plant.couriers[line].counts.acked >= count for line, count in messages.items())


async def employ_for(plant: Plant, contract_s: float, *names: str) -> None:
    """Profiles with contracts of this length, for vehicles nobody has heard of yet."""
    await profiles.write(plant.firestore, {name: {"contract_s": contract_s} for name in names})


async def worker(plant: Plant, name: str) -> dict[str, Any]:
    path = f"vehicles/{name}/workers/gps"
    return dict((await plant.firestore.get([path]))[path].fields)


async def status(plant: Plant, name: str) -> str:
    return str((await worker(plant, name))["status"])


async def has_ended(plant: Plant, name: str) -> bool:
    return await status(plant, name) == "ended"


async def monitored_until_ended(plant: Plant, name: str) -> None:
    """Call the monitor, as its timekeeper does anyway, until it finds that a contract has run out."""
    async with asyncio.timeout(PATIENCE_S):
        while not await has_ended(plant, name):
            await plant.timekeepers["monitor"].call_now()


async def offline(plant: Plant, name: str) -> list[dict[str, Any]]:
    """The alerts that say a vehicle is offline, oldest first; those under way have arrived once rows have."""
    found = await plant.firestore.query("alerts", [("vehicle_id", "==", name), ("kind", "==", "offline")])
    return sorted((alert.fields for alert in found), key=lambda fields: fields["started_at"])


async def rows(plant: Plant) -> dict[str, pd.DataFrame]:
    """Exported rows by class, once nothing is under way any more."""
    await drained(plant)
    return exported(sorted(plant.exports.glob("pclass=*/**/*.parquet")))


def shifts_of(found: dict[str, pd.DataFrame], name: str) -> pd.DataFrame:
    shifts = found["shifts"]
    own = shifts[shifts["vehicle_id"] == name]
    assert own["product_id"].is_unique
    return own.sort_values("ended_at")


class LineShown(NamedTuple):
    """A line in the summary's table; `workers` of any status."""

    workers: int
    contracts_ended: int
    signed_again: int
    backlog: int


def line_shown(said: str, line: str) -> LineShown:
    found = re.search(rf"^{line}((?: +[\d,]+){{6}}) *$", said, re.MULTILINE)
    assert found, said
    active, silent, ended, *counts = (int(count.replace(",", "")) for count in found[1].split())
    return LineShown(active + silent + ended, *counts)


def faults_shown(said: str) -> dict[tuple[str, str], tuple[int, int]]:
    """(line, fault) → injected and found, from the summary's table."""
    pattern = rf"^({'|'.join(LINES)}) +(\S.*?) {{2,}}(\d+) +(\d+)  [a-z]"
    return {(line, kind): (int(one), int(two)) for line, kind, one, two in re.findall(pattern, said, re.MULTILINE)}


def _nothing(_: str) -> None:
    """Say nothing."""
