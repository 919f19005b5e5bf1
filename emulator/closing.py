"""The end of a recording: nothing more will be heard of its vehicles, so their contracts end as silence would end them.

Without it the last trip of every vehicle would wait for a contract to run out after the replay is over.
"""

from datetime import datetime, timedelta

from emulator.plant import Plant
from functions.adapters import clock
from functions.adapters.profiles import ProfileShelf
from functions.adapters.pubsub import PubSub
from functions.lines import LINES
from functions.roles.monitor import Monitor

LATER = timedelta(days=400)
"""Longer than any contract."""


class _Answered:
    """Everything is answered by now."""

    async def unanswered_s(self, topic: str) -> float:
        del topic
        return 0.0


async def end_contracts(plant: Plant) -> int:
    """Have the monitor make its round as if a year had passed; the contracts it ended."""
    bus = PubSub(plant.project, plant.backend.pubsub)
    shelf = ProfileShelf(plant.firestore, clock.now)
    monitor = Monitor(LINES.values(), plant.firestore, bus, shelf, _Answered(), _later)
    total = 0
    try:
        while ended := sum((await monitor.run())["ended"].values()):
            total += ended
    finally:
        await bus.close()
    return total


def _later() -> datetime:
    return clock.now() + LATER
