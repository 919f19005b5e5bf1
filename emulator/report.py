"""The report of a run. What was lost or doubled is found by comparing the ledger with the exported files."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import quantiles
from typing import Any

import msgspec

from emulator.contracts import NOBODY, Workers, workers
from emulator.exports import ExportFolder
from emulator.ledger import QUARANTINED, Ledger
from emulator.plant import Plant
from functions.core.alert import Receipt
from functions.core.ports import Document
from infra.plant import LINES


class Alerts(msgspec.Struct):
    """Alerts by kind. Every alert that stands was opened; `closed` are those of them that are over."""

    opened: dict[str, int] = {}
    closed: dict[str, int] = {}
    withdrawn: dict[str, int] = {}


class Report(msgspec.Struct, kw_only=True):
    """Units: events, seconds, milliseconds.

    `published` are distinct events, unreadable ones included; `repeated` the events sent beyond the first of their
    kind. Of what was published, `committed` are those exported as readings (`late` of them too late to change a
    state), `quarantined` those exported as such, `lost` those in no file. `duplicated` are products that occur more
    than once. `deliveries` are receipts of people told, by how they stand; `commands` are orders by what came of them.
    `roster` are the active workers once everything was answered, before a replay ends their contracts.
    """

    backend: str
    seconds: float
    published: int
    committed: int
    quarantined: int
    late: int
    repeated: int
    lost: int
    duplicated: int
    exported: dict[str, int]
    export_files: list[str]
    roster: dict[str, int]
    backlog: dict[str, int]
    alerts: Alerts
    deliveries: dict[str, int] = {}
    commands: dict[str, dict[str, int]] = {}
    firestore: dict[str, int]
    latency_ms: dict[str, float]

    @property
    def sound(self) -> bool:
        """Whether everything that was published is there once."""
        return self.lost == 0 and self.duplicated == 0


class Standing(msgspec.Struct):
    """What only a running plant can tell."""

    roster: dict[str, int]
    backlog: dict[str, int]
    latency_ms: dict[str, float]
    alerts: Alerts
    deliveries: dict[str, int] = {}
    commands: dict[str, dict[str, int]] = {}
    workers: Workers = NOBODY


async def standing(plant: Plant, backlog: dict[str, int]) -> Standing:
    latencies = [value for line in LINES for value in plant.couriers[line].counts.latencies_ms]
    alerts = await plant.firestore.query("alerts", only=["kind", "status", "receipts"])
    known = await workers(plant.firestore)
    return Standing(
        known.active(),
        backlog,
        _percentiles(latencies),
        counted(alerts),
        _deliveries(alerts),
        await _orders(plant),
        known,
    )


def counted(alerts: Iterable[Document]) -> Alerts:
    """Alerts by kind, from their `kind` and `status`."""
    found: dict[str, Counter[str]] = {status: Counter() for status in ("open", "closed", "withdrawn")}
    for alert in alerts:
        found[alert.fields["status"]][alert.fields["kind"]] += 1
    return Alerts(dict(found["open"] + found["closed"]), dict(found["closed"]), dict(found["withdrawn"]))


def _deliveries(alerts: Iterable[Document]) -> dict[str, int]:
    receipts = (receipt for alert in alerts for receipt in alert.fields.get("receipts", []))
    return dict(Counter(msgspec.convert(receipt, Receipt).stands for receipt in receipts))


async def _orders(plant: Plant) -> dict[str, dict[str, int]]:
    """command → state → how many."""
    found: dict[str, Counter[str]] = {}
    for order in await plant.firestore.query("commands", only=["command", "state"]):
        found.setdefault(order.fields["command"], Counter())[order.fields["state"]] += 1
    return {command: dict(states) for command, states in sorted(found.items())}


def write(report: Report, path: Path) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")


def built(plant: Plant, ledger: Ledger, exports: ExportFolder, seconds: float, last: Standing) -> Report:
    """The report of a plant that is down: its functions have logged their totals."""
    stored = exports.product_ids()
    lost = _missing(ledger, stored)
    quarantined = len(ledger.expected[QUARANTINED] & stored[QUARANTINED].keys()) if QUARANTINED in stored else 0
    refused = _refused(ledger, stored)
    totals = _totals(plant.logs)
    return Report(
        backend=plant.backend.name,
        seconds=round(seconds, 3),
        published=ledger.distinct,
        committed=ledger.distinct - len(lost) - quarantined - refused,
        quarantined=quarantined + refused,
        late=exports.late(),
        repeated=ledger.repeated,
        lost=len(lost),
        duplicated=sum(count > 1 for ids in stored.values() for count in ids.values()),
        exported=dict(sorted(exports.rows().items())),
        export_files=[str(path) for path in exports.files()],
        roster=last.roster,
        backlog=last.backlog,
        alerts=last.alerts,
        deliveries=last.deliveries,
        commands=last.commands,
        firestore={name: totals[f"firestore_{name}"] for name in ("reads", "writes", "deletes")},
        latency_ms=last.latency_ms,
    )


def _missing(ledger: Ledger, stored: dict[str, Counter[str]]) -> set[str]:
    """Expected products that are neither in their class nor in quarantine."""
    absent = _absent(ledger, stored)
    return absent - _in_quarantine(ledger, absent, stored)


def _refused(ledger: Ledger, stored: dict[str, Counter[str]]) -> int:
    """Readable events that ended in quarantine, because no document could be written for them."""
    return len(_in_quarantine(ledger, _absent(ledger, stored), stored))


def _absent(ledger: Ledger, stored: dict[str, Counter[str]]) -> set[str]:
    nothing: Counter[str] = Counter()
    return {one for pclass, ids in ledger.expected.items() for one in ids - stored.get(pclass, nothing).keys()}


def _in_quarantine(ledger: Ledger, absent: set[str], stored: dict[str, Counter[str]]) -> set[str]:
    quarantine = stored.get(QUARANTINED, Counter())
    suspects = (origin for origin in ledger.origins if origin.product_id in absent) if absent else ()
    return {origin.product_id for origin in suspects if origin.quarantined_id() in quarantine}


def _percentiles(values: list[float]) -> dict[str, float]:
    if len(values) < 2:
        return {"p50": round(sum(values), 1), "p99": round(sum(values), 1)}
    hundredths = quantiles(values, n=100)
    return {"p50": round(hundredths[49], 1), "p99": round(hundredths[98], 1)}


def _totals(logs: Path) -> Counter[str]:
    """Sums over all processes of the totals each logged last. Counters only grow while a process lives: when one is
    smaller than before, a new process began. What a killed process did after its last line is not known."""
    found: Counter[str] = Counter()
    for path in logs.glob("*.log"):
        last: dict[str, int] = {}
        for totals in _logged_totals(path):
            if any(totals.get(name, 0) < count for name, count in last.items()):
                found.update(last)
            last = totals
        found.update(last)
    return found


def _logged_totals(path: Path) -> Iterator[dict[str, int]]:
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if '"totals"' in line and line.startswith("{"):
                entry: dict[str, Any] = json.loads(line)
                yield {name: value for name, value in entry.items() if isinstance(value, int)}
