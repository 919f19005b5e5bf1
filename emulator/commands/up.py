"""`up`: everything up until Ctrl-C or SIGTERM, its addresses printed and written."""

import argparse
import asyncio

from emulator import addresses
from emulator.plant import Plant
from emulator.terminal import Terminal

CHECK_EVERY_S = 1.0


async def main(options: argparse.Namespace) -> int:
    terminal = Terminal(options.quiet)
    plant = Plant(
        options.backend,
        instances=options.instances,
        exports=options.exports,
        profiles=options.profiles,
        say=terminal.say,
    )
    async with plant:
        with addresses.written(plant, options.addresses):
            terminal.say(_told(plant, options.addresses or addresses.current()))
            while True:
                plant.check()
                await asyncio.sleep(CHECK_EVERY_S)


def _told(plant: Plant, file: object) -> str:
    return (
        f"export PUBSUB_EMULATOR_HOST={plant.backend.pubsub}\n"
        f"export FIRESTORE_EMULATOR_HOST={plant.backend.firestore}\n"
        f"export GOOGLE_CLOUD_PROJECT={plant.project}\n"
        f"exports: {plant.exports}\n"
        f"addresses: {file}\n"
        "up; Ctrl-C stops everything"
    )
