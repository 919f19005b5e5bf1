"""`verify`: the chain of exports, from the files alone: nothing changed, nothing missing, nothing twice."""

import argparse
from pathlib import Path

from rich.table import Table

from emulator import addresses
from emulator.errors import EmulatorError
from emulator.terminal import Terminal
from functions.adapters.bucket import Bucket
from functions.adapters.firestore import Firestore
from functions.core.chain import Verdict, verified
from functions.core.plural import plural


async def main(options: argparse.Namespace) -> int:
    folder, anchors = options.exports, None
    if folder is None:
        plant = await addresses.running(options.addresses)
        if not plant.exports:
            raise EmulatorError("the plant does not say where its exports are: name the folder")
        folder, anchors = Path(plant.exports), await _anchors(plant)
    if not folder.is_dir():
        raise EmulatorError(f"{folder} is no folder")
    verdict = verified(Bucket(str(folder)), anchors)
    terminal = Terminal()
    if not verdict.exports and not verdict.faults:
        terminal.say(f"nothing was exported to {folder} yet")
        return 0
    terminal.show(_drawn(verdict))
    for fault in verdict.faults:
        terminal.say(f"FAULT {fault}")
    kept = "" if anchors is None else ", and Firestore has the same hashes"
    if not verdict.faults:
        terminal.say(
            f"{plural(verdict.exports, 'export')}, {plural(len(verdict.files), 'file')}: the chain is whole{kept}"
        )
    return 1 if verdict.faults else 0


async def _anchors(plant: addresses.Addresses) -> dict[int, str]:
    """The hash of each manifest as Firestore keeps it, apart from the files."""
    store = Firestore(plant.project, emulator=plant.firestore)
    try:
        exports = await store.query("exports", only=["n", "manifest_sha256"])
    finally:
        await store.close()
    return {one.fields["n"]: one.fields["manifest_sha256"] for one in exports if one.fields.get("manifest_sha256")}


def _drawn(verdict: Verdict) -> Table:
    table = Table("class", box=None, pad_edge=False, header_style="bold")
    table.add_column("rows", justify="right")
    for pclass, rows in sorted(verdict.rows.items()):
        table.add_row(pclass, f"{rows:,}")
    return table
