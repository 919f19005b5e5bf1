"""`roster`: every worker that is employed, read from Firestore."""

import argparse
from datetime import UTC, datetime

from rich.table import Table

from emulator import addresses
from emulator.commands.state import clock, shown
from emulator.errors import EmulatorError
from emulator.terminal import NUMBER, TEXT, WORD, Terminal, listing
from functions.adapters.firestore import Firestore
from functions.core.plural import plural
from functions.core.ports import Document
from functions.errors import FleetlineError

FIELDS = ("vehicle_id", "line", "status", "event_at", "seen_at", "expires_at", "readings")
COLUMNS = {
    "vehicle": TEXT,
    "line": WORD,
    "status": WORD,
    "last event, UTC": TEXT,
    "last heard, UTC": TEXT,
    "contract until, UTC": TEXT,
    "readings": NUMBER,
}


async def main(options: argparse.Namespace) -> int:
    plant = await addresses.running(options.addresses)
    store = Firestore(plant.project, emulator=plant.firestore)
    where = [] if options.all else [("status", "in", ["active", "silent"])]
    try:
        workers = await store.query("workers", where, only=FIELDS, everywhere=True)
    except FleetlineError as error:
        raise EmulatorError(f"Firestore did not answer: {error}") from error
    finally:
        await store.close()
    if workers:
        Terminal().show(_drawn(sorted(workers, key=lambda worker: worker.path)[: options.limit], len(workers)))
    else:
        Terminal().say("no workers" if options.all else "no workers under contract")
    return 0


def _drawn(workers: list[Document], count: int) -> Table:
    more = f", the first {len(workers)} shown" if len(workers) < count else ""
    table = listing(f"{plural(count, 'worker')} at {datetime.now(UTC):%H:%M:%S} UTC{more}", COLUMNS)
    for worker in workers:
        values = (worker.fields.get(name) for name in FIELDS)
        table.add_row(*(clock(value) if isinstance(value, datetime) else shown(value) for value in values))
    return table
