"""The files the page is made of: its own, and Leaflet's from the installed package."""

import gzip
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

_KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
LEAFLET = ("leaflet.css", "leaflet.js")


class File(NamedTuple):
    """A file as it is sent: gzipped, with the tag that says whether a browser has it already."""

    kind: str
    packed: bytes
    tag: str


@cache
def all_files() -> dict[str, File]:
    """By path ("/", "/page/map.js", "/leaflet/leaflet.js"); read once, when somebody opens the page."""
    return {path: _read(found) for path, found in _found()}


def _found() -> Iterator[tuple[str, Traversable]]:
    page = files("functions.roles.dashboard") / "page"
    yield "/", page / "index.html"
    for file in page.iterdir():
        yield f"/page/{file.name}", file
    leaflet = files("xstatic.pkg.leaflet") / "data"
    for name in LEAFLET:
        yield f"/leaflet/{name}", leaflet / name


def _read(file: Traversable) -> File:
    content = file.read_bytes()
    kind = _KINDS[file.name.rpartition(".")[2]]
    tag = hashlib.blake2b(content, digest_size=8).hexdigest()
    return File(f"{kind}; charset=utf-8", gzip.compress(content, 9, mtime=0), f'"{tag}"')
