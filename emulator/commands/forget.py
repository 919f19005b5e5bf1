"""`forget`: erase a vehicle's traces, in Firestore and in every exported file."""

import argparse
import json
from urllib.parse import urlparse

from emulator import addresses
from emulator.errors import EmulatorError
from emulator.http_client import Down, Instance, Lost
from emulator.terminal import Terminal


async def main(options: argparse.Namespace) -> int:
    plant = await addresses.running(options.addresses)
    address = urlparse(plant.functions["driver"])
    driver = Instance(address.hostname or "", address.port or 0)
    body = json.dumps({"forget": options.vehicle}).encode()
    try:
        answer = await driver.post(b"/", b"content-type: application/json\r\n", body)
    except (Down, Lost) as error:
        raise EmulatorError(f"the driver does not answer: {error}") from None
    finally:
        driver.close()
    if answer.status != 200:
        raise EmulatorError(f"the driver answered {answer.status}: {answer.body.decode(errors='replace')[:500]}")
    erased = json.loads(answer.body)
    documents, files = erased["documents"], erased["files"]
    if not documents and not files:
        raise EmulatorError(f"nothing is known of {options.vehicle}: is the name right?")
    Terminal().say(f"{options.vehicle} is forgotten: documents deleted {documents}, exported files rewritten {files}")
    return 0
