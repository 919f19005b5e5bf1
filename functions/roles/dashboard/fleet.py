"""The fleet as all open pages show it: one snapshot, refreshed when somebody asks and the allowance permits.

Workers are read in pages by the names of their documents, round and round. A small fleet is read whole within seconds;
a large one in slices, and every vehicle says when it was looked at.
"""

import asyncio
import gzip
import logging
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from functions.core.alert import AlertRecord, read
from functions.core.handling import Handling
from functions.core.ports import Clock, Store
from functions.core.row import Row
from functions.core.standing import FACE, summary
from functions.errors import FleetlineError
from functions.roles.dashboard.allowance import Allowance

PAGE = 200
FASTEST = timedelta(seconds=2)
"""Nothing is read again sooner, however small the fleet."""
LINES_EVERY = timedelta(seconds=15)
"""The supervisor writes once a minute."""
MOST_ALERTS = 100
NEWEST = 10
NEWS_EVERY = timedelta(seconds=10)
"""The newest alerts are asked for this often, however seldom there is room for all of them."""
SAMPLES = 60
"""Minutes of a line's history that are drawn."""
WORKERS_SHARE, ALERTS_SHARE = 0.6, 0.2
"""Of the allowance; the rest is for the newest alerts and for the lines."""
SLOWEST_POLL_S = 15.0
IDLE = timedelta(minutes=1)
"""When nobody has asked for so long, what is known is old: it is read anew as fast as the allowance permits."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_log = logging.getLogger(__name__)


class Fleet:
    """What was read, when, and when to read on."""

    def __init__(self, lines: Iterable[str], store: Store, allowance: Allowance, now: Clock) -> None:
        self._lines = list(lines)
        self._store = store
        self._allowance = allowance
        self._now = now
        self._one_reads = asyncio.Lock()
        self._vehicles: dict[str, dict[str, Row]] = {}
        self._looked_at: dict[str, datetime] = {}
        self._alerts: dict[str, AlertRecord] = {}
        self._history: dict[str, Row] = {}
        self._alerts_at = self._lines_at = self._round_at = self._asked_at = _LONG_AGO
        self._alerts_due = self._news_due = self._lines_due = self._workers_due = _LONG_AGO
        self._last_path = ""
        self._complete = False
        self._trouble = ""
        self._packed: bytes | None = None

    async def packed(self) -> bytes:
        """The snapshot as gzipped JSON, after reading what is due; packed once for all pages."""
        async with self._one_reads:
            now = self._now()
            if now - self._asked_at > IDLE:
                self._complete, self._last_path = False, ""
            self._asked_at = now
            try:
                await self._read(now)
                self._trouble = ""
            except FleetlineError as error:
                self._trouble, self._packed = "Firestore did not answer", None
                _log.warning("nothing read: %s", error)
            if self._packed is None:
                self._packed = gzip.compress(msgspec.json.encode(self._snapshot(now)), 1)
            return self._packed

    def handled(self, alert_id: str, handling: Handling) -> None:
        """Show at once what somebody did with an alert."""
        alert = self._alerts.get(alert_id)
        if alert is not None:
            self._alerts[alert_id] = msgspec.structs.replace(alert, handling=handling)
            self._packed = None

    async def _read(self, now: datetime) -> None:
        if now >= self._alerts_due and self._allowance.left(now) > 0:
            await self._read_alerts(now, MOST_ALERTS)
        elif now >= self._news_due and self._allowance.left(now) > 0:
            await self._read_alerts(now, NEWEST)
        if now >= self._lines_due and self._allowance.left(now) >= len(self._lines):
            await self._read_lines(now)
        while now >= self._workers_due and self._allowance.left(now) > 0:
            await self._read_workers(now)

    async def _read_alerts(self, now: datetime, most: int) -> None:
        """The newest that are open; fewer than asked for are all there are."""
        limit = min(most, self._allowance.left(now))
        documents = await self._store.query(
            "alerts", [("status", "==", "open")], order_by=["-recorded_at"], limit=limit
        )
        self._spend(len(documents), now)
        found = {alert.alert_id: alert for alert in (read(document.fields) for document in documents)}
        whole = len(found) < limit or limit == MOST_ALERTS
        self._alerts = found if whole else {**self._alerts, **found}
        self._news_due = now + NEWS_EVERY
        if whole:
            self._alerts_at = now
            self._alerts_due = now + max(FASTEST, self._allowance.pause(len(found), ALERTS_SHARE))

    async def _read_lines(self, now: datetime) -> None:
        found = await self._store.get([f"history/{line}" for line in self._lines], only=["line", "minutes"])
        self._spend(len(self._lines), now)
        self._history = {document.fields["line"]: document.fields for document in found.values()}
        self._lines_at, self._lines_due = now, now + LINES_EVERY

    async def _read_workers(self, now: datetime) -> None:
        """The next page; what a whole round did not meet is gone."""
        limit = min(PAGE, self._allowance.left(now))
        after = [self._last_path] if self._last_path else []
        if not after:
            self._round_at = now
        found = await self._store.query(
            "workers", order_by=["__name__"], limit=limit, only=FACE, everywhere=True, after=after
        )
        self._spend(len(found), now)
        for document in found:
            vehicle_id = document.fields["vehicle_id"]
            if self._looked_at.get(vehicle_id, _LONG_AGO) < self._round_at:
                self._vehicles[vehicle_id] = {}
            self._vehicles[vehicle_id][document.fields["line"]] = document.fields
            self._looked_at[vehicle_id] = now
        self._last_path = found[-1].path if len(found) == limit else ""
        if not self._last_path:
            self._complete = True
            for vehicle_id in [name for name, at in self._looked_at.items() if at < self._round_at]:
                del self._vehicles[vehicle_id], self._looked_at[vehicle_id]
        if self._complete:
            self._workers_due = now + max(FASTEST, self._allowance.pause(len(found), WORKERS_SHARE))

    def _spend(self, documents: int, now: datetime) -> None:
        self._allowance.spend(documents, now)
        self._packed = None

    def _snapshot(self, now: datetime) -> dict[str, Any]:
        live = [alert for alert in self._alerts.values() if alert.live]
        counts = Counter(alert.vehicle_id for alert in live)
        worst = {alert.vehicle_id: alert.severity.name for alert in sorted(live, key=lambda alert: alert.severity)}
        return {
            "vehicles": [
                {
                    **summary(vehicle_id, workers),
                    "looked_at": self._looked_at[vehicle_id],
                    "alerts": counts[vehicle_id],
                    "severity": worst.get(vehicle_id),
                }
                for vehicle_id, workers in sorted(self._vehicles.items())
            ],
            "complete": self._complete,
            "looked_at": min(self._looked_at.values(), default=None),
            "alerts": [shown(alert) for alert in live],
            "more_alerts": len(self._alerts) >= MOST_ALERTS,
            "alerts_at": self._alerts_at,
            "lines": {line: _health(self._history.get(line)) for line in self._lines},
            "lines_at": self._lines_at,
            "next_s": self._next_s(now),
            "trouble": self._trouble,
        }

    def _next_s(self, now: datetime) -> float:
        due = min(self._workers_due, self._alerts_due, self._news_due)
        return min(SLOWEST_POLL_S, max(FASTEST.total_seconds(), (due - now).total_seconds()))


SHOWN = (
    "alert_id",
    "kind",
    "subject",
    "line",
    "vehicle_id",
    "status",
    "started_at",
    "ended_at",
    "peak",
    "details",
    "handling",
)


def shown(alert: AlertRecord) -> dict[str, Any]:
    """An alert as pages show it: who was told is the notifier's."""
    return {**{name: getattr(alert, name) for name in SHOWN}, "severity": alert.severity.name}


def _health(history: Row | None) -> dict[str, Any] | None:
    """A line's newest sample, and how much it took in each of the last minutes."""
    if not history or not history["minutes"]:
        return None
    minutes = history["minutes"][-SAMPLES:]
    return {**minutes[-1], "minutes": [one["per_s"] for one in minutes]}
