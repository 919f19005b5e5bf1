"""`bench`: how fast this machine takes events, as medians of several rounds."""

import argparse
import json

from rich.table import Table

from emulator import bench
from emulator.plant import Plant
from emulator.terminal import Terminal
from functions.core.plural import plural


async def main(options: argparse.Namespace) -> int:
    terminal = Terminal(options.quiet)
    plant = Plant(options.backend, only=("gps",), deliver=False, say=terminal.say)
    async with plant:
        terminal.say(
            f"{len(bench.LOADS)} loads of {plural(options.readings, 'reading')}, {plural(options.rounds, 'round')}"
        )
        figures = await bench.director(plant, options.rounds, options.readings)
        backend = plant.backend.name
    table = Table("director, " + backend, "readings/s", "messages/s", "µs processor/reading", box=None, pad_edge=False)
    for figure in figures:
        cpu = f"{figure.cpu_us:,.0f}" if figure.cpu_us is not None else "?"
        table.add_row(figure.load, f"{figure.readings_per_s:,.0f}", f"{figure.messages_per_s:,.0f}", cpu)
    terminal.show(table)
    if options.report is not None:
        rows = [figure._asdict() for figure in figures]
        options.report.write_text(json.dumps({"backend": backend, "director": rows}, indent=2) + "\n")
        terminal.say(f"report: {options.report}")
    return 0
