"""A whole plant's alerts: the same episodes, receipts, commands and mails, however messages come."""

import asyncio
import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pandas as pd

from emulator.backends import Backend
from emulator.commands.replay import Replay
from emulator.event_files import read as read_file
from emulator.plant import Plant
from emulator.run import Stage, run
from emulator.terminal import Terminal
from functions.core.alert import AlertRecord, read
from infra.plant import LINES
from tests.receivers import mails_in
from tests.replay.plant import drained, exported

START = datetime(2024, 5, 1, 8, tzinfo=UTC)
TELLING = {"notify_within_s": None, "page_from": "info", "storm_alerts": 100_000, "escalations": 0, "retry_s": 1}
"""As a replay wants it: news of any age, all of it at once."""
ROLES = (*LINES, "stevedore", "driver", "notifier", "watchman", "dispatcher")
FIXES, EVERY_S, VEHICLES = 180, 10, 4
DELAY_S = 60 * EVERY_S
"""Nearly twice the 32 readings of a worker that may still be put in order."""
LAST_DELAYED = START + timedelta(seconds=(FIXES - 70) * EVERY_S)
METRES_PER_DEGREE = 111_195.0


def drive(vehicle: str, seed: int) -> Iterator[dict[str, Any]]:
    """Half an hour north along a route: it speeds now and then, leaves the route once and comes back, and reports a
    severe code that an inspection answers."""
    chance = Random(seed)
    speeding = {first + n for first in chance.sample(range(5, FIXES - 10, 20), 5) for n in range(3)}
    astray = range(60 + 5 * seed, 110)
    for number in range(FIXES):
        event_at = START + timedelta(seconds=number * EVERY_S)
        aside_m = 1500 * math.sin(math.pi * (number - astray.start) / len(astray)) if number in astray else 0.0
        yield {
            "line": "gps",
            "vehicle_id": vehicle,
            "event_time": event_at.isoformat(),
            "latitude": round(50 + number * 150 / METRES_PER_DEGREE, 6),
            "longitude": round(8 + aside_m / (METRES_PER_DEGREE * math.cos(math.radians(50))), 6),
            "speed_kph": 70.0 + number / 100 if number in speeding else 50.0,
        }
        reports: dict[int, dict[str, Any]] = {30: {"dtcs": ["P0301"]}, 90: {"dtcs": [], "inspection": {"passed": True}}}
        if number in reports:
            yield {"line": "maintenance", "vehicle_id": vehicle, "event_time": event_at.isoformat(), **reports[number]}


def of_fleet(name: str) -> list[list[dict[str, Any]]]:
    return [list(drive(f"{name}-{number}", number)) for number in range(VEHICLES)]


def doubled_and_shuffled(events: Sequence[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Every event twice, each copy up to 60 s of event time later than it should be."""
    chance = Random(seed)
    moved = [(order_of(event) + chance.uniform(0, 60), event) for event in [*events, *events]]
    return [event for _, event in sorted(moved, key=lambda one: one[0])]


def delayed(events: Sequence[dict[str, Any]], seed: int) -> tuple[list[dict[str, Any]], set[tuple[str, datetime]]]:
    """One fix in ten comes so late that its place has been settled; which those are."""
    chance = Random(seed)
    moved, late = [], set()
    for event in events:
        due = order_of(event)
        if event["line"] == "gps" and due < LAST_DELAYED.timestamp() and chance.random() < 0.1:
            late.add((event["vehicle_id"], datetime.fromisoformat(event["event_time"])))
            due += DELAY_S
        moved.append((due, event))
    return [event for _, event in sorted(moved, key=lambda one: one[0])], late


def order_of(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["event_time"]).timestamp()


def mixed(fleets: Sequence[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """All vehicles side by side, each in its own order."""
    longest = max(map(len, fleets))
    return [events[place] for place in range(longest) for events in fleets if place < len(events)]


async def alerts_of(plant: Plant) -> list[AlertRecord]:
    return [read(document.fields) for document in await plant.firestore.query("alerts")]


def episodes(alerts: Sequence[AlertRecord], fleet: str) -> set[tuple[Any, ...]]:
    """(vehicle, kind, subject, start, end, peak), withdrawn ones left out."""
    return {
        (one.vehicle_id.partition("-")[2], one.kind, one.subject, one.started_at, one.ended_at, one.peak)
        for one in alerts
        if one.vehicle_id.startswith(fleet) and one.status != "withdrawn"
    }


def receipts(alerts: Sequence[AlertRecord], fleet: str) -> Counter[tuple[Any, ...]]:
    return Counter(
        (one.vehicle_id.partition("-")[2], one.kind, one.started_at, receipt.what, receipt.contact, receipt.state)
        for one in alerts
        if one.vehicle_id.startswith(fleet) and one.status != "withdrawn"
        for receipt in one.receipts
    )


async def settled(plant: Plant) -> list[AlertRecord]:
    """The alerts once nothing is due any more."""
    for _ in range(100):
        await plant.timekeepers["watchman"].call_now()
        found = await alerts_of(plant)
        if not any(one.due_at for one in found):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError("alerts are still due")


async def test_a_replay_twice_and_shuffled_ends_with_the_episodes_receipts_and_commands_of_the_clean_one(
    backend: Backend, tmp_path: Path
) -> None:
    """Three fleets that drive the same ways through one plant: in order, twice and shuffled, with a tenth delayed."""
    clean, twice, late = of_fleet("clean"), of_fleet("twice"), of_fleet("late")
    twice = [doubled_and_shuffled(events, seed) for seed, events in enumerate(twice)]
    behind = [delayed(events, seed) for seed, events in enumerate(late)]
    left = await replayed(backend, tmp_path, mixed([*clean, *twice, *(events for events, _ in behind)]))
    assert (left.report["lost"], left.report["duplicated"]) == (0, 0)

    expected = episodes(left.alerts, "clean")
    kinds = Counter(kind for _, kind, *_ in expected)
    assert kinds == {"overspeed": 5 * VEHICLES, "route_deviation": VEHICLES, "trouble_code": VEHICLES}
    assert episodes(left.alerts, "twice") == expected
    assert receipts(left.alerts, "twice") == receipts(left.alerts, "clean")
    told = list(receipts(left.alerts, "clean").elements())
    assert len(told) == 2 * len(expected)
    assert {state for *_, state in told} == {"delivered"}
    for fleet in ("clean", "twice", "late"):
        assert left.commands[fleet, "reroute", "done"] == left.commands[fleet, "inspect", "done"] == VEHICLES
    assert left.report["commands"] == {command: {"done": 3 * VEHICLES} for command in ("inspect", "reroute")}
    delivered = sum(one.state == "delivered" for alert in left.alerts for one in alert.receipts)
    assert left.mails_taken == len(left.mails) == left.report["deliveries"]["delivered"] == delivered

    lates = {(row.vehicle_id, row.event_at) for row in left.positions.itertuples() if row.late}
    assert lates == set().union(*(moved for _, moved in behind))
    gaps = episodes(left.alerts, "late") - expected
    print(f"{len(gaps)} of {len(expected)} episodes begin, end or peak elsewhere, because a reading of theirs was late")
    for vehicle, kind, subject, started_at, ended_at, _ in gaps:
        same = [one for one in expected if one[:3] == (vehicle, kind, subject)]
        assert any(started_at <= end and start <= ended_at for *_, start, end, _ in same), (vehicle, kind, started_at)


class Left(NamedTuple):
    """What a replay left; `commands` counts (fleet, command, state), `mails_taken` repeats too."""

    report: dict[str, Any]
    alerts: list[AlertRecord]
    commands: Counter[tuple[str, str, str]]
    mails: list[EmailMessage]
    mails_taken: int
    positions: pd.DataFrame


async def replayed(backend: Backend, folder: Path, events: Sequence[dict[str, Any]]) -> Left:
    """Replay events in their order through a plant, wait until everybody is told, and take it down."""
    day, settings, report_file = folder / "events.jsonl", folder / "profiles.json", folder / "report.json"
    day.write_text("".join(json.dumps(event) + "\n" for event in events))
    route = {"polyline": [[49.9, 8.0], [50.5, 8.0]], "corridor_m": 500.0, "hold_s": 60.0}
    settings.write_text(json.dumps({one["vehicle_id"]: {"speed_limit_kph": 60, "route": route} for one in events}))
    telling = {name: {"TELLING": json.dumps(TELLING)} for name in ("notifier", "watchman", "dispatcher")}
    plant = Plant(
        backend, only=ROLES, exports=folder / "exports", profiles=settings, streams=1, environment=telling,
        say=lambda _: None,
    )  # fmt: skip
    alerts: list[AlertRecord] = []
    commands: Counter[tuple[str, str, str]] = Counter()

    async def publish(stage: Stage) -> None:
        await Replay(stage, read_file(day, "gps"), None).run()
        await drained(plant, stage.unanswered)
        alerts.extend(await settled(plant))
        for one in await plant.firestore.query("commands"):
            fields = one.fields
            commands[fields["vehicle_id"].partition("-")[0], fields["command"], fields["state"]] += 1

    await run(plant, publish, Terminal(quiet=True), report_file)
    report = json.loads(report_file.read_text())
    positions = exported([Path(name) for name in report["export_files"]])["positions"]
    return Left(report, alerts, commands, mails_in(plant.mail.folder), plant.mail.mails, positions)
