"""The inspector: finds what is wrong in each slice, tells it once, takes it back, and never fights the director."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.core.ports import Message
from functions.core.profile import Profile
from functions.core.worker import SHARDS
from functions.lines import LINES
from functions.roles.director import Director
from functions.roles.inspector import Inspector
from functions.roles.monitor import Monitor
from functions.tally import Tally
from tests.desk import Desk
from tests.memory import MemoryBacklog, MemoryBus, MemoryProfiles, MemoryStore

START = datetime(2024, 5, 1, 8, tzinfo=UTC)
GPS = LINES["gps"]


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


class Floor:
    """A gps line with its director, monitor, inspector and notifier over one store, and a clock to move."""

    def __init__(self, **profiles: Profile) -> None:
        self.desk = Desk()
        self.store: MemoryStore = self.desk.store
        self.bus, self.backlog, self.profiles = MemoryBus(), MemoryBacklog(), MemoryProfiles(profiles)
        self.second = 0.0
        self.director = Director(GPS, self.store, self.bus, self.profiles, Tally(lambda: 0.0))
        self.monitor = Monitor([GPS], self.store, self.bus, self.profiles, self.backlog, self.clock)
        self.inspector = Inspector(["gps"], self.store, self.bus, self.profiles, self.backlog, self.clock)
        self._told = 0

    def clock(self) -> datetime:
        return at(self.second)

    async def drive(self, second: float, vehicle: str = "van-0", behind_s: float = 0, **fields: Any) -> None:
        """A message with the way of the last 30 s."""
        self.second = second
        events = [
            {
                "vehicle_id": vehicle,
                "event_time": at(moment - behind_s).isoformat(),
                "latitude": 50 + moment / 10_000,
                "longitude": 8.0,
                "speed_kph": 40.0,
                **fields,
            }
            for moment in (second - 30, second)
        ]
        await self.director.take(Message(f"{vehicle}{second}", json.dumps(events).encode(), at(second)))

    async def inspect(self, second: float, runs: int = SHARDS) -> None:
        """The whole roster, one slice a run; what is found reaches the alerts."""
        self.second = second
        for _ in range(runs):
            await self.inspector.run()
            await self.deliver()

    async def deliver(self) -> None:
        new = [message for message in self.bus.messages[self._told :] if b'"alert_id"' in message]
        self._told = len(self.bus.messages)
        for message in new:
            await self.desk.notifier.take(Message("m", message, at(self.second)))

    def alerts(self, *kinds: str) -> list[tuple[str, str, str, int]]:
        found = [one.fields for path, one in self.store.documents.items() if path.startswith("alerts/")]
        return sorted(
            (one["kind"], one["vehicle_id"], one["status"], one["version"])
            for one in found
            if not kinds or one["kind"] in kinds
        )

    def face(self, vehicle: str = "van-0") -> dict[str, Any]:
        return self.store.documents[f"vehicles/{vehicle}/workers/gps"].fields


async def test_a_vehicle_that_is_due_is_silent_after_two_intervals_and_not_before() -> None:
    floor = Floor(**{"van-0": Profile(expected_interval_s=60)})
    await floor.drive(0)
    await floor.inspect(120)
    assert floor.alerts() == []
    await floor.inspect(121)
    assert floor.alerts() == [("silent", "van-0", "open", 1)]
    assert floor.face()["status"] == "silent"


async def test_finding_it_again_tells_nothing_new() -> None:
    floor = Floor()
    await floor.drive(0)
    for second in range(500, 800, 100):
        await floor.inspect(second)
    assert floor.alerts() == [("silent", "van-0", "open", 1)]


async def test_the_next_event_makes_it_active_and_the_next_look_closes_the_silence() -> None:
    floor = Floor()
    await floor.drive(0)
    await floor.inspect(500)
    await floor.drive(600)
    assert floor.face()["status"] == "active"
    await floor.inspect(601)
    assert floor.alerts() == [("silent", "van-0", "closed", 2)]
    (alert,) = (one.fields for path, one in floor.store.documents.items() if path.startswith("alerts/"))
    assert alert["ended_at"] == at(600)


async def test_a_contract_ends_on_time_although_its_worker_was_found_silent() -> None:
    floor = Floor()
    await floor.drive(0)
    await floor.inspect(500)
    floor.second = 900
    assert (await floor.monitor.run())["ended"] == {"gps": 1}
    await floor.deliver()
    await floor.inspect(901)
    assert floor.alerts() == [("offline", "van-0", "open", 1), ("silent", "van-0", "closed", 2)]


async def test_what_the_inspector_writes_loses_to_whoever_wrote_meanwhile() -> None:
    floor = Floor()
    await floor.drive(0)
    floor.second = 500
    query = floor.store.query

    async def overtaken(collection: str, *arguments: Any, **named: Any) -> Any:
        found = await query(collection, *arguments, **named)
        if collection == "workers" and found:
            await floor.drive(500)
        return found

    floor.store.query = overtaken  # type: ignore[method-assign]
    for _ in range(SHARDS):
        await floor.inspector.run()
    floor.store.query = query  # type: ignore[method-assign]
    assert floor.face()["status"] == "active"
    assert floor.face()["readings"] == 4


async def test_a_parked_vehicle_and_a_line_that_is_behind_are_not_silent() -> None:
    floor = Floor()
    await floor.drive(0, ignition=False, latitude=50.0, speed_kph=0.0)
    await floor.inspect(20 * 3600)
    await floor.drive(90_000, "van-1")
    floor.backlog.behind_s["gps"] = 900
    await floor.inspect(90_800)
    assert floor.alerts() == []


async def test_a_vehicle_that_is_heard_but_whose_positions_are_worth_nothing_is_stuck() -> None:
    floor = Floor()
    await floor.drive(0)
    for second in range(300, 1200, 300):
        await floor.drive(second, latitude=0.0, longitude=0.0)
    await floor.inspect(1200)
    assert floor.alerts("stuck") == [("stuck", "van-0", "open", 1)]
    await floor.drive(1230)
    await floor.inspect(1231)
    assert floor.alerts("stuck") == [("stuck", "van-0", "closed", 2)]


async def test_a_clock_that_runs_ahead_is_told_before_its_readings_are_refused() -> None:
    floor = Floor()
    await floor.drive(0, behind_s=-90)
    await floor.inspect(1)
    assert floor.alerts() == [("clock_ahead", "van-0", "open", 1)]


async def test_an_open_episode_whose_worker_is_gone_is_stale_until_somebody_closes_it() -> None:
    floor = Floor()
    await floor.desk.hear(
        {
            "alert_id": "lost", "version": 1, "kind": "overspeed", "subject": "", "line": "gps", "vehicle_id": "van-9",
            "status": "open", "started_at": at(0).isoformat(), "ended_at": None, "details": {},
        }
    )  # fmt: skip
    floor.store.documents["alerts/lost"].fields["published_at"] = at(0)
    await floor.inspect(3599)
    assert floor.alerts("stale_episode") == []
    await floor.inspect(3600)
    await floor.inspect(3700)
    assert floor.alerts("stale_episode") == [("stale_episode", "van-9", "open", 1)]
    document = floor.store.documents["alerts/lost"]
    floor.store.documents["alerts/lost"] = document._replace(fields={**document.fields, "status": "closed"})
    await floor.inspect(3800)
    assert floor.alerts("stale_episode") == [("stale_episode", "van-9", "closed", 2)]


async def test_the_whole_roster_is_looked_at_in_eight_runs_and_counted() -> None:
    floor = Floor()
    for number in range(60):
        await floor.drive(0, f"van-{number}")
    floor.second = 500
    looked = [(await floor.inspector.run())["workers"] for _ in range(SHARDS)]
    await floor.deliver()
    assert sum(looked) == 60
    assert max(looked) < 20
    assert len(floor.alerts("silent")) == 60
    roster = floor.store.documents["fleet/inspection"].fields["roster"]
    assert sum(roster["gps"].values()) == 60
