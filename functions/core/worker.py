"""A worker: its contract, what it knows of its readings, and the document that holds both."""

from datetime import datetime
from typing import Any, Generic
from zlib import crc32

import msgspec

from functions.core.contract import Contract
from functions.core.episode import Alert
from functions.core.horizon import Past
from functions.core.line import Emission, Line, R, S
from functions.core.ports import Version, Write
from functions.errors import UnreadableMemory

MEMORY_VERSION = 1
SHARDS = 8
"""Contracts are looked up by (shard, expires_at): a single index on a time that only grows caps writes at 500/s."""

Spot = tuple[float, float, float]
"""Latitude, longitude, and how much older that position is than the moment it stands for, in seconds."""


class WorkerState(msgspec.Struct, Generic[S, R], frozen=True, array_like=True):
    """One vehicle on one line.

    `alerts` are the episodes people were told of that may still be revised, `offline` the silence its last contract
    ended with, until the vehicle is heard again. `places` are where alerts began, peaked and ended, by alert
    id (place.py). `unpublished` is what was decided but is not yet confirmed by Pub/Sub.
    """

    contract: Contract
    past: Past[S, R]
    alerts: list[Alert] = []
    offline: list[Alert] = []
    unpublished: list[Emission] = []
    places: dict[str, list[Spot | None]] = {}

    @property
    def head(self) -> S:
        """The line's state now."""
        return self.past.head

    @property
    def readings(self) -> int:
        return self.past.readings

    @property
    def watermark(self) -> datetime | None:
        return self.past.watermark


class WorkerCodec(Generic[S, R]):
    """Turns one line's workers into documents, and back."""

    def __init__(self, line: Line[S, R]) -> None:
        self._line = line
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

    def write(self, vehicle_id: str, worker: WorkerState[S, R], expects: Version | bool) -> Write:
        """The worker's whole document: the face people query, and the memory only this code reads."""
        contract, line = worker.contract, self._line
        fields = {
            "line": line.name,
            "vehicle_id": vehicle_id,
            "status": "ended" if contract.ended else "active",
            "hired_at": contract.hired_at,
            "expires_at": contract.expires_at,
            "seen_at": contract.seen_at,
            "forget_at": self._forget_at(worker),
            "shard": crc32(vehicle_id.encode()) % SHARDS,
            "owing": bool(worker.unpublished),
            "event_at": worker.watermark,
            "readings": worker.readings,
            **line.face(worker.head),
            "memory": self.pack(worker),
        }
        return Write(worker_path(vehicle_id, line.name), fields, expects)

    def _forget_at(self, worker: WorkerState[S, R]) -> datetime | None:
        forget_at = worker.contract.forget_at
        return forget_at and max(forget_at, worker.contract.expires_at + self._line.remembers(worker.head))


def worker_path(vehicle_id: str, line: str) -> str:
    """Where a worker's document stands."""
    return f"vehicles/{vehicle_id}/workers/{line}"
