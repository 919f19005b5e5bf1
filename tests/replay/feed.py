"""A factory hall in one process: the real directors over documents and topics in memory, fed in a given order."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pandas as pd

from functions.core.ports import Message
from functions.core.product import KNOWN
from functions.core.profile import Profile
from functions.core.worker import WorkerCodec
from functions.lines import LINES
from functions.roles.director import Director
from functions.tally import Tally
from tests.memory import MemoryBus, MemoryProfiles, MemoryStore
from tests.replay.recorded import Event

PUBLISHED_FROM = datetime(2025, 1, 6, 8, tzinfo=UTC)
"""A replay publishes years in minutes: whatever the recordings say, their messages are all of one morning."""
BETWEEN_MESSAGES = timedelta(microseconds=100)


class Hall:
    """All lines, each with one director. With `heard_after` messages are published so long after their newest event,
    as they were when it happened; without, all in one morning."""

    def __init__(self, heard_after: timedelta | None = None, profiles: dict[str, Profile] | None = None) -> None:
        self._heard_after = heard_after
        self.store, self.bus, self.tally = MemoryStore(), MemoryBus(), Tally(lambda: 0.0)
        self._directors: dict[str, Director[Any, Any]] = {
            name: Director(line, self.store, self.bus, MemoryProfiles(profiles), self.tally)
            for name, line in LINES.items()
        }
        self._published = 0

    async def take(self, events: Sequence[Event], sizes: Iterable[int] | None = None) -> None:
        """Give all events to their directors, each vehicle's messages strictly one after another, in order.

        `sizes` are how many events (of one line) each message holds at most: one, unless told.
        """
        for messages in _rounds(self._messages(events, sizes)):
            await asyncio.gather(*(self._directors[line].take(message) for line, message, _ in messages))

    def faces(self, line: str) -> pd.DataFrame:
        """What people can query of this line's workers, by vehicle."""
        documents = (one.fields for path, one in self.store.documents.items() if path.endswith(f"/workers/{line}"))
        faces = pd.DataFrame([{name: value for name, value in one.items() if name != "memory"} for one in documents])
        return faces.set_index("vehicle_id").sort_index() if len(faces) else faces

    def states(self, line: str) -> dict[str, tuple[Any, int, Any]]:
        """Vehicle → (head state, readings, watermark), as its document holds them."""
        codec = WorkerCodec(LINES[line])
        found = {}
        for path, document in self.store.documents.items():
            if path.endswith(f"/workers/{line}"):
                worker = codec.unpack(document.fields["memory"])
                found[path.split("/")[1]] = (worker.head, worker.readings, worker.watermark)
        return found

    def rows(self, pclass: str) -> pd.DataFrame:
        """The rows of one class as the export would hold them: each product once, the version that is known first."""
        rows = pd.DataFrame([row for row in self.bus.rows if row.get("pclass") == pclass])
        if not len(rows):
            return rows
        assert rows["version"].max() <= KNOWN
        rows["event_at"] = pd.to_datetime(rows["event_at"], format="ISO8601", utc=True)
        return rows.sort_values("version", ascending=False, kind="stable").drop_duplicates("product_id")

    def _messages(
        self, events: Sequence[Event], sizes: Iterable[int] | None
    ) -> Iterator[tuple[str, Message, set[str]]]:
        """(line, message, vehicles in it): consecutive events of a line share a message while its size allows."""
        wanted = iter(sizes) if sizes is not None else None
        waiting: dict[str, tuple[int, list[Event]]] = {}
        for event in events:
            size, held = waiting.setdefault(event["line"], (next(wanted) if wanted else 1, []))
            held.append({name: value for name, value in event.items() if name != "line"})
            if len(held) >= size:
                yield self._message(event["line"], waiting.pop(event["line"])[1])
        for line, (_, held) in waiting.items():
            yield self._message(line, held)

    def _message(self, line: str, held: list[Event]) -> tuple[str, Message, set[str]]:
        self._published += 1
        payload = json.dumps(held[0] if len(held) == 1 else held).encode()
        published_at = PUBLISHED_FROM + self._published * BETWEEN_MESSAGES
        if self._heard_after is not None:
            published_at = max(datetime.fromisoformat(event["event_time"]) for event in held) + self._heard_after
        return line, Message(str(self._published), payload, published_at), {str(one["vehicle_id"]) for one in held}


def shuffled(events: Sequence[Event], window_s: float, seed: int) -> list[Event]:
    """Events that arrive up to this much later than they should, so that those of one window overtake one another."""
    random = Random(seed)
    at = event_times(events)
    arrives = [one + timedelta(seconds=random.uniform(0, window_s)) for one in at]
    return [events[place] for place in sorted(range(len(events)), key=arrives.__getitem__)]


def in_time_order(events: Sequence[Event]) -> list[Event]:
    """Events by their time; those without one that can be read go first."""
    at = event_times(events)
    return [events[place] for place in sorted(range(len(events)), key=at.__getitem__)]


def event_times(events: Sequence[Event]) -> list[pd.Timestamp]:
    """Each event's time, read without the product's help; what is no time counts as long ago."""
    times = pd.Series([event["event_time"] for event in events], dtype=object)
    texts = times.map(lambda one: isinstance(one, str))
    read = pd.Series(pd.NaT, index=times.index, dtype="datetime64[us, UTC]")
    read[texts] = pd.to_datetime(times[texts], format="ISO8601", utc=True, errors="coerce").dt.as_unit("us")
    numbers = times[~texts].astype(float)
    read[~texts] = pd.to_datetime((numbers * 1e6).round().astype("int64"), unit="us", utc=True)
    return list(read.fillna(pd.Timestamp(0, tz=UTC)))


def _rounds(
    messages: Iterable[tuple[str, Message, set[str]]],
) -> list[list[tuple[str, Message, set[str]]]]:
    """Messages that may be under way at once: none holds a vehicle of another, and each vehicle's keep their order."""
    rounds: defaultdict[int, list[tuple[str, Message, set[str]]]] = defaultdict(list)
    last: dict[tuple[str, str], int] = {}
    for line, message, vehicle_ids in messages:
        number = 1 + max(last.get((line, vehicle_id), -1) for vehicle_id in vehicle_ids)
        rounds[number].append((line, message, vehicle_ids))
        last.update(dict.fromkeys(((line, vehicle_id) for vehicle_id in vehicle_ids), number))
    return [rounds[number] for number in sorted(rounds)]
