"""`lines`: every production line with its workers, backlog and how far behind it is."""

import argparse
from collections import Counter

from rich.table import Table

from emulator import addresses
from emulator.commands.state import clock
from emulator.errors import EmulatorError
from emulator.terminal import NUMBER, TEXT, WORD, Terminal, listing
from functions.adapters.backlog import read_board
from functions.adapters.firestore import Firestore
from functions.core.ports import Document
from functions.errors import FleetlineError
from functions.lines import LINES

COLUMNS = {
    "line": WORD,
    "active": NUMBER,
    "silent": NUMBER,
    "ended": NUMBER,
    "readings": NUMBER,
    "newest event, UTC": TEXT,
    "unanswered": NUMBER,
    "oldest, s": NUMBER,
}


async def main(options: argparse.Namespace) -> int:
    plant = await addresses.running(options.addresses)
    store = Firestore(plant.project, emulator=plant.firestore)
    try:
        workers = await store.query("workers", only=["line", "status", "readings", "event_at"], everywhere=True)
        board = await read_board(plant.backlog) if plant.backlog else {}
    except FleetlineError as error:
        raise EmulatorError(str(error)) from error
    finally:
        await store.close()
    Terminal().show(_drawn(workers, board))
    return 0


def _drawn(workers: list[Document], board: dict[str, dict[str, float]]) -> Table:
    table = listing("production lines", COLUMNS)
    for line in LINES:
        own = [worker.fields for worker in workers if worker.fields.get("line") == line]
        status = Counter(fields.get("status") for fields in own)
        notice = board.get(line, {})
        table.add_row(
            line,
            *(f"{status[name]:,}" for name in ("active", "silent", "ended")),
            f"{sum(fields.get('readings', 0) for fields in own):,}",
            clock(max(times)) if (times := [one["event_at"] for one in own if one.get("event_at")]) else "–",
            f"{notice['unanswered']:,.0f}" if "unanswered" in notice else "–",
            f"{notice['oldest_unanswered_s']:,.1f}" if "oldest_unanswered_s" in notice else "–",
        )
    return table
