"""The ledger and the report: what was published against what the files hold."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emulator import report
from emulator.exports import ExportFolder
from emulator.ledger import QUARANTINED, Ledger
from emulator.report import Alerts, Report, Standing
from functions.core.alert import Receipt
from functions.core.ports import Document

EVENT = {"vehicle_id": "van-1", "event_time": "2025-01-06T00:00:00Z", "latitude": 1.0, "longitude": 2.0}
STANDING = Standing({"gps": 1}, {"gps": 0}, {"p50": 1.0, "p99": 2.0}, Alerts({"offline": 2}, {"offline": 1}))


def event(second: int) -> bytes:
    return msgspec.json.encode({**EVENT, "event_time": f"2025-01-06T00:00:{second:02}Z"})


class Books:
    """A run with three readings (one sent twice) and two malformed ones, and an export folder to put rows into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "exports"
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.exports = ExportFolder(self.folder)
        self.ledger = Ledger()
        self.ledger.enter("gps", ["1", "2", "3"], [event(1), event(2), event(1)])
        self.ledger.enter("gps", ["4", "5"], [b"[" + event(3) + b', {"vehicle_id": 7}]', b"junk"])

    def export(self, pclass: str, product_ids: list[str], late: int = 0, name: str = "export-00000001") -> None:
        path = self.folder / f"pclass={pclass}" / "date=2025-01-06" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        is_late = [number < late for number in range(len(product_ids))]
        pq.write_table(pa.table({"product_id": product_ids, "late": is_late}), path)

    def report(self) -> Report:
        plant: Any = SimpleNamespace(backend=SimpleNamespace(name="google"), logs=self.logs)
        return report.built(plant, self.ledger, self.exports, 1.0, STANDING)

    @property
    def positions(self) -> list[str]:
        return sorted(self.ledger.expected["positions"])

    @property
    def quarantined(self) -> list[str]:
        return sorted(self.ledger.expected[QUARANTINED])


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def test_published_are_distinct_events_and_repeats_are_counted_apart(books: Books) -> None:
    assert len(books.positions) == 3
    assert len(books.quarantined) == 2
    assert books.ledger.distinct == 5
    assert books.ledger.repeated == 1
    assert books.ledger.events["gps"] == 6
    assert books.ledger.messages["gps"] == 5


def test_everything_in_the_files_once_is_sound(books: Books) -> None:
    books.export("positions", books.positions, late=1)
    books.export("quarantined", books.quarantined)
    found = books.report()
    assert (found.published, found.committed, found.quarantined, found.late) == (5, 3, 2, 1)
    assert found.sound
    assert found.exported == {"positions": 3, "quarantined": 2}
    assert [Path(path).exists() for path in found.export_files] == [True, True]


def test_what_is_in_no_file_is_lost(books: Books) -> None:
    books.export("positions", books.positions[1:])
    books.export("quarantined", books.quarantined)
    found = books.report()
    assert (found.lost, found.committed) == (1, 2)
    assert not found.sound


def test_a_product_in_two_files_is_duplicated(books: Books) -> None:
    books.export("positions", books.positions)
    books.export("positions", books.positions[:2], name="export-00000002")
    books.export("quarantined", books.quarantined)
    found = books.report()
    assert (found.lost, found.duplicated) == (0, 2)
    assert not found.sound


def test_a_reading_that_could_not_be_kept_counts_as_quarantined(books: Books) -> None:
    """Its document was refused: its row is among the quarantined, under the id of its place in its message."""
    refused = next(origin for origin in books.ledger.origins if origin.message_id == "2")
    books.export("positions", [one for one in books.positions if one != refused.product_id])
    books.export("quarantined", [*books.quarantined, refused.quarantined_id()])
    found = books.report()
    assert (found.lost, found.committed, found.quarantined) == (0, 2, 3)


def test_files_of_an_earlier_run_are_searched_but_not_reported(tmp_path: Path) -> None:
    earlier = Books(tmp_path)
    earlier.export("positions", earlier.positions)
    earlier.exports = ExportFolder(earlier.folder)
    earlier.export("quarantined", earlier.quarantined)
    found = earlier.report()
    assert found.lost == 0
    assert found.exported == {"quarantined": 2}


def test_firestore_totals_are_summed_over_processes(books: Books) -> None:
    """Counters grow while a process lives; where they fall, another has begun."""
    lines = [{"message": "totals", "firestore_reads": count, "firestore_writes": 2 * count} for count in (5, 9, 2, 3)]
    (books.logs / "gps.log").write_bytes(b"noise\n" + b"\n".join(msgspec.json.encode(line) for line in lines))
    (books.logs / "driver.log").write_text('{"message": "totals", "firestore_reads": 1, "firestore_deletes": 4}\n')
    assert books.report().firestore == {"reads": 13, "writes": 24, "deletes": 4}


def test_the_report_has_the_agreed_keys(books: Books, tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    report.write(books.report(), file)
    assert set(msgspec.json.decode(file.read_bytes())) == {
        "backend", "seconds", "published", "committed", "quarantined", "late", "repeated", "lost", "duplicated",
        "exported", "export_files", "roster", "backlog", "alerts", "deliveries", "commands", "firestore", "latency_ms",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("receipt", "said"),
    [
        (Receipt("opened", "desk", state="delivered"), "delivered"),
        (Receipt("opened", "desk", way="digest"), "waiting for the next digest"),
        (Receipt("opened", "desk", tries=2), "waiting to be tried again"),
        (Receipt("opened", "desk"), "waiting for quiet hours or a snooze to end"),
    ],
)
def test_a_delivery_that_waits_says_for_what(receipt: Receipt, said: str) -> None:
    alert = Document("alerts/1", {"receipts": [msgspec.structs.asdict(receipt)]}, None)
    assert report._deliveries([alert]) == {said: 1}


def test_rows_are_read_from_the_footers(books: Books) -> None:
    books.export("positions", books.positions)
    assert books.exports.rows() == Counter(positions=3)


def test_percentiles_of_few_values() -> None:
    assert report._percentiles([]) == {"p50": 0, "p99": 0}
    assert report._percentiles([4.0]) == {"p50": 4.0, "p99": 4.0}
    assert report._percentiles([float(value) for value in range(1, 1001)])["p50"] == pytest.approx(500.5)
