"""The notifier keeps one document per alert and tells people: who, when and through what is escalation.py's decision.

Triggered by topic alerts, and every minute (entry point watchman) for what only time brings: escalation, the end of a
snooze or of quiet hours, digests, deliveries that failed. Before a letter leaves, its receipt is claimed in the
document: whoever else comes by leaves it alone, and only a crash between a channel's yes and the receipt sends twice.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, Protocol

import msgspec

from functions.core.alert import AlertRecord, Receipt, Snapshot, alert_path, read, recorded
from functions.core.contact import AddressBook, Contact, People
from functions.core.escalation import DIGEST, Plan, Policy, decide, due_at, settled
from functions.core.letter import Letter, digest_letter, letter
from functions.core.payload import elements
from functions.core.ports import Clock, Document, Message, Profiles, Store, Write
from functions.core.revision import Change, revise
from functions.core.row import Row
from functions.errors import Malformed

PAGE = 400
"""Alerts looked at together; what of them goes into a digest makes one letter per contact."""
BUDGET = timedelta(seconds=45)
"""A round ends after this; what is left waits for the next minute."""
STORM_SEEN_S = 2.0
"""How long one look at whether there is a storm is good for."""

_log = logging.getLogger(__name__)


class Channels(Protocol):
    """What takes letters; see adapters/channels.py."""

    async def send(self, url: str, letter: Letter) -> str | None: ...


class Told(NamedTuple):
    """One claimed receipt, its alert, and whom it is for."""

    alert: AlertRecord
    receipt: Receipt
    contact: Contact


class Notifier:
    """Turns snapshots into `alerts/{alert_id}`, and those into letters."""

    def __init__(
        self,
        store: Store,
        profiles: Profiles,
        book: AddressBook,
        channels: Channels,
        now: Clock,
        policy: Policy | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._profiles = profiles
        self._book = book
        self._channels = channels
        self._now = now
        self._policy = policy or Policy()
        self._pause = pause
        self._storm: tuple[datetime, bool] | None = None

    async def take(self, message: Message) -> list[AlertRecord]:
        """Record every snapshot of a message, wait for them to settle, and tell who is to be told at once.

        Returns the alerts as they stand now. Once it is recorded nothing is lost: the next round finds what is due.
        """
        newest: dict[str, Snapshot] = {}
        for snapshot in _snapshots(message):
            known = newest.get(snapshot.alert_id)
            if known is None or known.version < snapshot.version:
                newest[snapshot.alert_id] = snapshot
        if not newest:
            return []
        paths = {alert_path(alert_id): snapshot for alert_id, snapshot in newest.items()}
        now = self._now()
        changes: dict[str, Change] = {
            path: partial(recorded, snapshot, message.published_at, now) for path, snapshot in paths.items()
        }
        written = await revise(self._store, changes)
        if any("due_at" in fields for fields in written.values()):
            await self._pause(self._policy.settle_s)
        documents = await self._store.get(list(paths))
        due = [one for one in documents.values() if one.fields.get("due_at") is not None]
        await self._tell(due)
        return list(_readable(documents.values()).values())

    async def run(self) -> dict[str, Any]:
        """One round over all alerts that are due. The number of alerts looked at, and of letters sent and failed."""
        started = self._now()
        totals = {"alerts": 0, "sent": 0, "failed": 0}
        while self._now() - started < BUDGET:
            due = await self._store.query("alerts", [("due_at", "<=", started)], order_by=["due_at"], limit=PAGE)
            sent, failed = await self._tell(due)
            totals = {
                "alerts": totals["alerts"] + len(due),
                "sent": totals["sent"] + sent,
                "failed": totals["failed"] + failed,
            }
            if len(due) < PAGE:
                break
        if totals["alerts"]:
            _log.info("told", extra=totals)
        return totals

    async def _tell(self, documents: Sequence[Document]) -> tuple[int, int]:
        """Decide, claim, send, keep the receipts. Letters sent, and failed."""
        if not documents:
            return 0, 0
        claimed = await self._claimed(documents)
        pages = [one for one in claimed if one.receipt.way != DIGEST]
        digests: dict[str, list[Told]] = {}
        for one in claimed:
            if one.receipt.way == DIGEST:
                digests.setdefault(one.contact.name, []).append(one)
        now = self._now()
        letters = [(letter(one.alert, one.receipt.what, one.contact.name, now), [one]) for one in pages]
        for name, told in digests.items():
            letters.append((digest_letter([(one.alert, one.receipt.what) for one in told], name, now), told))
        failures = await asyncio.gather(*(self._sent(text, told[0].contact) for text, told in letters))
        outcomes = [(one, failure) for (_, told), failure in zip(letters, failures, strict=True) for one in told]
        await self._keep(outcomes)
        failed = sum(failure is not None for failure in failures)
        return len(letters) - failed, failed

    async def _claimed(self, documents: Sequence[Document]) -> list[Told]:
        """The receipts that are due and that nobody else has claimed or changed meanwhile."""
        now = self._now()
        alerts = _readable(documents)
        people = await self._people(alerts.values())
        plans: dict[str, Plan] = {}
        storm = await self._is_storm(now)
        writes = []
        for document in documents:
            alert = alerts.get(document.path)
            if alert is None:
                continue
            plan = decide(alert, people[alert.vehicle_id], self._policy, now, storm)
            plans[document.path] = plan
            if plan.receipts != alert.receipts or plan.due_at != alert.due_at:
                fields = _fields(plan.receipts, plan.due_at)
                writes.append(Write(document.path, fields, document.version, only=list(fields)))
        results = await self._store.write(writes) if writes else []
        ours = {write.path for write, result in zip(writes, results, strict=True) if not isinstance(result, Exception)}
        return [
            Told(alerts[path], receipt, contact)
            for path, plan in plans.items()
            if path in ours
            for receipt in plan.due
            if (contact := people[alerts[path].vehicle_id].named(receipt.contact)) is not None
        ]

    async def _sent(self, text: Letter, contact: Contact) -> str | None:
        failure = await self._channels.send(contact.url, text)
        if failure is not None:
            _log.warning("a letter was not taken: %s", failure, extra={"contact": contact.name, "letter": text.key})
        return failure

    async def _keep(self, outcomes: Iterable[tuple[Told, str | None]]) -> None:
        by_path: dict[str, list[tuple[Receipt, str | None]]] = {}
        for told, failure in outcomes:
            by_path.setdefault(alert_path(told.alert.alert_id), []).append((told.receipt, failure))
        now = self._now()
        changes: dict[str, Change] = {path: partial(self._kept, own, now) for path, own in by_path.items()}
        if changes:
            await revise(self._store, changes)

    def _kept(self, outcomes: Sequence[tuple[Receipt, str | None]], now: datetime, there: Row | None) -> Row | None:
        """What became of the letters, among whatever else happened to the alert meanwhile."""
        if there is None:
            return None
        alert = read(there)
        after = {
            (receipt.what, receipt.contact): settled(receipt, failure, self._policy, now)
            for receipt, failure in outcomes
        }
        receipts = [after.get((one.what, one.contact), one) for one in alert.receipts]
        return _fields(receipts, _earliest(due_at(alert, receipts, self._policy), alert.due_at, now))

    async def _people(self, alerts: Iterable[AlertRecord]) -> dict[str, People]:
        """Who hears of each vehicle; an alert of a line has no vehicle and goes to the default contacts."""
        vehicles = {alert.vehicle_id for alert in alerts}
        known = await self._profiles.of([vehicle_id for vehicle_id in vehicles if vehicle_id])
        found = {"": self._book.people([], None, None)}
        for vehicle_id, one in known.items():
            profile = one.profile
            found[vehicle_id] = self._book.people(profile.contacts, profile.quiet_hours, profile.timezone)
        return found

    async def _is_storm(self, now: datetime) -> bool:
        """Whether more alerts were recorded of late than people can read one by one."""
        if self._storm is None or (now - self._storm[0]).total_seconds() >= STORM_SEEN_S:
            since, most = now - timedelta(seconds=self._policy.storm_s), self._policy.storm_alerts
            recent = await self._store.query(
                "alerts", [("recorded_at", ">", since)], order_by=["recorded_at"], limit=most + 1, only=["status"]
            )
            self._storm = now, len(recent) > most
        return self._storm[1]


def _readable(documents: Iterable[Document]) -> dict[str, AlertRecord]:
    """Alerts by path. One that somebody has broken by hand is left alone, and keeps no other waiting."""
    found = {}
    for document in documents:
        try:
            found[document.path] = read(document.fields)
        except msgspec.ValidationError as error:
            _log.error("alert cannot be read: %s", error, extra={"path": document.path})
    return found


def _fields(receipts: Sequence[Receipt], due: datetime | None) -> Row:
    return {"receipts": [msgspec.structs.asdict(one) for one in receipts], "due_at": due}


def _earliest(due: datetime | None, asked: datetime | None, now: datetime) -> datetime | None:
    """A look that somebody asked for while a letter was under way (asked <= now) still has to happen."""
    if asked is not None and asked <= now:
        return asked
    return due


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
