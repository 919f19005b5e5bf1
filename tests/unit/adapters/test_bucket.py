"""The export folder: a file is whole or absent."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.adapters.bucket import Bucket


@pytest.fixture(scope="module")
def cloud_storage() -> Iterator[str]:
    server = subprocess.Popen([sys.executable, Path(__file__).with_name("cloud_storage.py")], stdout=subprocess.PIPE)
    assert server.stdout
    with server.stdout:
        yield f"127.0.0.1:{int(server.stdout.readline())}"
        server.terminate()
        server.wait(10)


@pytest.fixture(params=["path", "uri", "gs"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Bucket:
    if request.param == "gs":
        return Bucket(f"gs://b/{tmp_path.name}/exports", request.getfixturevalue("cloud_storage"))
    folder = tmp_path / "with space" / "exports"
    return Bucket(str(folder) if request.param == "path" else folder.as_uri())


def test_what_was_put_is_read_and_listed(bucket: Bucket) -> None:
    bucket.put("pclass=a/date=2026-01-01/x.parquet", b"one")
    bucket.put("_manifests/1.json", b"two")
    assert bucket.list() == ["_manifests/1.json", "pclass=a/date=2026-01-01/x.parquet"]
    assert bucket.list("pclass=a") == ["pclass=a/date=2026-01-01/x.parquet"]
    assert bucket.read("_manifests/1.json") == b"two"
    with bucket.open("_manifests/1.json") as file:
        file.seek(1)
        assert file.read(1) == b"w"


def test_a_folder_that_is_not_there_holds_nothing(bucket: Bucket) -> None:
    assert (bucket.list(), bucket.list("pclass=a")) == ([], [])


def test_a_file_that_is_not_there_is_an_error(bucket: Bucket) -> None:
    with pytest.raises(FileNotFoundError):
        bucket.read("nothing")


def test_putting_again_replaces_the_whole_file(bucket: Bucket) -> None:
    bucket.put("x", b"a long body" * 1_000_000)
    assert len(bucket.read("x")) == 11_000_000
    bucket.put("x", b"short")
    assert bucket.read("x") == b"short"


def test_a_write_that_fails_leaves_the_old_file_and_no_partial_one(tmp_path: Path) -> None:
    bucket = Bucket(str(tmp_path))
    bucket.put("x", b"old")
    with pytest.raises(TypeError):
        bucket.put("x", "not bytes")  # type: ignore[arg-type]
    assert bucket.read("x") == b"old"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["x"]


def test_a_partial_file_of_a_killed_process_is_not_listed(tmp_path: Path) -> None:
    bucket = Bucket(str(tmp_path))
    bucket.put("x", b"whole")
    (tmp_path / "_partial" / "0123").write_bytes(b"ha")
    assert bucket.list() == ["x"]
