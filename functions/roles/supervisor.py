"""The supervisor watches all lines: backlog, oldest unanswered message, failures, quarantine, each with a limit.

Scheduled every minute. What is over its limit is an alert of the line; how every line fared is kept in `history/{line}`
for a dashboard to draw, bounded, beside the number of workers the inspector counted.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from functions.core.episode import ALERTS, Alert, snapshot, told
from functions.core.ports import Bus, Clock, Document, Store, Write
from functions.core.product import as_messages
from functions.core.row import Emission
from functions.core.traffic import Traffic, judged, remembered, sample

ROSTER = "fleet/inspection"
TOLD_FOR = timedelta(hours=1)
"""For so long a closed episode is told again every run, so that no crash between write and publish loses it."""

_encode = msgspec.msgpack.encode
_decoder = msgspec.msgpack.Decoder(list[Alert])
_log = logging.getLogger(__name__)


class Counter(Protocol):
    """Who knows what flows on a line; see adapters/backlog.py."""

    async def traffic(self, topic: str) -> Traffic: ...


class Supervisor:
    """One round over all lines."""

    def __init__(self, lines: Iterable[str], store: Store, bus: Bus, counter: Counter, now: Clock) -> None:
        self._lines = list(lines)
        self._store = store
        self._bus = bus
        self._counter = counter
        self._now = now

    async def run(self) -> dict[str, Any]:
        """What was seen of every line, and how many of its episodes are open."""
        documents = await self._store.get([ROSTER, *(_path(line) for line in self._lines)])
        roster = documents[ROSTER].fields.get("roster", {}) if ROSTER in documents else {}
        seen: dict[str, Any] = {}
        for line in self._lines:
            traffic = await self._counter.traffic(line)
            workers = sum(roster.get(line, {}).values())
            alerts = await self._keep(line, documents.get(_path(line)), traffic, workers)
            if alerts:
                now = self._now()
                await self._publish([(ALERTS, snapshot(alert, line, "", now)) for alert in alerts])
            open_kinds = [alert.episode.kind for alert in alerts if alert.episode.ended_at is None]
            seen[line] = {**traffic._asdict(), "workers": workers, "open": open_kinds}
            if open_kinds:
                _log.warning("line is over its limits", extra={"line": line, **traffic._asdict()})
        return seen

    async def _keep(self, line: str, document: Document | None, traffic: Traffic, workers: int) -> list[Alert]:
        """Judge, remember, and give the alerts to be told: written first, so that a crash cannot tell two stories."""
        now = self._now()
        fields = document.fields if document else {}
        known = _decoder.decode(fields["memory"]) if "memory" in fields else []
        recent = [alert for alert in known if not _forgotten(alert, now)]
        closed = [alert.episode for alert in recent if alert.episode.ended_at is not None]
        found = judged(line, traffic, now, [alert.episode for alert in recent])
        alerts, _ = told(recent, [*closed, *found], line, "", now)
        latest = sample(traffic, workers, now)
        minutes, hours = remembered(fields.get("minutes", []), fields.get("hours", []), latest)
        after = {"line": line, "minutes": minutes, "hours": hours, "memory": _encode(alerts)}
        await self._store.write_one(Write(_path(line), after, document.version if document else False))
        return alerts

    async def _publish(self, emissions: Sequence[Emission]) -> None:
        for topic, messages in as_messages(emissions).items():
            await self._bus.publish(topic, messages)


def _path(line: str) -> str:
    return f"history/{line}"


def _forgotten(alert: Alert, now: datetime) -> bool:
    ended_at = alert.episode.ended_at
    return ended_at is not None and now - ended_at > TOLD_FOR
