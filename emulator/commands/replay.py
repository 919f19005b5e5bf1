"""`replay`: everything up, recorded events in the order of their files, a drain, a summary.

Adds no disorder of its own: one stream per subscription, and no reading of a vehicle leaves before the sixteenth before
it is answered. Each vehicle's events leave in file order; a vehicle that has to wait does not hold up the others.
"""

import argparse
import asyncio
import heapq
import json
import os
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from random import Random
from typing import NamedTuple

from emulator.errors import EmulatorError
from emulator.event_files import FileEvent, check, read
from emulator.plant import TELLING, Plant
from emulator.run import Stage, run
from emulator.terminal import Terminal
from emulator.unanswered import Leaving

MOST_OF_A_VEHICLE = 16
TELLERS, OF_ANY_AGE = ("notifier", "watchman", "dispatcher"), json.dumps({**TELLING, "notify_within_s": None})
"""People are told of what is replayed as if it were news: hours-old alerts would all wait for the digest."""
READ_AHEAD = 20_000
"""Events that may stand in memory while their vehicles wait."""
BATCH = 250
SAY_EVERY_S = 5.0
STALLED_S = 300


async def main(options: argparse.Namespace) -> int:
    terminal = Terminal(options.quiet)
    for path in options.files:
        check(path)
    plant = Plant(
        options.backend,
        instances=options.instances,
        exports=options.exports,
        profiles=options.profiles,
        environment={name: {"TELLING": os.environ.get("TELLING") or OF_ANY_AGE} for name in TELLERS},
        streams=1,
        say=terminal.say,
    )

    async def publish(stage: Stage) -> None:
        stage.terminal.say(f"replaying {', '.join(path.name for path in options.files)}")
        events = _events(options.files, options.line, options.repeat, options.shuffle, options.seed)
        await Replay(stage, events, options.speed).run()

    return await run(plant, publish, terminal, options.report, closes=True)


class Due(NamedTuple):
    """An event whose turn has come, and its number among those of its vehicle."""

    event: FileEvent
    message: Leaving


class Replay:
    """Publishes events as fast as `speed` (times real time; None = as fast as they are answered) and vehicles allow."""

    def __init__(self, stage: Stage, events: Iterator[FileEvent], speed: float | None) -> None:
        self._stage = stage
        self._events = events
        self._speed = speed
        self._waiting: dict[str, deque[tuple[int, FileEvent]]] = defaultdict(deque)
        self._ready: list[tuple[int, str]] = []
        self._read = 0
        self._published = 0
        self._first_at: float | None = None
        self._started_s = time.monotonic()

    async def run(self) -> None:
        said_s = time.monotonic()
        while True:
            self._read_on()
            batch = self._next_batch()
            if not batch and self._read == self._published:
                return
            if batch:
                await self._publish(batch)
            else:
                await self._until_answered()
            self._let_on()
            self._stage.plant.check()
            if time.monotonic() - said_s > SAY_EVERY_S:
                said_s = time.monotonic()
                self._stage.terminal.say(f"{self._published:,} published, {len(self._stage.unanswered):,} unanswered")

    async def _until_answered(self) -> None:
        """Every vehicle has as many readings out as it may: wait for answers."""
        for _ in range(STALLED_S):
            if await self._stage.unanswered.until_changed(1.0):
                return
            self._stage.plant.check()
        raise EmulatorError(f"nothing was answered for {STALLED_S} s; logs in {self._stage.plant.logs}")

    def _read_on(self) -> None:
        """Fill the buffer; a vehicle that has nothing else waiting may go if it has room."""
        for event in islice(self._events, READ_AHEAD - (self._read - self._published)):
            queue = self._waiting[event.vehicle_id]
            queue.append((self._read, event))
            self._read += 1
            if len(queue) == 1 and self._has_room(event.vehicle_id):
                heapq.heappush(self._ready, (queue[0][0], event.vehicle_id))

    def _next_batch(self) -> list[Due]:
        """The next events in file order whose vehicles have room."""
        batch: list[Due] = []
        while self._ready and len(batch) < BATCH:
            _, vehicle_id = heapq.heappop(self._ready)
            queue = self._waiting[vehicle_id]
            batch.append(Due(queue.popleft()[1], self._stage.unanswered.leaving(vehicle_id)))
            if queue and self._has_room(vehicle_id):
                heapq.heappush(self._ready, (queue[0][0], vehicle_id))
        return batch

    def _let_on(self) -> None:
        """Vehicles whose readings were answered may send their next: those, that is, which had to wait."""
        freed, self._stage.unanswered.freed = self._stage.unanswered.freed, []
        queued = {vehicle_id for _, vehicle_id in self._ready}
        for vehicle_id in set(freed) - queued:
            queue = self._waiting[vehicle_id]
            if queue and self._has_room(vehicle_id):
                heapq.heappush(self._ready, (queue[0][0], vehicle_id))

    def _has_room(self, vehicle_id: str) -> bool:
        return self._stage.unanswered.span(vehicle_id) < MOST_OF_A_VEHICLE

    async def _publish(self, batch: Sequence[Due]) -> None:
        for group in [batch] if self._speed is None else [[due] for due in batch]:
            if self._speed is not None:
                await self._until_due(group[0].event)
            for line in dict.fromkeys(due.event.line for due in group):
                chosen = [due for due in group if due.event.line == line]
                message_ids = await self._stage.plant.publish(line, *(due.event.payload for due in chosen))
                self._stage.unanswered.published(message_ids, [due.message for due in chosen])
            self._published += len(group)

    async def _until_due(self, event: FileEvent) -> None:
        if event.event_at is None or self._speed is None:
            return
        if self._first_at is None:
            self._first_at = event.event_at
        due_s = self._started_s + (event.event_at - self._first_at) / self._speed
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))


def _events(files: Sequence[Path], line: str, repeat: int, shuffle_s: float, seed: int) -> Iterator[FileEvent]:
    """All files, `repeat` times over."""
    chance = Random(seed)
    for _ in range(repeat):
        events = chain.from_iterable(read(path, line) for path in files)
        yield from _shuffled(events, shuffle_s, chance) if shuffle_s else events


def _shuffled(events: Iterable[FileEvent], shuffle_s: float, chance: Random) -> list[FileEvent]:
    """By event time, each moved back by up to `shuffle_s`; what has no time of its own stays beside its neighbour."""
    last_s = 0.0
    moved = []
    for event in events:
        last_s = event.event_at if event.event_at is not None else last_s
        moved.append((last_s + chance.uniform(0, shuffle_s), event))
    return [event for _, event in sorted(moved, key=lambda pair: pair[0])]
