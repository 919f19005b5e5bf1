"""Replay adds no disorder: file order per vehicle, and a bounded window of unanswered readings."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.commands import replay
from emulator.commands.replay import MOST_OF_A_VEHICLE, Replay
from emulator.event_files import FileEvent
from emulator.unanswered import Unanswered


class Answering:
    """A plant whose functions answer some of what is unanswered, in any order, whenever something is published."""

    def __init__(self, unanswered: Unanswered, seed: int) -> None:
        self.published: list[bytes] = []
        self.widest: Counter[str] = Counter()
        self.logs = "logs"
        self._unanswered = unanswered
        self._chance = Random(seed)
        self._open: list[str] = []
        self._numbers: dict[str, list[int]] = defaultdict(list)

    async def publish(self, _line: str, *payloads: bytes) -> list[str]:
        ids = [str(len(self.published) + number) for number in range(len(payloads))]
        self.published += payloads
        self._open += ids
        for payload in payloads:
            vehicle, number = payload.decode().split("/")
            self._numbers[vehicle].append(int(number))
            self.widest[vehicle] = max(self.widest[vehicle], int(number) - min(self._numbers[vehicle]) + 1)
        self._chance.shuffle(self._open)
        for message_id in self._open[len(self._open) // 2 :]:  # some answers come before publish has returned
            self._answer(message_id)
        return ids

    def check(self) -> None:
        """Called while the replay waits: answer one more."""

    def _answer(self, message_id: str) -> None:
        self._open.remove(message_id)
        vehicle, number = self.published[int(message_id)].decode().split("/")
        self._numbers[vehicle].remove(int(number))
        self._unanswered.answered(message_id)

    def answer_all(self) -> None:
        for message_id in list(self._open):
            self._answer(message_id)


def events(vehicles: int, each: int) -> list[FileEvent]:
    return [FileEvent("gps", b"%d/%d" % (v, n), str(v), float(n)) for n in range(each) for v in range(vehicles)]


async def replayed(what: Iterable[FileEvent], seed: int = 1) -> Answering:
    unanswered = Unanswered()
    plant = Answering(unanswered, seed)
    waits = unanswered.until_changed

    async def until_changed(limit_s: float) -> bool:
        plant.answer_all()
        return await waits(limit_s) if not unanswered.freed else True

    unanswered.until_changed = until_changed  # type: ignore[method-assign]
    stage: Any = SimpleNamespace(plant=plant, unanswered=unanswered, terminal=SimpleNamespace(say=lambda _: None))
    await Replay(stage, iter(what), None).run()
    return plant


@pytest.mark.parametrize("seed", range(5))
async def test_each_vehicle_leaves_in_file_order_within_its_window(seed: int) -> None:
    plant = await replayed(events(vehicles=7, each=300), seed)
    for vehicle in range(7):
        mine = [int(payload.split(b"/")[1]) for payload in plant.published if payload.startswith(b"%d/" % vehicle)]
        assert mine == list(range(300))
    assert max(plant.widest.values()) <= MOST_OF_A_VEHICLE


async def test_a_vehicle_that_waits_does_not_hold_up_the_others() -> None:
    hot = [FileEvent("gps", b"0/%d" % n, "0", None) for n in range(200)]
    other = [FileEvent("gps", b"1/0", "1", None)]
    plant = await replayed([*hot, *other])
    assert plant.published.index(b"1/0") == MOST_OF_A_VEHICLE
    assert len(plant.published) == 201


async def test_more_events_than_may_stand_in_memory_all_leave() -> None:
    plant = await replayed(events(vehicles=50, each=replay.READ_AHEAD // 50 + 20))
    assert len(plant.published) == 50 * (replay.READ_AHEAD // 50 + 20)


def test_shuffling_is_seeded_and_bounded() -> None:
    given = events(vehicles=3, each=100)
    once = replay._shuffled(given, 10.0, Random(4))
    assert once == replay._shuffled(given, 10.0, Random(4))
    assert once != given
    assert sorted(once) == sorted(given)
    newest = 0.0
    for event in once:
        assert event.event_at is not None
        newest = max(newest, event.event_at)
        assert newest - event.event_at < 10.0


def test_the_window_counts_from_the_oldest_unanswered() -> None:
    unanswered = Unanswered()
    messages = [unanswered.leaving("bus-7") for _ in range(5)]
    unanswered.published(["a", "b", "c", "d", "e"], messages)
    for message_id in ("b", "c", "d"):
        unanswered.answered(message_id)
    assert unanswered.span("bus-7") == 5
    unanswered.answered("a")
    assert unanswered.span("bus-7") == 1
    assert len(unanswered) == 1


def test_an_answer_may_come_before_the_confirmation() -> None:
    unanswered = Unanswered()
    message = unanswered.leaving("bus-7")
    unanswered.answered("a")
    unanswered.published(["a"], [message])
    assert len(unanswered) == 0
    assert unanswered.span("bus-7") == 0
