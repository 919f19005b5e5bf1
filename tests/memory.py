"""Our own ports in memory, with faults on demand: for orders of effects that no real backend can be made to show."""

import asyncio
import json
import operator
from collections.abc import Callable, Sequence
from typing import Any

from functions.core.ports import Document, Known, Version, Where, Write, WriteResult
from functions.core.profile import DEFAULTS, Profile
from functions.errors import Conflict, Unavailable

Fault = Callable[[Sequence[Write]], Exception | None]


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "<=": lambda value, bound: value is not None and value <= bound,
    "<": lambda value, bound: value is not None and value < bound,
    ">": lambda value, bound: value is not None and value > bound,
    "in": lambda value, among: value in among,
}


class MemoryStore:
    """Documents with versions and preconditions. `fault` may raise before a write; `lost_answer` after it was done."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.writes: list[list[str]] = []
        self.reads = 0
        self.fault: Fault = lambda _writes: None
        self.lost_answer = False
        self._clock = 0

    async def get(self, paths: Sequence[str], only: Sequence[str] | None = None) -> dict[str, Document]:
        await asyncio.sleep(0)
        self.reads += len(paths)
        found = {path: self.documents[path] for path in paths if path in self.documents}
        return {path: _part(document, only) for path, document in found.items()}

    async def query(
        self,
        collection: str,
        where: Sequence[Where] = (),
        order_by: Sequence[str] = (),
        limit: int | None = None,
        only: Sequence[str] | None = None,
        everywhere: bool = False,
        after: Sequence[Any] = (),
    ) -> list[Document]:
        """A collection, or all of that name; in ascending order of its fields or descending with "-"."""
        await asyncio.sleep(0)
        found = [
            document
            for path, document in self.documents.items()
            if (path.split("/")[-2] == collection if everywhere else path.rpartition("/")[0] == collection)
            and all(_OPERATORS[test](document.fields.get(name), value) for name, test, value in where)
        ]
        for field in reversed(order_by):
            found.sort(key=lambda document: _value(document, field.lstrip("-")), reverse=field.startswith("-"))
        if after:
            found = [
                document for document in found if tuple(_value(document, field) for field in order_by) > tuple(after)
            ]
        self.reads += max(1, len(found[:limit]))
        return [_part(document, only) for document in found[:limit]]

    async def write(self, writes: Sequence[Write]) -> list[WriteResult]:
        await asyncio.sleep(0)
        if fault := self.fault(writes):
            raise fault
        self.writes.append([write.path for write in writes])
        results = [self._write(write) for write in writes]
        await asyncio.sleep(0)
        if self.lost_answer:
            raise Unavailable("DEADLINE_EXCEEDED")
        return results

    async def write_one(self, write: Write) -> Version:
        result = (await self.write([write]))[0]
        if isinstance(result, Exception):
            raise result
        return result

    def _write(self, write: Write) -> WriteResult:
        there = self.documents.get(write.path)
        if isinstance(write.expects, bool) and write.expects != (there is not None):
            return Conflict("6: exists" if there else "5: missing")
        if isinstance(write.expects, Version) and (there is None or there.version != write.expects):
            return Conflict("9: stale")
        self._clock += 1
        version = Version(self._clock, 0)
        if write.fields is None:
            self.documents.pop(write.path, None)
        else:
            kept = there.fields if there and write.only is not None else {}
            self.documents[write.path] = Document(write.path, {**kept, **write.fields}, version)
        return version


class MemoryBus:
    """Topics that keep what was published; `away` makes every publish fail."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.away = False

    async def publish(self, topic: str, messages: Sequence[bytes]) -> list[str]:
        assert topic
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("UNAVAILABLE: no Pub/Sub")
        self.messages.extend(messages)
        return [str(number) for number in range(len(messages))]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row for message in self.messages for row in json.loads(message)]


class MemoryProfiles:
    """Profiles by vehicle; vehicles without one are registered."""

    def __init__(self, profiles: dict[str, Profile] | None = None) -> None:
        self.profiles = profiles or {}

    async def of(self, vehicle_ids: Sequence[str]) -> dict[str, Known]:
        return {vehicle_id: Known(self.profiles.get(vehicle_id, DEFAULTS), exists=True) for vehicle_id in vehicle_ids}


class MemoryBacklog:
    """How far behind each topic is said to be."""

    def __init__(self) -> None:
        self.behind_s: dict[str, float] = {}

    async def unanswered_s(self, topic: str) -> float:
        return self.behind_s.get(topic, 0.0)


def _value(document: Document, field: str) -> Any:
    return document.path if field == "__name__" else document.fields[field]


def _part(document: Document, only: Sequence[str] | None) -> Document:
    if only is None:
        return document
    return document._replace(fields={name: value for name, value in document.fields.items() if name in only})
