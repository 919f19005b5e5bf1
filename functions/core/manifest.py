"""Manifests: what each export holds, chained by hash, and the names of everything in the export folder."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from hashlib import sha256

import msgspec

FOLDER = "_manifests"
"""Readers of Parquet folders skip what begins with an underscore."""
FIRST_PREVIOUS = "0" * 64
_NUMBER = re.compile(r"(\d+)\.(?:json|parquet)$")


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file; `path` is relative to the export folder."""

    path: str
    sha256: str
    rows: int
    first_event_at: datetime
    last_event_at: datetime


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One export. It says nothing that a second attempt at the same export would say differently.

    `previous` is the hash of the manifest before; `columns` are those known so far, by class; `repeats` are rows left
    out because this or an earlier export has them already.
    """

    export: int
    previous: str
    rows: dict[str, int]
    repeats: int
    files: list[File]
    columns: dict[str, dict[str, str]]

    def encoded(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=1)


def hashed(body: bytes) -> str:
    return sha256(body).hexdigest()


def manifest_path(export: int) -> str:
    return f"{FOLDER}/{export:08}.json"


def day_folder(pclass: str, day: date) -> str:
    """Where a class keeps the rows of one day (event time, UTC)."""
    return f"pclass={pclass}/date={day.isoformat()}"


def file_path(folder: str, export: int) -> str:
    return f"{folder}/export-{export:08}.parquet"


def export_number(path: str) -> int | None:
    """The export a file or manifest belongs to; None when the name is not one of ours."""
    found = _NUMBER.search(path)
    return int(found[1]) if found else None


def newest(paths: Iterable[str]) -> int:
    """The highest export number among these names, 0 when there is none."""
    return max((export_number(path) or 0 for path in paths), default=0)
