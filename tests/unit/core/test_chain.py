"""The chain: whatever is changed, removed or added afterwards is found."""

from collections.abc import Callable
from pathlib import Path

import pytest

from functions.adapters.bucket import Bucket
from functions.core.chain import Verdict, verified
from functions.core.columns import frame, parquet
from functions.core.manifest import FIRST_PREVIOUS, File, Manifest, file_path, hashed, manifest_path
from tests.warehouse import START, product

FOLDER = "pclass=positions/date=2026-03-01"
Change = Callable[[Bucket, Path], object]


@pytest.fixture
def exports(tmp_path: Path) -> Bucket:
    """Three exports of two rows each."""
    bucket = Bucket(str(tmp_path))
    previous = FIRST_PREVIOUS
    for number in (1, 2, 3):
        previous = export(bucket, number, previous, [2 * number, 2 * number + 1])
    return bucket


def export(bucket: Bucket, number: int, previous: str, products: list[int]) -> str:
    body = parquet(frame([product(each) for each in products]).drop(columns="pclass"))
    path = file_path(FOLDER, number)
    bucket.put(path, body)
    file = File(path=path, sha256=hashed(body), rows=2, first_event_at=START, last_event_at=START)
    manifest = Manifest(export=number, previous=previous, rows={}, repeats=0, files=[file], columns={}).encoded()
    bucket.put(manifest_path(number), manifest)
    return hashed(manifest)


def test_an_untouched_folder_has_no_faults(exports: Bucket) -> None:
    assert verified(exports) == Verdict(3, [file_path(FOLDER, number) for number in (1, 2, 3)], {"positions": 6}, 0, [])


def test_an_empty_folder_has_no_faults(tmp_path: Path) -> None:
    assert verified(Bucket(str(tmp_path))) == Verdict(0, [], {}, 0, [])


def altered(path: str) -> Change:
    return lambda bucket, _: bucket.put(
        path, bucket.read(path).replace(b"van-4", b"van-5").replace(b'"rows": 2', b'"rows": 3')
    )


def removed(path: str) -> Change:
    return lambda _, folder: (folder / path).unlink()


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        (altered(file_path(FOLDER, 2)), [f"{file_path(FOLDER, 2)}: has been changed"]),
        (removed(file_path(FOLDER, 2)), [f"{file_path(FOLDER, 2)}: is missing"]),
        (
            altered(manifest_path(2)),
            [
                f"{manifest_path(3)}: does not follow the one before",
                f"{file_path(FOLDER, 2)}: has 2 rows, its manifest says 3",
            ],
        ),
        (
            removed(manifest_path(2)),
            [
                f"{manifest_path(2)}: is missing",
                f"{manifest_path(3)}: does not follow the one before",
                f"{file_path(FOLDER, 2)}: stands in no manifest",
            ],
        ),
        (
            lambda bucket, _: bucket.put(f"{FOLDER}/export-00000001-copy-00000001.parquet", b""),
            [f"{FOLDER}/export-00000001-copy-00000001.parquet: stands in no manifest"],
        ),
        (lambda bucket, _: bucket.put(f"{FOLDER}/export-00000004.parquet", b""), []),
    ],
)
def test_every_change_is_found_and_named(exports: Bucket, tmp_path: Path, change: Change, faults: list[str]) -> None:
    change(exports, tmp_path)
    assert verified(exports).faults == faults


def test_a_product_in_two_exports_is_found(exports: Bucket) -> None:
    export(exports, 4, hashed(exports.read(manifest_path(3))), [2, 9])
    verdict = verified(exports)
    assert (verdict.duplicated, verdict.faults) == (1, ["positions: 1 product ids more than once"])


def test_a_chain_cut_off_or_written_anew_is_found_by_hashes_kept_elsewhere(exports: Bucket, tmp_path: Path) -> None:
    anchors = {3: hashed(exports.read(manifest_path(3)))}
    assert verified(exports, anchors).faults == []
    export(exports, 3, hashed(exports.read(manifest_path(2))), [6, 8])
    assert verified(exports, anchors).faults == [f"{manifest_path(3)}: is not the one that was written"]
    removed(manifest_path(3))(exports, tmp_path)
    removed(file_path(FOLDER, 3))(exports, tmp_path)
    assert verified(exports, anchors).faults == [f"{manifest_path(3)}: is missing"]


def test_a_file_that_cannot_be_read_is_a_fault_and_not_the_end(exports: Bucket) -> None:
    exports.put(file_path(FOLDER, 1), b"PAR1")
    changed, unreadable = verified(exports).faults
    assert changed.endswith("has been changed")
    assert "cannot be read" in unreadable
