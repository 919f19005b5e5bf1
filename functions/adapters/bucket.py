"""The export folder: a directory, or a prefix of a Cloud Storage bucket. A file in it is whole or absent."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname
from uuid import uuid4

from pyarrow import fs

_RETRY = timedelta(seconds=60)
_PARTIAL = "_partial"
"""Where files stay until they are whole: on the same file system, and skipped by readers of Parquet folders."""


class Bucket:
    """A folder path, `file://…` or `gs://bucket/prefix` (of the `emulator` at this host:port, where one is named).

    Its calls block: make them in a thread. Paths are relative, with slashes. What the file system reports is raised
    as it is (OSError).
    """

    def __init__(self, url: str, emulator: str | None = None) -> None:
        self._directory = _directory(url)
        if self._directory is None:
            open_door = {"anonymous": True, "scheme": "http", "endpoint_override": emulator} if emulator else {}
            self._files: Any = fs.GcsFileSystem(retry_time_limit=_RETRY, **open_door)
            self._root = url.removeprefix("gs://").rstrip("/")
        else:
            self._files = fs.LocalFileSystem()
            self._root = self._directory.as_posix()

    def put(self, path: str, body: bytes) -> None:
        """Write a file; an older one of that name is replaced in one instant."""
        if self._directory is None:
            with self._files.open_output_stream(f"{self._root}/{path}") as stream:
                stream.write(body)
        else:
            _put_durably(self._directory, path, body)

    def read(self, path: str) -> bytes:
        with self.open(path) as file:
            body: bytes = file.read()
        return body

    def open(self, path: str) -> Any:
        """A file to read parts of."""
        return self._files.open_input_file(f"{self._root}/{path}")

    def list(self, folder: str = "") -> list[str]:
        """Paths of all files in a folder and below, sorted; none when there is no such folder."""
        inside = fs.FileSelector(f"{self._root}/{folder}".rstrip("/"), recursive=True, allow_not_found=True)
        found = self._files.get_file_info(inside)
        paths = (entry.path[len(self._root) + 1 :] for entry in found if entry.type == fs.FileType.File)
        return sorted(path for path in paths if not path.startswith(_PARTIAL))


def _directory(url: str) -> Path | None:
    parts = urlparse(url)
    if parts.scheme == "gs":
        return None
    return Path(url2pathname(parts.path) if parts.scheme == "file" else url).resolve()


def _put_durably(root: Path, path: str, body: bytes) -> None:
    """Temporary name, fsync, rename, fsync of the folder: whole after a crash of the machine too."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    (root / _PARTIAL).mkdir(exist_ok=True)
    partial = root / _PARTIAL / uuid4().hex
    try:
        with partial.open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    if os.name == "posix":
        _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
