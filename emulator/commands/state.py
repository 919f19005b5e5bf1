"""`state`: what the workers of one vehicle know, read from Firestore."""

import argparse
import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from emulator import addresses
from emulator.errors import EmulatorError
from emulator.terminal import Terminal
from functions.adapters.firestore import Firestore
from functions.core.plural import plural
from functions.core.ports import Document
from functions.errors import FleetlineError

FIRST = ("status", "hired_at", "expires_at", "event_at", "seen_at", "readings")
HIDDEN = ("memory", "line", "vehicle_id", "shard", "forget_at", "owing")


async def main(options: argparse.Namespace) -> int:
    plant = await addresses.asked(options)
    store = Firestore(plant.project, emulator=plant.firestore)
    try:
        workers = await store.query(f"vehicles/{options.vehicle}/workers")
    except FleetlineError as error:
        raise EmulatorError(f"Firestore did not answer: {error}") from error
    finally:
        await store.close()
    if options.json:
        print(json.dumps({_line(worker): worker.fields for worker in workers}, default=plain, indent=2))
        return 0 if workers else 1
    if not workers:
        raise EmulatorError(f"no worker knows a vehicle {options.vehicle}")
    terminal = Terminal()
    for worker in workers:
        terminal.show(_drawn(options.vehicle, worker))
    return 0


def _line(worker: Document) -> str:
    return worker.path.rpartition("/")[2]


def _drawn(vehicle_id: str, worker: Document) -> Table:
    table = Table(title=f"{vehicle_id} · {_line(worker)}", title_justify="left", show_header=False)
    fields = worker.fields
    for name in [*FIRST, *(name for name in sorted(fields) if name not in (*FIRST, *HIDDEN))]:
        if name in fields:
            table.add_row(name, shown(fields[name]))
    table.add_row("memory", plural(len(fields.get("memory", b"")), "byte"), style="dim")
    return table


def shown(value: Any) -> str:
    """A value as people read it; times in UTC, a thing with parts as a line for each."""
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_flat(part)}" for name, part in value.items()) or "–"
    if isinstance(value, list):
        return "\n".join(_flat(part) for part in value) or "–"
    if isinstance(value, datetime):
        return f"{clock(value)} UTC"
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) >= 1000 else f"{value:.6g}"
    return _WORDS.get(value, str(value)) if value is None or isinstance(value, bool) else str(value)


def clock(at: datetime) -> str:
    """A time in UTC, where the heading says so."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


_WORDS = {None: "–", True: "yes", False: "no"}


def _flat(value: Any) -> str:
    """A part of a thing on one line; what is not known is left out."""
    if isinstance(value, dict):
        known = {name: part for name, part in value.items() if part not in (None, [], {})}
        return ", ".join(f"{name} {_flat(part)}" for name, part in known.items())
    return " ".join(_flat(part) for part in value) if isinstance(value, list) else shown(value)


def plain(value: object) -> str:
    """What JSON has no value for."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return b64encode(value).decode() if isinstance(value, bytes) else str(value)
