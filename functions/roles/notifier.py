"""The notifier keeps one document per alert: the worker's snapshots in it converge, whatever order they come in.

Triggered by topic alerts. An older version of an episode never overwrites a newer one; what people do with an alert
stands in fields of its own, which this role does not touch.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from functions.core.line import Row
from functions.core.payload import elements
from functions.core.ports import Message, Store, Write
from functions.errors import Conflict, FleetlineError, Malformed, Unavailable

TRIES = 5

_log = logging.getLogger(__name__)


class Snapshot(msgspec.Struct, frozen=True):
    """An episode as its worker publishes it: whole, so that the newest version says everything."""

    alert_id: str
    version: int
    kind: str
    subject: str
    line: str
    vehicle_id: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    peak: float | None = None
    details: dict[str, Any] = {}


class Notifier:
    """Turns snapshots into `alerts/{alert_id}`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take(self, message: Message) -> None:
        """Returns when every snapshot of the message is in its document, or a newer one is."""
        newest: dict[str, Snapshot] = {}
        for snapshot in _snapshots(message):
            known = newest.get(snapshot.alert_id)
            if known is None or known.version < snapshot.version:
                newest[snapshot.alert_id] = snapshot
        waiting = list(newest.values())
        for _ in range(TRIES):
            if not waiting:
                return
            waiting = await self._record(waiting)
        raise Unavailable(f"{len(waiting)} alerts were written by others {TRIES} times over")

    async def _record(self, snapshots: Sequence[Snapshot]) -> list[Snapshot]:
        """Write those that are news; returns those that somebody else wrote meanwhile."""
        paths = {f"alerts/{snapshot.alert_id}": snapshot for snapshot in snapshots}
        there = await self._store.get(list(paths), only=["version"])
        writes = []
        for path, snapshot in paths.items():
            document = there.get(path)
            if document is None or document.fields["version"] < snapshot.version:
                fields: Row = msgspec.structs.asdict(snapshot)
                writes.append(Write(path, fields, document.version if document else False, only=list(fields)))
        if not writes:
            return []
        again: list[Snapshot] = []
        for write, result in zip(writes, await self._store.write(writes), strict=True):
            if isinstance(result, Conflict):
                again.append(paths[write.path])
            elif isinstance(result, FleetlineError):
                raise result
        return again


def _snapshots(message: Message) -> Iterator[Snapshot]:
    """What cannot be read is logged and left: alerts are made by this plant, so it is a fault to be mended here."""
    try:
        payload = elements(message.data)
    except Malformed as error:
        _log.error("no alerts: %s", error, extra={"message_id": message.message_id})
        return
    for position, element in payload:
        try:
            yield msgspec.convert(element, Snapshot)
        except msgspec.ValidationError as error:
            where = {"message_id": message.message_id, "position": position}
            _log.error("no alert: %s", error, extra=where)
