"""What became of faults that were injected: how many of each kind the exported files show, whatever was injected."""

from collections import Counter
from datetime import datetime
from typing import Any, NamedTuple

from emulator import faults
from emulator.contracts import shifts
from emulator.exports import ExportFolder
from emulator.ledger import QUARANTINED, Ledger
from functions.lines import LINES

Row = dict[str, Any]


class Fault(NamedTuple):
    """A kind of fault on one line."""

    line: str
    kind: str


def found(exports: ExportFolder, ledger: Ledger, until: datetime | None) -> Counter[Fault]:
    """Faults by kind. Contracts that ended after `until`, when the fleet stopped, are no silences."""
    counted = _repeats(exports, ledger)
    sent_again = _sent_again(ledger).keys()
    for line, known in LINES.items():
        rows = _readings(exports, known.pclass)
        counted.update(
            Fault(line, faults.QUALITIES[row["quality"]]) for row in rows if row["quality"] in faults.QUALITIES
        )
        once = [row for row in rows if row["quality"] != "clock_ahead" and row["product_id"] not in sent_again]
        counted += _lists(line, once) + Counter({Fault(line, faults.OUT_OF_ORDER): _overtaken(once)})
    for row in exports.read(QUARANTINED, ["line", "reason"]):
        counted[Fault(row["line"], faults.named(row["line"], row["reason"]))] += 1
    ended = [one for one in shifts(exports) if one.line == "gps" and (until is None or one.ended_at <= until)]
    return counted + Counter({Fault("gps", faults.SILENCE): len(ended)})


def reasons(exports: ExportFolder) -> Counter[tuple[str, str]]:
    """(line, why) of the events that could not be read."""
    return Counter((row["line"], row["reason"]) for row in exports.read(QUARANTINED, ["line", "reason"]))


def _readings(exports: ExportFolder, pclass: str) -> list[Row]:
    columns = ["product_id", "vehicle_id", "event_at", "received_at", "late", "quality"]
    return exports.read(pclass, columns)


def _sent_again(ledger: Ledger) -> Counter[str]:
    """Product id → how often more than once its event was sent."""
    sent = Counter(origin.product_id for origin in ledger.origins)
    return Counter({product_id: count - 1 for product_id, count in sent.items() if count > 1})


def _repeats(exports: ExportFolder, ledger: Ledger) -> Counter[Fault]:
    """Sendings beyond the first, of events that stand in the files exactly once."""
    again, lines = _sent_again(ledger), {origin.product_id: origin.line for origin in ledger.origins}
    stored: Counter[str] = Counter()
    for ids in exports.product_ids().values():
        stored.update({product_id: count for product_id, count in ids.items() if product_id in again})
    counted: Counter[Fault] = Counter()
    for product_id, count in again.items():
        counted[Fault(lines[product_id], faults.REPEAT)] += count if stored[product_id] == 1 else 0
    return counted


def _lists(line: str, rows: list[Row]) -> Counter[Fault]:
    """Readings of a vehicle that were received at the same instant came as a list."""
    together = Counter((row["vehicle_id"], row["received_at"], row["late"]) for row in rows)
    lists = (late for (_, _, late), count in together.items() if count > 1)
    return Counter(Fault(line, faults.OLD_LIST if late else faults.LATE_LIST) for late in lists)


def _overtaken(rows: list[Row]) -> int:
    """Readings received after a newer one of the same vehicle, and not too late."""
    count = 0
    newest: dict[str, datetime] = {}
    for row in sorted((row for row in rows if not row["late"]), key=lambda row: (row["received_at"], row["event_at"])):
        event_at, vehicle_id = row["event_at"], row["vehicle_id"]
        count += event_at < newest.get(vehicle_id, event_at)
        newest[vehicle_id] = max(event_at, newest.get(vehicle_id, event_at))
    return count
