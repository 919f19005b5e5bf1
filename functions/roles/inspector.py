"""The inspector looks at a slice of the roster each run: workers silent or stuck, clocks ahead, stale episodes.

Scheduled every minute; eight slices, so the whole roster in eight minutes. Its findings are alerts with derived ids.
In a worker's document it writes `status: silent` and nothing else, and only if nobody has written since it looked: the
next event makes the director load the document again and write it whole, active.
"""

import logging
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from functions.core.alert import AlertRecord, alert_path, read
from functions.core.episode import Episode
from functions.core.finding import FACE, KINDS, SILENT, STALE, findings, is_stale, opened, over
from functions.core.ports import Backlog, Bus, Clock, Document, Profiles, Store, Write
from functions.core.product import as_messages
from functions.core.row import Emission, Row
from functions.core.worker import SHARDS, worker_path

BEHIND_S = 60.0
"""Nobody is silent on a line whose oldest unanswered message may be older than this."""
PAGE = 300
"""Workers whose profiles are looked up together, and old episodes looked at in a run."""
MOST_FINDINGS = 1_000
STALE_AFTER = timedelta(hours=1)
STATE = "fleet/inspection"
"""Where the next run goes on: `shard`, and `stale_after`, the publish time up to which old episodes were looked at; and
`roster`, the workers of each line by slice, as they were last counted."""

Found = dict[tuple[str, str, str], tuple[Episode, Row]]
"""(kind, line, vehicle) → what is wrong, and the worker's face."""

_log = logging.getLogger(__name__)


class Inspector:
    """One round over one slice."""

    def __init__(
        self, lines: Iterable[str], store: Store, bus: Bus, profiles: Profiles, backlog: Backlog, now: Clock
    ) -> None:
        self._lines = list(lines)
        self._store = store
        self._bus = bus
        self._profiles = profiles
        self._backlog = backlog
        self._now = now

    async def run(self) -> dict[str, Any]:
        """The slice looked at, its workers, and findings that began and ended."""
        now = self._now()
        state = (await self._store.get([STATE])).get(STATE)
        shard = int(state.fields.get("shard", 0)) % SHARDS if state else 0
        stale_after = state.fields.get("stale_after") if state else None
        open_alerts = [alert for alert in await self._open_findings() if _in_slice(alert, shard)]
        known = {(alert.kind, alert.line, alert.vehicle_id) for alert in open_alerts if alert.kind != STALE}
        found, counts = await self._found(shard, now)
        stale, stale_after = await self._stale(stale_after, now, {one.subject for one in open_alerts})
        begun = [opened(episode, line, vehicle, now) for (_, line, vehicle), (episode, _) in found.items()
                 if (episode.kind, line, vehicle) not in known]  # fmt: skip
        begun += [opened(episode, alert.line, alert.vehicle_id, now) for episode, alert in stale]
        ended = await self._ended(open_alerts, found, counts)
        await self._publish([*begun, *ended])
        roster = state.fields.get("roster", {}) if state else {}
        for line, count in counts.items():
            roster[line] = {**roster.get(line, {}), str(shard): count}
        fields = {"shard": (shard + 1) % SHARDS, "stale_after": stale_after, "roster": roster}
        await self._store.write_one(Write(STATE, fields, only=list(fields)))
        summary = {"slice": shard, "workers": sum(counts.values()), "begun": len(begun), "ended": len(ended)}
        if begun or ended:
            _log.info("findings", extra=summary)
        return summary

    async def _open_findings(self) -> list[AlertRecord]:
        documents = await self._store.query(
            "alerts", [("status", "==", "open"), ("kind", "in", list(KINDS))], limit=MOST_FINDINGS
        )
        return [read(document.fields) for document in documents]

    async def _found(self, shard: int, now: datetime) -> tuple[Found, dict[str, int]]:
        """Findings in a slice of every line that keeps up, and how many workers each of those lines has in it."""
        found: Found = {}
        counts: dict[str, int] = {}
        for line in self._lines:
            unanswered_s = await self._backlog.unanswered_s(line)
            if unanswered_s > BEHIND_S:
                continue
            until = now - timedelta(seconds=unanswered_s)
            where = [("line", "==", line), ("status", "in", ["active", "silent"]), ("shard", "==", shard)]
            workers = await self._store.query("workers", where, only=FACE, everywhere=True)
            for start in range(0, len(workers), PAGE):
                await self._look(workers[start : start + PAGE], until, found)
            counts[line] = len(workers)
        return found, counts

    async def _look(self, page: Sequence[Document], until: datetime, found: Found) -> None:
        known = await self._profiles.of([document.fields["vehicle_id"] for document in page])
        newly_silent = []
        for document in page:
            face = document.fields
            for episode in findings(face, known[face["vehicle_id"]].profile, until):
                found[episode.kind, face["line"], face["vehicle_id"]] = episode, face
                if episode.kind == SILENT and face["status"] == "active":
                    newly_silent.append(Write(document.path, {"status": "silent"}, document.version, only=["status"]))
        if newly_silent:
            await self._store.write(newly_silent)  # a conflict means that it was heard of just now

    async def _stale(
        self, after: datetime | None, now: datetime, known: set[str]
    ) -> tuple[list[tuple[Episode, AlertRecord]], datetime | None]:
        """Open episodes without news for long whose worker is gone; and how far the list of those was read."""
        where: list[tuple[str, str, Any]] = [("status", "==", "open"), ("published_at", "<=", now - STALE_AFTER)]
        page = await self._store.query(
            "alerts", where, order_by=["published_at"], limit=PAGE, after=[after] if after else []
        )
        alerts = [read(document.fields) for document in page]
        workers = await self._workers(alerts)
        stale = [
            (
                Episode(STALE, alert.alert_id, alert.published_at or alert.started_at, details={"kind": alert.kind}),
                alert,
            )
            for alert in alerts
            if alert.alert_id not in known
            and alert.handling.closed_at is None
            and is_stale(alert, workers.get(worker_path(alert.vehicle_id, alert.line)))
        ]
        return stale, alerts[-1].published_at if len(alerts) == PAGE else None

    async def _ended(self, alerts: Sequence[AlertRecord], found: Found, lines: Container[str]) -> list[Emission]:
        """What was found before and is not so any more."""
        gone = [one for one in alerts if one.kind != STALE and one.line in lines]
        gone = [one for one in gone if (one.kind, one.line, one.vehicle_id) not in found]
        workers = await self._workers(gone)
        ended = []
        for alert in gone:
            worker = workers.get(worker_path(alert.vehicle_id, alert.line))
            ended.append(over(alert, self._now() if worker is None else _end_of(worker)))
        marked = [alert for alert in alerts if alert.kind == STALE]
        targets = await self._store.get([alert_path(alert.subject) for alert in marked]) if marked else {}
        for alert in marked:
            target = targets.get(alert_path(alert.subject))
            if target is None or not read(target.fields).live:
                ended.append(over(alert, self._now()))
        return ended

    async def _workers(self, alerts: Iterable[AlertRecord]) -> Mapping[str, Row]:
        paths = {worker_path(alert.vehicle_id, alert.line) for alert in alerts if alert.vehicle_id}
        documents = await self._store.get(sorted(paths), only=FACE) if paths else {}
        return {path: document.fields for path, document in documents.items()}

    async def _publish(self, emissions: Sequence[Emission]) -> None:
        for topic, messages in as_messages(emissions).items():
            await self._bus.publish(topic, messages)


def _in_slice(alert: AlertRecord, shard: int) -> bool:
    return crc32(alert.vehicle_id.encode()) % SHARDS == shard


def _end_of(worker: Row) -> datetime:
    """When a finding was over: with the reading that was heard since, or with the contract."""
    end: datetime = worker["expires_at"] if worker["status"] == "ended" else worker["seen_at"]
    return end
