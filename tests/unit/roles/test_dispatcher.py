"""The dispatcher: each alert that asks for a command gets one order, announced once, followed to its outcome."""

import json
from itertools import permutations
from typing import Any

import pytest

from functions.core.alert import read as alert_of
from functions.core.alert import recorded
from functions.core.command import command_id
from functions.core.ports import Message
from functions.errors import Unavailable
from functions.roles.dispatcher import Dispatcher
from functions.roles.notifier import _snapshots
from tests.desk import at, snapshot
from tests.memory import MemoryBus, MemoryStore

ID = command_id("a1")


class Yard:
    """A dispatcher, and vehicles and workshops that answer it."""

    def __init__(self, notify_within_s: float | None = 3600.0) -> None:
        self.store, self.bus = MemoryStore(), MemoryBus()
        self.minute = 0.0
        self.dispatcher = Dispatcher(self.store, self.bus, lambda: at(self.minute), notify_within_s)

    async def hear(self, *snapshots: dict[str, Any]) -> None:
        found = list(_snapshots(Message("m", json.dumps(snapshots).encode(), at(self.minute))))
        fields = [recorded(one, at(self.minute), at(self.minute), None) for one in found]
        await self.dispatcher.order([alert_of(one) for one in fields if one])

    async def reply(self, state: str, command: str = ID, **fields: str) -> None:
        data = json.dumps({"command_id": command, "state": state, **fields}).encode()
        await self.dispatcher.take(Message("r", data, at(self.minute)))

    @property
    def command(self) -> dict[str, Any]:
        return self.store.documents[f"commands/{ID}"].fields

    @property
    def steps(self) -> list[tuple[str, str, str]]:
        return [(step["state"], step["by"], step["notes"]) for step in self.command["steps"]]

    @property
    def announced(self) -> list[tuple[str, str]]:
        return [(row["command"], row["state"]) for row in map(json.loads, self.bus.messages)]


def astray(version: int = 1, status: str = "open", **fields: Any) -> dict[str, Any]:
    return snapshot(version, status, kind="route_deviation", details={"command": "reroute"}, **fields)


def severe(inspection: str | None = None, version: int = 1, status: str = "open") -> dict[str, Any]:
    details = {"command": "inspect", "inspection": inspection, "severity": "severe"}
    return snapshot(version, status, kind="trouble_code", subject="P0301", details=details)


async def test_a_deviation_orders_one_reroute_however_often_it_is_told() -> None:
    yard = Yard()
    for version in (1, 2, 2, 1, 3):
        await yard.hear(astray(version))
    assert yard.announced == [("reroute", "ordered")]
    assert (yard.command["state"], yard.command["vehicle_id"], yard.command["alert_id"]) == ("ordered", "van-1", "a1")


async def test_a_reroute_is_done_when_the_vehicle_is_back_on_its_route() -> None:
    yard = Yard()
    await yard.hear(astray())
    await yard.reply("acknowledged", by="driver")
    await yard.hear(astray(2, "closed", ended=9))
    assert [state for state, *_ in yard.steps] == ["ordered", "acknowledged", "done"]
    assert yard.command["ended_at"] == at(9)
    assert yard.announced == [("reroute", "ordered")]


async def test_commands_end_the_same_in_whatever_order_messages_come() -> None:
    ends = []
    for order in permutations([astray(), astray(2), astray(3, "closed", ended=9)]):
        yard = Yard()
        for one in [*order, *order]:
            await yard.hear(one)
        ends.append((yard.command["state"], yard.command["ended_at"]))
    assert set(ends) == {("done", at(9))}


@pytest.mark.parametrize("result", ["passed", "failed"])
async def test_an_inspection_is_done_when_its_result_is_reported_although_the_code_is_still_there(result: str) -> None:
    yard = Yard()
    await yard.hear(severe())
    await yard.hear(severe(result, 2))
    assert yard.steps == [("ordered", "fleetline", ""), ("done", "maintenance", result)]


async def test_a_code_that_vanishes_without_an_inspection_leaves_the_order_standing() -> None:
    yard = Yard()
    await yard.hear(severe())
    await yard.hear(severe(None, 2, "closed") | {"ended_at": at(5).isoformat()})
    assert yard.command["state"] == "ordered"


async def test_who_refuses_is_heard_once_and_nothing_moves_a_command_that_is_over() -> None:
    yard = Yard()
    await yard.hear(severe())
    await yard.reply("refused", by="workshop", notes="no lift before Monday")
    await yard.reply("acknowledged", by="workshop")
    await yard.hear(severe("passed", 2))
    assert yard.steps == [("ordered", "fleetline", ""), ("refused", "workshop", "no lift before Monday")]


async def test_an_alert_that_is_withdrawn_recalls_its_command() -> None:
    yard = Yard()
    await yard.hear(astray())
    await yard.hear(astray(2, "withdrawn"))
    assert yard.announced == [("reroute", "ordered"), ("reroute", "recalled")]
    assert yard.command["state"] == "recalled"


async def test_an_alert_that_was_withdrawn_before_anybody_looked_orders_nothing() -> None:
    yard = Yard()
    await yard.hear(astray(2, "withdrawn"))
    assert not yard.store.documents


async def test_hours_old_news_sends_nobody_anywhere_and_a_replay_does() -> None:
    for within_s, orders in ((3600.0, 0), (None, 1)):
        yard = Yard(within_s)
        yard.minute = 360
        await yard.hear(astray())
        assert len(yard.announced) == orders


async def test_an_order_that_could_not_be_announced_is_by_the_next_round() -> None:
    yard = Yard()
    yard.bus.away = True
    with pytest.raises(Unavailable):
        await yard.hear(astray())
    yard.bus.away = False
    assert await yard.dispatcher.run() == {"announced": 1}
    assert await yard.dispatcher.run() == {"announced": 0}
    assert yard.announced == [("reroute", "ordered")]


async def test_replies_that_cannot_be_read_or_answer_nothing_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    yard = Yard()
    await yard.reply("acknowledged", "0" * 24)
    await yard.reply("perhaps")
    await yard.dispatcher.take(Message("r", b"{", at(0)))
    assert not yard.store.documents
    assert "no open command takes this reply" in caplog.text
    assert caplog.text.count("no reply:") == 2
