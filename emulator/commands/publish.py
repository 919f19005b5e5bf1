"""`publish`: one message to a line of a running plant."""

import argparse
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from emulator import addresses
from emulator.errors import EmulatorError
from emulator.publisher import Publisher
from functions.adapters.clock import now
from functions.adapters.pubsub import PubSub
from functions.core.command import Reply
from functions.core.horizon import CLOCK_AHEAD
from functions.core.payload import elements
from functions.core.plural import plural
from functions.core.reading import Reading
from functions.core.refusal import refusal
from functions.errors import FleetlineError, Malformed
from functions.lines import LINES

REPLIES = "replies"
"""The topic on which vehicles and workshops answer commands."""


async def main(options: argparse.Namespace) -> int:
    if options.line not in (*LINES, REPLIES):
        raise EmulatorError(f"there is no line {options.line}; lines are {', '.join(LINES)}; and there is {REPLIES}")
    payload = (sys.stdin.buffer.read() if options.payload == "-" else os.fsencode(options.payload)).strip()
    if not payload:
        raise EmulatorError("the message is empty: Pub/Sub takes none without data")
    plant = await addresses.asked(options)
    publisher = (PubSub if options.line == REPLIES else Publisher)(plant.project, plant.pubsub)
    try:
        message_id = (await publisher.publish(options.line, [payload]))[0]
    except FleetlineError as error:
        raise EmulatorError(f"Pub/Sub did not take it: {error}") from error
    finally:
        await publisher.close()
    print(f"published message {message_id} to {options.line} ({plural(len(payload), 'byte')})")
    for warning in warnings(options.line, payload, now()):
        print(warning, file=sys.stderr)
    return 0


def warnings(line: str, payload: bytes, at: datetime) -> Iterator[str]:
    """What will become of events that change no state. They are published all the same: it is something to see."""
    fate = "answers no command" if line == REPLIES else "will be quarantined"
    try:
        found = elements(payload)
    except Malformed as error:
        yield f"it {fate}: {error}"
        return
    if not found:
        yield "it is an empty list: nothing will come of it"
    for position, element in found:
        which = "it" if position is None else f"element {position}"
        try:
            event_at = _event_at(line, element)
        except Malformed as error:
            yield f"{which} {fate}: {error}"
        else:
            if event_at is not None and event_at > at + CLOCK_AHEAD:
                yield (
                    f"{which} will be exported as clock_ahead and change no state: event_time "
                    f"{event_at:%Y-%m-%d %H:%M:%S} UTC is more than {CLOCK_AHEAD.seconds // 60} min ahead of now"
                )


def _event_at(line: str, element: Any) -> datetime | None:
    """The time of an event as its line reads it, None of a reply; Malformed when it cannot be read."""
    if line in LINES:
        reading: Reading = LINES[line].parse(element)[1]
        return reading.event_at
    try:
        msgspec.convert(element, Reply)
    except msgspec.ValidationError as error:
        raise refusal(error, element, Reply) from None
    return None
