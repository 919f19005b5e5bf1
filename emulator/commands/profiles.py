"""`profiles`: settings of vehicles, from a file into a running plant."""

import argparse

from emulator import addresses, profiles
from emulator.errors import EmulatorError
from functions.adapters.firestore import Firestore
from functions.core.plural import plural
from functions.errors import FleetlineError


async def main(options: argparse.Namespace) -> int:
    found = profiles.read(options.file)
    plant = await addresses.asked(options)
    store = Firestore(plant.project, emulator=plant.firestore)
    try:
        await profiles.write(store, found)
    except FleetlineError as error:
        raise EmulatorError(f"Firestore did not answer: {error}") from error
    finally:
        await store.close()
    print(f"{plural(len(found), 'profile')} written; the functions read them within 30 s")
    return 0
