"""`roster`: every worker that is employed, read from Firestore."""

import argparse
from datetime import UTC, datetime

from rich.table import Table

from emulator import addresses
from emulator.commands.state import shown
from emulator.errors import EmulatorError
from emulator.terminal import Terminal
from functions.adapters.firestore import Firestore
from functions.core.plural import plural
from functions.core.ports import Document
from functions.errors import FleetlineError

FIELDS = ("vehicle_id", "line", "status", "event_at", "seen_at", "expires_at", "readings")


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
    Terminal().show(_drawn(sorted(workers, key=lambda worker: worker.path)[: options.limit], len(workers)))
    return 0


def _drawn(workers: list[Document], count: int) -> Table:
    more = f", the first {len(workers)} shown" if len(workers) < count else ""
    table = Table(title=f"{plural(count, 'worker')} at {datetime.now(UTC):%H:%M:%S} UTC{more}", title_justify="left")
    for name in ("vehicle", "line", "status", "last event", "last heard", "contract until", "readings"):
        table.add_column(name, justify="right" if name == "readings" else "left")
    for worker in workers:
        table.add_row(*(shown(worker.fields.get(name)) for name in FIELDS))
    return table
