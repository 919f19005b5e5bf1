"""A worker's memory: its contract, its state now, and enough of the recent past to take late readings in order."""

from datetime import datetime
from typing import Any, Generic
from zlib import crc32

import msgspec

from functions.core.contract import Contract
from functions.core.line import Line, R, Row, S
from functions.errors import UnreadableMemory

MEMORY_VERSION = 1
SHARDS = 8
"""Contracts are looked up by (shard, expires_at): a single index on a time that only grows caps writes at 500/s."""


class WorkerState(msgspec.Struct, Generic[S, R], frozen=True, array_like=True):
    """One vehicle on one line.

    `settled` is the state after every reading that has left `recent`; `settled_count` is how many those are, and
    `settled_at`, `settled_key` the order of the last of them. `recent` holds the readings since then, in order, and
    `head` is `settled` with `recent` folded in. `unpublished` are products decided but not yet confirmed by Pub/Sub.
    """

    contract: Contract
    head: S
    settled: S
    settled_count: int
    settled_at: datetime | None
    settled_key: bytes
    recent: list[R]
    unpublished: list[Row]

    @property
    def readings(self) -> int:
        """How many distinct readings the state knows."""
        return self.settled_count + len(self.recent)

    @property
    def watermark(self) -> datetime | None:
        """The newest event time the state knows."""
        return self.recent[-1].event_at if self.recent else self.settled_at


class MemoryCodec(Generic[S, R]):
    """Packs one line's worker state into the bytes of its document, and back."""

    def __init__(self, line: Line[S, R]) -> None:
        state: Any = WorkerState[line.state_type, line.reading_type]  # type: ignore[name-defined]
        self._outer = msgspec.msgpack.Decoder(tuple[int, msgspec.Raw])
        self._inner = msgspec.msgpack.Decoder(state)
        self._encoder = msgspec.msgpack.Encoder()

    def pack(self, worker: WorkerState[S, R]) -> bytes:
        return self._encoder.encode((MEMORY_VERSION, worker))

    def unpack(self, memory: bytes) -> WorkerState[S, R]:
        """UnreadableMemory when a later release wrote it: that one must read it, this one must not reset it."""
        try:
            version, packed = self._outer.decode(memory)
            if version > MEMORY_VERSION:
                raise UnreadableMemory(f"memory of version {version}, this release reads up to {MEMORY_VERSION}")
            worker: WorkerState[S, R] = self._inner.decode(packed)
        except msgspec.MsgspecError as error:
            raise UnreadableMemory(f"memory cannot be decoded: {error}") from None
        return worker


def worker_path(vehicle_id: str, line: str) -> str:
    """Where a worker's document stands."""
    return f"vehicles/{vehicle_id}/workers/{line}"


def document(line: Line[S, R], vehicle_id: str, worker: WorkerState[S, R], memory: bytes) -> Row:
    """A worker's whole document: the face people query, and the memory only this code reads."""
    return {
        "line": line.name,
        "vehicle_id": vehicle_id,
        "status": "active",
        "hired_at": worker.contract.hired_at,
        "expires_at": worker.contract.expires_at,
        "seen_at": worker.contract.seen_at,
        "forget_at": None,
        "shard": crc32(vehicle_id.encode()) % SHARDS,
        "event_at": worker.watermark,
        "readings": worker.readings,
        **line.face(worker.head),
        "memory": memory,
    }
