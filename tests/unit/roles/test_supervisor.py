"""The supervisor: a line over its limit is one alert with a way back, and its history stays small."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.core.traffic import HOURS, MINUTES, Traffic
from functions.errors import Unavailable
from functions.roles.supervisor import Supervisor
from tests.memory import MemoryBus, MemoryStore

START = datetime(2024, 5, 1, 8, tzinfo=UTC)
CALM = Traffic(60, 3, 0.5, 600, 0, 0)


class Hall:
    """One line whose traffic tests set, minute by minute."""

    def __init__(self) -> None:
        self.store, self.bus = MemoryStore(), MemoryBus()
        self.minute = 0.0
        self.now = CALM
        self.supervisor = Supervisor(["gps"], self.store, self.bus, self, self._clock)

    def _clock(self) -> datetime:
        return START + timedelta(minutes=self.minute)

    async def traffic(self, _topic: str) -> Traffic:
        return self.now

    async def minutes(self, *traffic: Traffic) -> None:
        for one in traffic:
            self.now = one
            self.minute += 1
            await self.supervisor.run()

    @property
    def told(self) -> list[tuple[str, str, str, int]]:
        """The newest snapshot of each alert."""
        newest: dict[str, dict[str, Any]] = {}
        for row in self.bus.rows:
            if row["version"] >= newest.get(row["alert_id"], row)["version"]:
                newest[row["alert_id"]] = row
        return [(row["kind"], row["subject"], row["status"], row["peak"]) for row in newest.values()]

    @property
    def history(self) -> dict[str, Any]:
        return self.store.documents["history/gps"].fields


def behind(seconds: float) -> Traffic:
    return CALM._replace(oldest_s=seconds, backlog=int(10 * seconds))


async def test_a_line_that_falls_behind_is_one_alert_with_its_worst_until_it_has_caught_up() -> None:
    hall = Hall()
    await hall.minutes(behind(100), behind(300))
    assert hall.told == []
    await hall.minutes(behind(301), behind(900), behind(200), behind(61))
    assert hall.told == [("line_backlog", "gps", "open", 900.0)]
    await hall.minutes(behind(60))
    assert hall.told == [("line_backlog", "gps", "closed", 900.0)]
    await hall.minutes(behind(400))
    assert [status for _, _, status, _ in hall.told] == ["closed", "open"]


@pytest.mark.parametrize(("failed", "status"), [(30, []), (35, ["open"])])
async def test_failures_above_five_in_a_hundred_are_told(failed: int, status: list[str]) -> None:
    hall = Hall()
    await hall.minutes(CALM._replace(failed=failed))
    assert [one[2] for one in hall.told] == status


async def test_a_publisher_whose_events_cannot_be_read_is_told_apart_from_a_function_that_fails() -> None:
    hall = Hall()
    await hall.minutes(CALM._replace(quarantined=60))
    assert hall.told == [("line_failures", "gps quarantine", "open", 0.1)]
    await hall.minutes(CALM)
    assert [one[2] for one in hall.told] == ["closed"]


async def test_a_handful_of_messages_says_nothing_about_shares() -> None:
    hall = Hall()
    await hall.minutes(Traffic(60, 0, 0, 5, 5, 5))
    assert hall.told == []


async def test_a_line_that_fell_quiet_while_failing_is_closed_once_nothing_waits() -> None:
    hall = Hall()
    await hall.minutes(CALM._replace(failed=600), Traffic(60, 40, 5, 0, 0, 0))
    assert [one[2] for one in hall.told] == ["open"]
    await hall.minutes(Traffic(60, 0, 0, 0, 0, 0))
    assert [one[2] for one in hall.told] == ["closed"]


async def test_a_crash_between_write_and_publish_tells_the_same_alert_a_minute_later() -> None:
    hall = Hall()
    hall.bus.away = True
    with pytest.raises(Unavailable):
        await hall.minutes(behind(400))
    hall.bus.away = False
    await hall.minutes(behind(400))
    assert hall.told == [("line_backlog", "gps", "open", 400.0)]


async def test_what_is_closed_is_told_for_an_hour_and_then_forgotten() -> None:
    hall = Hall()
    await hall.minutes(behind(400), CALM)
    await hall.minutes(*[CALM] * 59)
    told = len(hall.bus.messages)
    await hall.minutes(*[CALM] * 10)
    assert len(hall.bus.messages) - told <= 2


async def test_history_keeps_three_hours_by_the_minute_and_a_week_by_the_hour() -> None:
    hall = Hall()
    await hall.minutes(*[CALM] * 400)
    assert len(hall.history["minutes"]) == MINUTES
    assert len(hall.history["hours"]) == 7
    assert hall.history["minutes"][-1]["per_s"] == 10.0
    hall.minute += 60 * 24 * 8
    for _ in range(HOURS + 5):
        hall.minute += 59
        await hall.minutes(CALM)
    assert len(hall.history["hours"]) == HOURS


async def test_calls_closer_than_a_minute_make_one_sample_a_minute() -> None:
    hall = Hall()
    for _ in range(24):
        hall.minute += 5 / 60
        await hall.supervisor.run()
    assert len(hall.history["minutes"]) == 3


async def test_the_number_of_workers_is_what_the_inspector_counted() -> None:
    hall = Hall()
    from functions.core.ports import Write

    await hall.store.write_one(Write("fleet/inspection", {"roster": {"gps": {"0": 4, "7": 3}}}))
    await hall.minutes(CALM)
    assert hall.history["minutes"][-1]["workers"] == 7
