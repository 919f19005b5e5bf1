"""Events from files: JSON Lines, CSV and GPX, plain or gzipped, in the order they stand there."""

import csv
import gzip
import io
import json
import math
import re
import typing
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import msgspec

from emulator.errors import EmulatorError
from functions.lines import LINES

_MPS_TO_KPH = 3.6


class FileEvent(NamedTuple):
    """One event to replay. `vehicle_id` and `event_at` (Unix seconds) are empty where it has none that can be read."""

    line: str
    payload: bytes
    vehicle_id: str
    event_at: float | None


def check(path: Path) -> None:
    """EmulatorError when a file is not there, or its name does not say how it is to be read."""
    if not path.is_file():
        raise EmulatorError(f"there is no file {path}")
    if _kind_of(path) not in _READERS:
        raise EmulatorError(f"{path}: the name must end in .jsonl, .csv or .gpx (perhaps with .gz behind it)")


def read(path: Path, default_line: str) -> Iterator[FileEvent]:
    """The events of one file; EmulatorError when it cannot be read as what its name says."""
    check(path)
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from _READERS[_kind_of(path)](typing.cast(typing.BinaryIO, file), path, default_line)
    except gzip.BadGzipFile:
        raise EmulatorError(f"{path} cannot be read: it is not gzipped") from None
    except UnicodeDecodeError:
        raise EmulatorError(f"{path} cannot be read: it is not UTF-8 text") from None
    except (OSError, EOFError, csv.Error, ElementTree.ParseError) as error:
        raise EmulatorError(f"{path} cannot be read: {error}") from error


def _json_lines(file: typing.BinaryIO, path: Path, default_line: str) -> Iterator[FileEvent]:
    """What is no JSON object is published as it stands, so that a bad line ends in quarantine like any other."""
    for number, text in enumerate(file, start=1):
        payload = text.strip()
        if not payload:
            continue
        try:
            event = json.loads(payload)
        except ValueError:
            yield FileEvent(default_line, payload, "", None)
            continue
        line = event.pop("line", None) if isinstance(event, dict) else None
        if line is not None:
            payload = json.dumps(event, separators=(",", ":")).encode()
        yield _event(line or default_line, event, payload, f"{path}:{number}")


def _csv(file: typing.BinaryIO, path: Path, default_line: str) -> Iterator[FileEvent]:
    """Columns are named as the events' fields; an empty cell is a field that was not sent."""
    with io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
        for number, row in enumerate(csv.DictReader(text), start=2):
            line = row.pop("line", None) or default_line
            where = f"{path}:{number}"
            kinds = _kinds(_must_be_line(line, where))
            event = {name: _cell(cell, kinds.get(name, str)) for name, cell in row.items() if name and cell}
            yield _event(line, event, json.dumps(event, separators=(",", ":")).encode(), where)


def _gpx(file: typing.BinaryIO, path: Path, _: str) -> Iterator[FileEvent]:
    """Track points as gps events of a vehicle called like the file."""
    vehicle_id = re.sub(r"[^A-Za-z0-9._:-]+", "-", path.name.split(".")[0]).strip("-._:")[:64] or "gpx"
    for _, element in ElementTree.iterparse(file):
        if _tag(element) != "trkpt":
            continue
        inside = {_tag(child): (child.text or "").strip() for child in element.iter()}
        if not inside.get("time"):
            continue
        event: dict[str, Any] = {"vehicle_id": vehicle_id, "event_time": inside["time"]}
        event |= {"latitude": _number(element.get("lat", "")), "longitude": _number(element.get("lon", ""))}
        if inside.get("ele"):
            event["altitude_m"] = _number(inside["ele"])
        speed_mps = _number(inside.get("speed", ""))
        if isinstance(speed_mps, float):
            event["speed_kph"] = round(speed_mps * _MPS_TO_KPH, 2)
        yield _event("gps", event, json.dumps(event, separators=(",", ":")).encode(), str(path))
        element.clear()


def _kind_of(path: Path) -> str:
    return next((part for part in reversed(path.suffixes) if part != ".gz"), "")


_READERS = {".jsonl": _json_lines, ".ndjson": _json_lines, ".json": _json_lines, ".csv": _csv, ".gpx": _gpx}


def _event(line: object, event: object, payload: bytes, where: str) -> FileEvent:
    name = _must_be_line(line, where)
    if not isinstance(event, dict):
        return FileEvent(name, payload, "", None)
    vehicle_id = event.get("vehicle_id")
    known = vehicle_id if isinstance(vehicle_id, str) else ""
    return FileEvent(name, payload, known, _unix_s(event.get("event_time")))


def _must_be_line(line: object, where: str) -> str:
    if not isinstance(line, str) or line not in LINES:
        raise EmulatorError(f"{where}: there is no line {line!r}; lines are {', '.join(LINES)}")
    return line


def _unix_s(event_time: object) -> float | None:
    if isinstance(event_time, int | float) and not isinstance(event_time, bool):
        return float(event_time) if math.isfinite(event_time) else None
    try:
        at = msgspec.convert(event_time, datetime)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (msgspec.ValidationError, OverflowError, ValueError):
        return None


def _kinds(line: str) -> dict[str, type]:
    """Which cells of a CSV are numbers, truth values or lists: as the line's events declare them."""
    if line not in _KINDS:
        hints = typing.get_type_hints(LINES[line].event_type)
        _KINDS[line] = {name: _kind(hint) for name, hint in hints.items()}
    return _KINDS[line]


_KINDS: dict[str, dict[str, type]] = {}


def _kind(hint: Any) -> type:
    """The first of bool, float, int and list that occurs in a type hint, else str; event_time takes either."""
    members = {hint, *typing.get_args(hint)}
    members |= {inner for member in members for inner in typing.get_args(member)}
    names = {typing.get_origin(member) or member for member in members}
    if datetime in names:
        return datetime
    return next((kind for kind in (bool, float, int, list, dict) if kind in names), str)


def _cell(text: str, kind: type) -> Any:
    """A cell as its field's type; one that is not stays text, so that the line refuses it by name."""
    if kind is bool:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower(), text)
    if kind in (float, int, datetime):
        return _number(text)
    if kind in (list, dict) or text[:1] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _number(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2].lower()
