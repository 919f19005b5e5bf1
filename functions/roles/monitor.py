"""The monitor watches the roster: it ends contracts that ran out, each once, and publishes what endings still owe.

Scheduled. It ends nothing that a message not yet answered could renew: a line that is behind is left alone.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from functions.core.employment import end
from functions.core.line import Line
from functions.core.place import placed
from functions.core.ports import Backlog, Bus, Clock, Document, Profiles, Store, Version
from functions.core.product import as_messages
from functions.core.profile import Profile
from functions.core.worker import SHARDS, WorkerCodec, WorkerState
from functions.errors import UnreadableMemory

BEHIND_S = 60.0
"""A line whose oldest unanswered message may be older than this is left alone."""
BUDGET = timedelta(seconds=50)
"""A run ends after this; what is left waits for the next."""
PAGE = 100
"""Workers read and written at once: full memories of a hundred stay under 4 MiB."""

Worker = tuple[str, WorkerState[Any, Any], Version]
"""A vehicle, its worker, and the version of its document."""

_log = logging.getLogger(__name__)


class Monitor:
    """One round over the contracts of all lines."""

    def __init__(
        self,
        lines: Iterable[Line[Any, Any]],
        store: Store,
        bus: Bus,
        profiles: Profiles,
        backlog: Backlog,
        now: Clock,
    ) -> None:
        self._rounds = [(line, WorkerCodec(line)) for line in lines]
        self._store = store
        self._bus = bus
        self._profiles = profiles
        self._backlog = backlog
        self._now = now

    async def run(self) -> dict[str, Any]:
        """Contracts ended by line, endings published for somebody else, lines left alone (seconds behind), seconds."""
        started = self._now()
        ended: dict[str, int] = {}
        owed: dict[str, int] = {}
        behind: dict[str, float] = {}
        for line, codec in self._rounds:
            unanswered_s = await self._backlog.unanswered_s(line.name)
            owed[line.name] = await self._settle(line, codec, started)
            if unanswered_s > BEHIND_S:
                behind[line.name] = unanswered_s
                _log.warning(
                    "line is %.0f s behind, its contracts are left alone", unanswered_s, extra={"line": line.name}
                )
                continue
            until = started - timedelta(seconds=unanswered_s)
            shards = (self._sweep(line, codec, shard, until, started) for shard in range(SHARDS))
            ended[line.name] = sum(await asyncio.gather(*shards))
        seconds = (self._now() - started).total_seconds()
        summary = {"ended": ended, "owed": owed, "behind": behind, "seconds": seconds}
        if any(ended.values()) or any(owed.values()):
            _log.info("contracts ended", extra=summary)
        return summary

    async def _sweep(
        self, line: Line[Any, Any], codec: WorkerCodec[Any, Any], shard: int, until: datetime, started: datetime
    ) -> int:
        """End the contracts of one shard that ran out until then; the number of them."""
        due = [
            ("line", "==", line.name),
            ("status", "in", ["active", "silent"]),
            ("shard", "==", shard),
            ("expires_at", "<=", until),
        ]
        count = 0
        while self._now() - started < BUDGET:
            page = await self._store.query(
                "workers", due, order_by=["expires_at"], limit=PAGE, only=["vehicle_id", "memory"], everywhere=True
            )
            expired = [worker for worker in _unpacked(codec, page) if worker[1].contract.expires_at <= until]
            known = await self._profiles.of([vehicle_id for vehicle_id, _, _ in expired])
            found = [
                (vehicle_id, _ended(line, vehicle_id, worker, known[vehicle_id].profile), version)
                for vehicle_id, worker, version in expired
            ]
            written = await self._write(codec, found)
            await self._publish_and_strike(codec, written)
            count += len(written)
            if len(page) < PAGE or not written:
                break
        return count

    async def _settle(self, line: Line[Any, Any], codec: WorkerCodec[Any, Any], started: datetime) -> int:
        """Publish what ended workers owe because somebody was stopped between commit and publish."""
        owing = [("line", "==", line.name), ("status", "==", "ended"), ("owing", "==", True)]
        count = 0
        while self._now() - started < BUDGET:
            page = await self._store.query("workers", owing, limit=PAGE, only=["vehicle_id", "memory"], everywhere=True)
            struck = await self._publish_and_strike(codec, list(_unpacked(codec, page)))
            count += struck
            if len(page) < PAGE or not struck:
                break
        return count

    async def _write(self, codec: WorkerCodec[Any, Any], workers: Sequence[Worker]) -> list[Worker]:
        """Write workers that are still as they were read; those somebody else wrote first are left out."""
        if not workers:
            return []
        results = await self._store.write([codec.write(*worker) for worker in workers])
        return [
            (vehicle_id, worker, result)
            for (vehicle_id, worker, _), result in zip(workers, results, strict=True)
            if isinstance(result, Version)
        ]

    async def _publish_and_strike(self, codec: WorkerCodec[Any, Any], workers: Sequence[Worker]) -> int:
        """Publish what these workers owe and, once that is confirmed, strike it out; no next write would."""
        for topic, messages in as_messages(one for _, worker, _ in workers for one in worker.unpublished).items():
            await self._bus.publish(topic, messages)
        struck = [
            (vehicle_id, msgspec.structs.replace(worker, unpublished=[]), version)
            for vehicle_id, worker, version in workers
        ]
        return len(await self._write(codec, struck))


def _ended(
    line: Line[Any, Any], vehicle_id: str, worker: WorkerState[Any, Any], profile: Profile
) -> WorkerState[Any, Any]:
    """The end of a contract, which says where things began as far as the memory knows, and asks nobody."""
    return placed(worker, end(line, vehicle_id, worker, profile), line.placed, None)


def _unpacked(codec: WorkerCodec[Any, Any], page: Iterable[Document]) -> Iterable[Worker]:
    for document in page:
        vehicle_id = document.fields["vehicle_id"]
        try:
            yield vehicle_id, codec.unpack(document.fields["memory"]), document.version
        except UnreadableMemory:
            _log.exception("left alone", extra={"vehicle_id": vehicle_id})
