"""The summary: contracts ended and signed again, and faults as the files show them, beside those injected."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emulator import faults, findings, summary
from emulator.contracts import NOBODY, Contracts, Shift, Workers, contracts
from emulator.exports import ExportFolder
from emulator.findings import Fault
from emulator.ledger import Ledger
from emulator.report import Alerts, Report
from emulator.summary import Aside

START = datetime(2025, 1, 6, 8, tzinfo=UTC)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


class Files:
    """Exported rows, and the ledger of a run that sent nothing twice unless told."""

    def __init__(self, folder: Path) -> None:
        self.exports = ExportFolder(folder)
        self.ledger = Ledger()
        self._folder = folder
        self._number = 0

    def export(self, pclass: str, *rows: dict[str, Any]) -> None:
        self._number += 1
        path = self._folder / f"pclass={pclass}" / "date=2025-01-06" / f"export-{self._number:08d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        numbered = [{"product_id": f"{self._number}/{number}", **row} for number, row in enumerate(rows)]
        pq.write_table(pa.Table.from_pylist(numbered), path)

    def reading(self, second: float, received: float, late: bool = False, quality: str = "ok") -> dict[str, Any]:
        return {
            "product_id": f"{second}/{received}",
            "vehicle_id": "van-1",
            "event_at": at(second),
            "received_at": at(received),
            "late": late,
            "quality": quality,
        }

    def found(self, until: datetime | None = None) -> dict[Fault, int]:
        return {fault: count for fault, count in findings.found(self.exports, self.ledger, until).items() if count}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "exports")


def test_sound_readings_show_no_fault(files: Files) -> None:
    files.export("positions", *(files.reading(second, second) for second in range(20)))
    assert files.found() == {}


@pytest.mark.parametrize(("quality", "kind"), list(faults.QUALITIES.items()))
def test_a_quality_tells_the_fault(files: Files, quality: str, kind: str) -> None:
    files.export("temperatures", files.reading(1, 1), files.reading(2, 2, quality=quality))
    assert files.found() == {Fault("temperature", kind): 1}


def test_a_reading_received_after_a_newer_one_is_out_of_order(files: Files) -> None:
    files.export("stock", files.reading(1, 1), files.reading(3, 3), files.reading(2, 4), files.reading(5, 5))
    assert files.found() == {Fault("inventory", faults.OUT_OF_ORDER): 1}


def test_what_a_clock_ahead_says_is_newer_than_nothing(files: Files) -> None:
    files.export("stock", files.reading(7200, 1, quality="clock_ahead"), files.reading(2, 2), files.reading(3, 3))
    assert files.found() == {Fault("inventory", faults.CLOCK): 1}


def test_readings_received_together_are_a_late_list_and_marked_late_an_hours_old_one(files: Files) -> None:
    listed = [files.reading(second, 9) for second in range(5, 9)]
    old = [files.reading(second, 9, late=True) for second in range(-900, -897)]
    files.export("diagnostics", files.reading(1, 1), *listed, *old, files.reading(10, 10))
    assert files.found() == {Fault("maintenance", faults.LATE_LIST): 1, Fault("maintenance", faults.OLD_LIST): 1}


def test_reasons_name_the_malformed(files: Files) -> None:
    reasons = [
        "' ': is empty",
        "latitude: 91.0: must be a number from -90 to 90",
        "altitude_m: 'high': must be a number",
    ]
    files.export("quarantined", *({"line": "gps", "reason": reason} for reason in reasons))
    assert {fault.kind for fault in files.found()} == {
        "malformed: blank", "malformed: latitude 91", "malformed: anything else",
    }  # fmt: skip


def test_why_events_could_not_be_read_is_shown_most_frequent_first(files: Files) -> None:
    reasons = ["' ': is empty", "sku: is required", "sku: is required"]
    files.export("quarantined", *({"line": "inventory", "reason": reason} for reason in reasons))
    table = summary._reasons(findings.reasons(files.exports))
    assert list(table.columns[1].cells) == ["2", "1"]
    assert list(table.columns[2].cells) == ["sku: is required", "' ': is empty"]


def test_a_silence_is_a_gps_contract_that_ended_while_the_fleet_drove(files: Files) -> None:
    shift = {"vehicle_id": "van-1", "line": "gps", "ended_at": at(30)}
    files.export("shifts", shift, {**shift, "line": "temperature"}, {**shift, "ended_at": at(80)})
    assert files.found(until=at(60)) == {Fault("gps", faults.SILENCE): 1}


@pytest.mark.parametrize(("copies", "counted"), [(0, 0), (1, 2), (2, 0)])
def test_a_repeat_is_found_when_its_row_stands_exactly_once(files: Files, copies: int, counted: int) -> None:
    event = {"vehicle_id": "van-1", "event_time": at(1), "latitude": 1.0, "longitude": 2.0}
    files.ledger.enter("gps", ["1", "2", "3"], [msgspec.json.encode(event)] * 3)
    product_id = files.ledger.origins[0].product_id
    for _ in range(copies):
        files.export("positions", {**files.reading(1, 1), "product_id": product_id})
    assert files.found().get(Fault("gps", faults.REPEAT), 0) == counted


def test_the_table_of_lines_shows_what_is_true_at_the_end() -> None:
    """A replay ends all contracts: three that ended are not three that are active."""
    report = Report(
        **dict.fromkeys(("published", "committed", "quarantined", "late", "repeated", "lost", "duplicated"), 0),
        backend="embedded", seconds=1.0, exported={}, export_files=[], roster={"gps": 3}, backlog={"gps": 0},
        alerts=Alerts(), firestore={}, latency_ms={"p50": 1.0, "p99": 2.0},
    )  # fmt: skip
    workers = Workers({"gps": Counter(ended=3)}, {})
    table = summary._lines(report, Aside(workers, {"gps": Contracts(3, 0)}, Counter(), Counter(), Counter()))
    assert [next(iter(column.cells)) for column in table.columns[:6]] == ["gps", "0", "0", "3", "3", "0"]


def test_contracts_are_signed_again_when_their_vehicle_was_hired_since() -> None:
    ended = [
        Shift("gps", "van-1", at(20)), Shift("gps", "van-1", at(60)),
        Shift("gps", "van-2", at(20)), Shift("stock", "x", at(1))._replace(line="inventory"),
    ]  # fmt: skip
    status = {**NOBODY.status, "gps": Counter(active=1, ended=1)}
    known = Workers(status, {("gps", "van-1"): at(40), ("gps", "van-2"): at(30), ("inventory", "x"): at(0)})
    found = contracts(ended, known)
    assert found["gps"] == Contracts(ended=3, signed_again=2)
    assert found["inventory"] == Contracts(ended=1, signed_again=0)
    assert found["temperature"] == Contracts(0, 0)
    assert known.active() == {"gps": 1, "temperature": 0, "maintenance": 0, "inventory": 0}
