"""`publish`: one message to a line of a running plant."""

import argparse
import sys

from emulator import addresses
from emulator.errors import EmulatorError
from emulator.publisher import Publisher
from functions.adapters.pubsub import PubSub
from functions.core.payload import elements
from functions.core.plural import plural
from functions.errors import FleetlineError, Malformed
from functions.lines import LINES

REPLIES = "replies"
"""The topic on which vehicles and workshops answer commands."""


async def main(options: argparse.Namespace) -> int:
    text = sys.stdin.read() if options.payload == "-" else options.payload
    payload = text.strip().encode()
    if options.line not in (*LINES, REPLIES):
        raise EmulatorError(f"there is no line {options.line}; lines are {', '.join(LINES)}; and there is {REPLIES}")
    plant = await addresses.running(options.addresses)
    publisher = (PubSub if options.line == REPLIES else Publisher)(plant.project, plant.pubsub)
    try:
        message_id = (await publisher.publish(options.line, [payload]))[0]
    except FleetlineError as error:
        raise EmulatorError(f"Pub/Sub did not take it: {error}") from error
    finally:
        await publisher.close()
    print(f"published message {message_id} to {options.line} ({plural(len(payload), 'byte')})")
    for problem in _problems(options.line, payload) if options.line in LINES else ():
        print(f"it will be quarantined: {problem}", file=sys.stderr)
    return 0


def _problems(line: str, payload: bytes) -> list[str]:
    """What the line will say of it: published all the same, because quarantine is something to see."""
    problems = []
    try:
        found = elements(payload)
    except Malformed as error:
        return [str(error)]
    for position, element in found:
        try:
            LINES[line].parse(element)
        except Malformed as error:
            problems.append(str(error) if position is None else f"element {position}: {error}")
    return problems
