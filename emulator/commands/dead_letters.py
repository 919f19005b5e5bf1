"""`dead-letters`: messages that failed too often; look at them, and publish them again."""

import argparse
import asyncio
from collections.abc import AsyncIterator

from rich.table import Table

from emulator import addresses
from emulator.dead_letters import AT_ONCE, DeadLetter, DeadLetters
from emulator.errors import EmulatorError
from emulator.terminal import NUMBER, TEXT, WORD, Terminal, listing
from functions.adapters.pubsub import PubSub
from functions.core.plural import plural
from functions.errors import FleetlineError
from infra.plant import TRIGGERS

SHOWN_CHARACTERS = 100


async def main(options: argparse.Namespace) -> int:
    if options.topic and options.topic not in TRIGGERS:
        raise EmulatorError(f"topic {options.topic} has no dead letters; those that have: {', '.join(TRIGGERS)}")
    topics = [options.topic] if options.topic else list(TRIGGERS)
    plant = await addresses.asked(options)
    letters = DeadLetters(plant.project, plant.pubsub)
    bus = PubSub(plant.project, plant.pubsub)
    try:
        if options.again:
            await asyncio.gather(*(_publish_again(letters, bus, topic, options.limit) for topic in topics))
        else:
            every = await asyncio.gather(*(_looked_at(letters, topic, options.limit) for topic in topics))
            found = dict(zip(topics, every, strict=True))
            Terminal().show(_drawn(found)) if any(every) else print("no dead letters")
    except FleetlineError as error:
        raise EmulatorError(f"Pub/Sub did not answer: {error}") from error
    finally:
        await letters.close()
        await bus.close()
    return 0


async def _publish_again(letters: DeadLetters, bus: PubSub, topic: str, limit: int) -> None:
    """Published first and struck out then: one that is published twice changes nothing."""
    count = 0
    async for found in _taken(letters, topic, limit):
        await bus.publish(topic, [letter.data for letter in found])
        await letters.done(topic, found)
        count += len(found)
    if count:
        print(f"{topic}: {count:,} published again", flush=True)


async def _looked_at(letters: DeadLetters, topic: str, limit: int) -> list[DeadLetter]:
    """All are taken before any is put back, so that none is seen twice."""
    found = [letter async for some in _taken(letters, topic, limit) for letter in some]
    await letters.put_back(topic, found)
    return found


def _drawn(found: dict[str, list[DeadLetter]]) -> Table:
    columns = {"topic": WORD, "message": WORD, "put aside, UTC": TEXT, "bytes": NUMBER, "begins with": TEXT}
    table = listing(plural(sum(map(len, found.values())), "dead letter"), columns)
    for topic, letters in found.items():
        for letter in letters:
            begins = letter.data[:SHOWN_CHARACTERS].decode(errors="replace")
            put_aside = f"{letter.published_at:%Y-%m-%d %H:%M:%S}"
            table.add_row(topic, letter.message_id, put_aside, f"{len(letter.data):,}", begins)
    return table


async def _taken(letters: DeadLetters, topic: str, limit: int) -> AsyncIterator[list[DeadLetter]]:
    while limit > 0 and (found := await letters.take(topic, min(limit, AT_ONCE))):
        yield found
        limit -= len(found)
