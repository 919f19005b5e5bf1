"""The dispatcher carries commands: orders what alerts ask for, once each, and follows every order to its outcome.

Called with the alerts the notifier has recorded, triggered by topic replies (what vehicles and workshops answer), and
every minute for orders that could not be announced.
"""

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import msgspec

from functions.core.alert import AlertRecord
from functions.core.command import (
    COMMANDS,
    REFUSED,
    Reply,
    announcement,
    asked_for,
    command_id,
    command_path,
    ordered,
    replied,
)
from functions.core.payload import elements
from functions.core.ports import Bus, Clock, Document, Message, Store, Write
from functions.core.revision import Change, revise
from functions.core.row import Row
from functions.errors import Malformed

PAGE = 100

_log = logging.getLogger(__name__)


class Dispatcher:
    """Keeps `commands/{id}`. `notify_within_s` is how old news may be to still send somebody somewhere."""

    def __init__(self, store: Store, bus: Bus, now: Clock, notify_within_s: float | None) -> None:
        self._store = store
        self._bus = bus
        self._now = now
        self._within_s = notify_within_s

    async def order(self, alerts: Iterable[AlertRecord]) -> None:
        """Make, end or recall the commands of these alerts. Old news orders nothing that was not ordered before."""
        asking = [alert for alert in alerts if asked_for(alert)]
        changes: dict[str, Change] = {
            command_path(command_id(alert.alert_id)): partial(self._ordered, alert) for alert in asking
        }
        await self._announce(await revise(self._store, changes))

    async def take(self, message: Message) -> None:
        """Note what vehicles and workshops answer; what cannot be read, or answers nothing, is logged and left."""
        for reply in _replies(message):
            path = command_path(reply.command_id)
            written = await revise(self._store, {path: partial(replied, reply, self._now())})
            if not written:
                _log.warning("no open command takes this reply", extra=msgspec.structs.asdict(reply))
            elif reply.state == REFUSED:
                _log.warning("a command was refused", extra=msgspec.structs.asdict(reply))

    async def run(self) -> dict[str, Any]:
        """Announce what somebody was stopped from announcing."""
        owing = await self._store.query(COMMANDS, [("owing", "==", True)], limit=PAGE)
        return {"announced": await self._publish(owing)}

    def _ordered(self, alert: AlertRecord, there: Row | None) -> Row | None:
        if there is None and self._within_s is not None and alert.age_s > self._within_s:
            return None
        fields = ordered(alert, self._now(), there)
        if fields is None:
            return None
        return {**fields, "owing": announcement({**(there or {}), **fields}) is not None}

    async def _announce(self, written: dict[str, Row]) -> None:
        paths = [path for path, fields in written.items() if fields["owing"]]
        if paths:
            await self._publish(list((await self._store.get(paths)).values()))

    async def _publish(self, documents: Sequence[Document]) -> int:
        """Publish first and note it afterwards: a crash in between announces the same thing under the same id again."""
        rows = {document.path: announcement(document.fields) for document in documents}
        messages = [msgspec.json.encode(row) for row in rows.values() if row is not None]
        if messages:
            await self._bus.publish(COMMANDS, messages)
        noted = []
        for document in documents:
            row = rows[document.path]
            fields: Row = {"owing": False, **({"announced": row["state"]} if row else {})}
            noted.append(Write(document.path, fields, document.version, only=list(fields)))
        if noted:
            await self._store.write(noted)
        return len(messages)


def _replies(message: Message) -> Iterable[Reply]:
    try:
        payload = elements(message.data)
    except Malformed as error:
        _log.error("no reply: %s", error, extra={"message_id": message.message_id})
        return
    for _, element in payload:
        try:
            yield msgspec.convert(element, Reply)
        except msgspec.ValidationError as error:
            _log.error("no reply: %s", error, extra={"message_id": message.message_id})
