"""People, vehicles and the plant's own watch at a running plant: the command line, replies, inspector, supervisor."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator import addresses, arguments
from emulator.backends import Backend
from emulator.commands import alerts as command
from emulator.commands import publish
from emulator.errors import EmulatorError
from emulator.http_client import Answer
from emulator.plant import Plant
from functions.core.alert import AlertRecord, read
from functions.core.command import command_id
from tests.receivers import mails_in

ROLES = ("gps", "temperature", "notifier", "watchman", "dispatcher", "inspector", "supervisor")
SOON_S = 15.0


class Site:
    """A plant with one line, and the command line that talks to it."""

    def __init__(self, plant: Plant, addresses_file: Path, print_: pytest.CaptureFixture[str]) -> None:
        self.plant = plant
        self._file = addresses_file
        self._print = print_

    async def drive(self, *speeds_kph: float, vehicle: str = "van-1", longitude: float = 9.0) -> None:
        """One message; a fix a second until now, all at one place."""
        now = datetime.now(UTC)
        events = [
            {
                "vehicle_id": vehicle,
                "event_time": (now - timedelta(seconds=len(speeds_kph) - 1 - n)).isoformat(),
                "latitude": 50.0,
                "longitude": longitude,
                "speed_kph": speed_kph,
            }
            for n, speed_kph in enumerate(speeds_kph)
        ]
        await self.plant.publish("gps", json.dumps(events).encode())

    async def alert(self, kind: str, ready: Any = lambda _: True) -> AlertRecord:
        """The one alert of a kind, once it is as it should be."""
        async with asyncio.timeout(SOON_S):
            while True:
                for document in await self.plant.firestore.query("alerts", [("kind", "==", kind)]):
                    if ready(found := read(document.fields)):
                        return found
                await asyncio.sleep(0.05)

    async def order(self, command: str, state: str) -> dict[str, Any]:
        """A command's document once it is in this state."""
        async with asyncio.timeout(SOON_S):
            while True:
                for document in (await self.plant.firestore.get([f"commands/{command}"])).values():
                    if document.fields["state"] == state:
                        return document.fields
                await asyncio.sleep(0.05)

    async def publish(self, topic: str, payload: str) -> None:
        """`python3 -m emulator publish TOPIC PAYLOAD`."""
        options = arguments.parser().parse_args(["publish", topic, payload, "--addresses", str(self._file)])
        assert await publish.main(options) == 0

    async def command(self, *arguments_: str) -> str:
        """What `python3 -m emulator alerts …` prints."""
        self._print.readouterr()
        options = arguments.parser().parse_args(["alerts", "--addresses", str(self._file), *arguments_])
        assert await command.main(options) == 0
        return self._print.readouterr().out

    async def call(self, function: str) -> dict[str, Any]:
        answer = await self.plant.timekeepers[function].call_now()
        assert isinstance(answer, Answer)
        assert answer.status == 200, answer.body
        found: dict[str, Any] = json.loads(answer.body)
        return found


@pytest.fixture
async def site(backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Site]:
    profiles = tmp_path / "profiles.json"
    route = {"polyline": [[49.0, 9.0], [51.0, 9.0]], "hold_s": 0}
    own = {"speed_limit_kph": 60, "route": route, "contract_s": 3600, "expected_interval_s": 1}
    profiles.write_text(json.dumps({"van-1": own, "van-2": own}))
    telling = {"TELLING": json.dumps({"page_from": "info", "settle_s": 0.2})}
    environment = dict.fromkeys(("notifier", "watchman"), telling)
    plant = Plant(
        backend,
        only=ROLES,
        exports=tmp_path / "exports",
        profiles=profiles,
        environment=environment,
        say=lambda _: None,
    )
    async with plant:
        with addresses.written(plant, tmp_path / "addresses.json"):
            yield Site(plant, tmp_path / "addresses.json", capsys)


async def test_people_vehicles_and_the_plants_own_watch_at_a_running_plant(site: Site) -> None:
    await site.drive(50, 80, 90)
    alert = await site.alert("overspeed", lambda one: any(receipt.told_at for receipt in one.receipts))
    (mail,) = mails_in(site.plant.mail.folder)
    assert mail["Subject"] == "INFO overspeed opened: van-1"

    listed = await site.command("--open", "--kind", "overspeed", "--vehicle", "van-1")
    assert alert.alert_id[:8] in listed
    assert "opened → fleet-desk delivered" in listed

    await asyncio.gather(
        site.command("ack", alert.alert_id[:8], "--comment", "calling the driver", "--by", "ann"),
        site.command("ack", alert.alert_id[:8], "--comment", "me too", "--by", "bob"),
        site.drive(100),
        site.drive(110),
    )
    alert = await site.alert("overspeed", lambda one: one.peak == 110)
    assert sorted((change.by, change.why) for change in alert.handling.audit) == [
        ("ann", "calling the driver"),
        ("bob", "me too"),
    ]

    await site.command("snooze", alert.alert_id, "--minutes", "30", "--comment", "he is on his way")
    said = await site.command("close", alert.alert_id, "--reason", "faulty sensor", "--by", "ann")
    assert "closed by ann: faulty sensor" in said
    with pytest.raises(EmulatorError, match="ann closed it"):
        await site.command("ack", alert.alert_id)
    assert json.loads(await site.command("--open", "--kind", "overspeed", "--json")) == []

    await it_strays_and_answers(site)
    await the_plant_watches_itself(site)


async def it_strays_and_answers(site: Site) -> None:
    """A deviation orders a reroute; the vehicle acknowledges it."""
    await site.drive(50, 50, vehicle="van-2", longitude=8.9)
    alert = await site.alert("route_deviation")
    order = command_id(alert.alert_id)
    await site.order(order, "ordered")
    reply = {"command_id": order, "state": "acknowledged", "by": "driver"}
    await site.publish("replies", json.dumps(reply))
    fields = await site.order(order, "acknowledged")
    assert (fields["command"], fields["vehicle_id"], fields["announced"]) == ("reroute", "van-2", "ordered")


async def the_plant_watches_itself(site: Site) -> None:
    """The silence of a probe that reports every second, and what every line has done."""
    event = {"vehicle_id": "van-1", "event_time": datetime.now(UTC).isoformat(), "temperature_c": 5.0}
    await site.publish("temperature", json.dumps(event))
    await asyncio.sleep(2.1)
    for _ in range(8):
        await site.call("inspector")
    await site.alert("silent", lambda one: one.vehicle_id == "van-1")
    worker = await site.plant.firestore.get(["vehicles/van-1/workers/temperature"], only=["status"])
    assert worker["vehicles/van-1/workers/temperature"].fields["status"] == "silent"
    seen = await site.call("supervisor")
    assert seen["gps"]["workers"] == 2
    (history,) = [one.fields for one in await site.plant.firestore.query("history") if one.fields["line"] == "gps"]
    assert history["minutes"][-1]["workers"] == 2
