"""Watches a run: how every line stands, as a live table on a terminal, else as a plain line now and then."""

import asyncio
import time
from collections import Counter, deque
from datetime import datetime
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.text import Text

from emulator import report
from emulator.contracts import NOBODY, contracts, shifts, workers
from emulator.exports import ExportFolder
from emulator.findings import Fault
from emulator.plant import Plant
from emulator.terminal import NUMBER, WORD, Terminal, listing
from functions import lines
from functions.errors import Unavailable
from infra.plant import LINES

DRAW_EVERY_S = 0.5
LOOK_EVERY_S = 2.0
SAY_EVERY_S = 10.0
RATE_OVER_S = 5.0


class Sight(NamedTuple):
    """One line at one moment. `ended` are workers without a contract; `rate` is messages answered per second."""

    published: int
    answered: int
    backlog: int
    oldest_s: float
    active: int | None
    ended: int | None
    rows: int | None
    rate: float


class Watch:
    """One run's onlooker; `faults` and `driven_until` are set by whoever drives the fleet."""

    def __init__(self, plant: Plant, exports: ExportFolder, terminal: Terminal) -> None:
        self.faults: Counter[Fault] = Counter()
        self.driven_until: datetime | None = None
        self._plant = plant
        self._exports = exports
        self._terminal = terminal
        self._started_s = time.monotonic()
        self._workers = NOBODY
        self._alerts = report.Alerts()
        self._contracts = contracts([], NOBODY)
        self._rows: Counter[str] = Counter()
        self._looked_s = 0.0
        self._history: dict[str, deque[tuple[float, int]]] = {topic: deque() for topic in plant.couriers}

    def backlog(self) -> dict[str, int]:
        """line → messages published and not yet answered."""
        ledger, couriers = self._plant.publisher.ledger, self._plant.couriers
        return {line: max(0, ledger.messages[line] - couriers[line].counts.acked) for line in LINES}

    async def run(self) -> None:
        """Show until cancelled."""
        if self._terminal.live:
            with self._terminal.table() as live:
                while True:
                    await self._look()
                    live.update(self._drawn(), refresh=True)
                    await asyncio.sleep(DRAW_EVERY_S)
        while not self._terminal.quiet:
            await asyncio.sleep(SAY_EVERY_S)
            await self._look()
            self._terminal.say(self._said())

    async def _look(self) -> None:
        """Read what is not in this process; Firestore may be busy, then the last look stands."""
        if time.monotonic() - self._looked_s < LOOK_EVERY_S:
            return
        self._rows = await asyncio.to_thread(self._exports.rows)
        try:
            self._workers = await workers(self._plant.firestore)
            self._alerts = report.counted(await self._plant.firestore.query("alerts", only=["kind", "status"]))
        except Unavailable:
            return
        self._contracts = contracts(await asyncio.to_thread(shifts, self._exports), self._workers)
        self._looked_s = time.monotonic()

    def _sight(self, topic: str) -> Sight:
        counts = self._plant.couriers[topic].counts
        pclass = lines.LINES[topic].pclass if topic in LINES else None
        return Sight(
            published=self._plant.publisher.ledger.messages[topic],
            answered=counts.acked,
            backlog=self.backlog()[topic] if pclass else len(counts.unanswered),
            oldest_s=counts.oldest_unanswered_s(),
            active=self._workers.status[topic]["active"] if pclass else None,
            ended=self._workers.status[topic]["ended"] if pclass else None,
            rows=self._rows[pclass] if pclass else None,
            rate=self._rate(topic, counts.acked),
        )

    def _rate(self, topic: str, answered: int) -> float:
        history, now_s = self._history[topic], time.monotonic()
        history.append((now_s, answered))
        while len(history) > 2 and now_s - history[1][0] > RATE_OVER_S:
            history.popleft()
        since_s = now_s - history[0][0]
        return (answered - history[0][1]) / since_s if since_s > 0 else 0.0

    def _drawn(self) -> RenderableType:
        numbers = ("published", "answered", "backlog", "oldest", "active", "ended", "exported", "per second")
        table = listing(f"{time.monotonic() - self._started_s:.0f} s", {"line": WORD, **dict.fromkeys(numbers, NUMBER)})
        for topic in self._plant.couriers:
            sight = self._sight(topic)
            table.add_row(
                topic,
                f"{sight.published:,}" if topic in LINES else "",
                f"{sight.answered:,}",
                f"{sight.backlog:,}",
                f"{sight.oldest_s:.1f} s",
                *("" if count is None else f"{count:,}" for count in (sight.active, sight.ended, sight.rows)),
                f"{sight.rate:,.0f}",
            )
        faults: Counter[str] = Counter()
        for fault, count in self.faults.items():
            faults[fault.kind.split(":")[0]] += count
        notes = {
            "rows exported": _listed(self._rows),
            "contracts": self._told_contracts(),
            "alerts": self._told_alerts(),
            "faults injected": _listed(faults),
        }
        return Group(table, *(Text(f"{name}: {note}", style="dim") for name, note in notes.items() if note))

    def _told_contracts(self) -> str:
        ended = sum(one.ended for one in self._contracts.values())
        again = sum(one.signed_again for one in self._contracts.values())
        return f"{ended:,} ended, {again:,} of them signed again" if ended else ""

    def _told_alerts(self) -> str:
        """Kinds with how many are open, of how many."""
        closed = self._alerts.closed
        return " · ".join(
            f"{kind} {count - closed.get(kind, 0)} open of {count}"
            for kind, count in sorted(self._alerts.opened.items())
        )

    def _said(self) -> str:
        sights = [self._sight(topic) for topic in LINES]
        told = {
            "published": sum(sight.published for sight in sights),
            "answered": sum(sight.answered for sight in sights),
            "rows exported": sum(sight.rows or 0 for sight in sights),
            "workers active": sum(sight.active or 0 for sight in sights),
            "contracts ended": sum(one.ended for one in self._contracts.values()),
            "alerts open": sum(self._alerts.opened.values()) - sum(self._alerts.closed.values()),
        }
        passed_s = time.monotonic() - self._started_s
        return f"{passed_s:4.0f} s: " + ", ".join(f"{count:,} {name}" for name, count in told.items())


def _listed(counts: Counter[str]) -> str:
    return " · ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))
