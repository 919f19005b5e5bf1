"""The monitor: every contract that ran out ends once, whatever happens in between, and nobody healthy is offline."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from functions.core.ports import Message
from functions.core.profile import Profile
from functions.core.worker import WorkerCodec
from functions.errors import Unavailable
from functions.lines import LINES
from functions.roles.director import Director
from functions.roles.monitor import Monitor
from functions.tally import Tally
from tests.memory import MemoryBacklog, MemoryBus, MemoryProfiles, MemoryStore

GPS = LINES["gps"]
START = datetime(2024, 5, 1, 8, tzinfo=UTC)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


class Plant:
    """A gps line with contracts of 20 s, a monitor, and a clock to move."""

    def __init__(self, vehicles: int = 1) -> None:
        self.store, self.bus, self.backlog = MemoryStore(), MemoryBus(), MemoryBacklog()
        self.names = [f"van-{n}" for n in range(vehicles)]
        self.profiles = MemoryProfiles({name: Profile(contract_s=20) for name in self.names})
        self.second = 0.0
        self.director = self.hired()
        self.monitor = Monitor([GPS], self.store, self.bus, self.profiles, self.backlog, lambda: at(self.second))

    def hired(self) -> Director[Any, Any]:
        return Director(GPS, self.store, self.bus, self.profiles, Tally(lambda: 0.0))

    async def drive(self, second: float, vehicle: str = "van-0", speed_kph: float = 40) -> None:
        """A message with the way of the last 30 s: driven 330 m, or parked."""
        self.second = second
        events = [
            {
                "vehicle_id": vehicle,
                "event_time": at(moment).isoformat(),
                "latitude": 50 + (moment / 10_000 if speed_kph else 0),
                "longitude": 8,
                "speed_kph": speed_kph,
            }
            for moment in (second - 30, second)
        ]
        await self.director.take(Message(f"{vehicle}{second}", json.dumps(events).encode(), at(second)))

    async def round(self, second: float) -> dict[str, Any]:
        self.second = second
        return await self.monitor.run()

    def products(self, name: str) -> list[dict[str, Any]]:
        """Distinct rows of this class, or snapshots of this kind, as consumers would end up with."""
        found = (row for row in self.bus.rows if name in (row.get("pclass"), row.get("kind")))
        keyed = {(row.get("product_id") or (row["alert_id"], row["version"])): row for row in found}
        return [keyed[key] for key in sorted(keyed)]

    def face(self, vehicle: str = "van-0") -> dict[str, Any]:
        return self.store.documents[f"vehicles/{vehicle}/workers/gps"].fields


@pytest.mark.parametrize(("second", "ended"), [(19.9, 0), (20, 1)])
async def test_a_contract_ends_when_it_has_run_out_and_no_earlier(second: float, ended: int) -> None:
    plant = Plant()
    await plant.drive(0)
    summary = await plant.round(second)
    assert summary["ended"] == {"gps": ended}
    assert len(plant.products("shifts")) == ended


async def test_an_ended_worker_stays_with_its_time_to_be_forgotten_and_owes_nothing() -> None:
    plant = Plant()
    await plant.drive(0)
    await plant.round(30)
    assert plant.face()["status"] == "ended"
    assert plant.face()["forget_at"] == at(20) + timedelta(days=7)
    assert plant.face()["owing"] is False
    assert (await plant.round(60))["ended"] == {"gps": 0}
    assert len(plant.products("offline")) == 1


async def test_a_line_that_is_behind_makes_nobody_offline() -> None:
    plant = Plant()
    await plant.drive(0)
    plant.backlog.behind_s["gps"] = 1200
    summary = await plant.round(1200)
    assert summary["behind"] == {"gps": 1200}
    assert plant.face()["status"] == "active"


async def test_a_contract_that_an_unanswered_message_may_renew_is_left_alone() -> None:
    plant = Plant()
    await plant.drive(0)
    plant.backlog.behind_s["gps"] = 15
    assert (await plant.round(30))["ended"] == {"gps": 0}
    assert (await plant.round(35))["ended"] == {"gps": 1}


async def test_a_parked_vehicle_is_quiet_for_a_night() -> None:
    plant = Plant()
    plant.profiles.profiles = {}
    await plant.drive(0, speed_kph=0)
    for hour in range(14):
        await plant.round(hour * 3600)
    assert plant.face()["status"] == "active"
    assert not plant.products("offline")


async def test_five_hundred_contracts_end_in_one_round() -> None:
    plant = Plant(500)
    await asyncio.gather(*(plant.drive(0, name) for name in plant.names))
    assert (await plant.round(60))["ended"] == {"gps": 500}
    assert len(plant.products("shifts")) == len(plant.products("offline")) == 500


async def test_a_monitor_stopped_between_commit_and_publish_is_made_up_for_by_the_next_round() -> None:
    plant = Plant(3)
    await asyncio.gather(*(plant.drive(0, name) for name in plant.names))
    plant.bus.away = True
    with pytest.raises(Unavailable):
        await plant.round(60)
    plant.bus.away = False
    assert sum((await plant.round(65))["owed"].values()) == 3
    assert len(plant.products("shifts")) == 3
    assert not any(plant.face(name)["owing"] for name in plant.names)


async def test_a_monitor_stopped_there_is_made_up_for_by_the_next_event_too() -> None:
    plant = Plant()
    await plant.drive(0)
    plant.bus.away = True
    with pytest.raises(Unavailable):
        await plant.round(60)
    plant.bus.away = False
    plant.director = plant.hired()
    await plant.drive(70)
    assert len(plant.products("shifts")) == 1
    assert [row["status"] for row in plant.products("offline")] == ["open", "closed"]


async def test_memory_that_cannot_be_read_is_left_alone_and_stops_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    plant = Plant(2)
    for name in plant.names:
        await plant.drive(0, name)
    path = "vehicles/van-0/workers/gps"
    document = plant.store.documents[path]
    plant.store.documents[path] = document._replace(fields={**document.fields, "memory": b"\x92\x09\xc0"})
    assert (await plant.round(60))["ended"] == {"gps": 1}
    assert "left alone" in caplog.text


async def raced(turns: list[str], random: Random) -> tuple[Any, ...]:
    """What is left of a vehicle whose contract runs out at every turn, met by the monitor, its next event, or both."""
    plant = Plant()
    await plant.drive(0)
    for turn, second in zip(turns, range(100, 1000, 100), strict=False):
        steps: list[Any] = [plant.round(second)] if turn != "event" else []
        if turn != "monitor":
            steps.append(plant.drive(second))
        random.shuffle(steps)
        await asyncio.gather(*steps)
        if turn == "monitor":
            await plant.drive(second)
    await plant.round(5000)
    memory = WorkerCodec(GPS).unpack(plant.face()["memory"])
    return plant.products("shifts"), plant.products("offline"), memory.past.head, memory.contract


async def test_whoever_comes_first_the_rows_are_the_same() -> None:
    """A thousand races of monitor and next event, in every order of their steps."""
    races = 0
    for seed in range(400):
        random = Random(seed)
        turns = random.choices(["monitor", "event", "both"], k=5)
        races += turns.count("both")
        expected = await raced(["event"] * 5, random)
        assert await raced(turns, random) == expected
        races += 5
        assert await raced(["both"] * 5, random) == expected
    assert races >= 1000
