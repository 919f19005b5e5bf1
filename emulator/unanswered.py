"""Messages that were published and that no function has answered with 2xx yet."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple


class Leaving(NamedTuple):
    """One message of a vehicle: its `number`th."""

    vehicle_id: str
    number: int


class Unanswered:
    """Which messages of which vehicle are out. `answered` is a listener of the plant's couriers."""

    def __init__(self) -> None:
        self.freed: list[str] = []
        self._out: dict[str, dict[int, None]] = defaultdict(dict)
        self._sent: Counter[str] = Counter()
        self._known: dict[str, Leaving] = {}
        self._answered_first: set[str] = set()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._known)

    def span(self, vehicle_id: str) -> int:
        """How many messages of a vehicle left since the oldest that is not answered, that one included."""
        out = self._out[vehicle_id]
        return self._sent[vehicle_id] - next(iter(out)) if out else 0

    def leaving(self, vehicle_id: str) -> Leaving:
        """A message of this vehicle is about to be published."""
        message = Leaving(vehicle_id, self._sent[vehicle_id])
        self._sent[vehicle_id] += 1
        self._out[vehicle_id][message.number] = None
        return message

    def published(self, message_ids: Sequence[str], messages: Sequence[Leaving]) -> None:
        """Pub/Sub has confirmed these; their answers may have come first."""
        for message_id, message in zip(message_ids, messages, strict=True):
            if message_id in self._answered_first:
                self._answered_first.discard(message_id)
                self._free(message)
            else:
                self._known[message_id] = message

    def answered(self, message_id: str) -> None:
        message = self._known.pop(message_id, None)
        if message is None:
            self._answered_first.add(message_id)
        else:
            self._free(message)

    async def until_changed(self, limit_s: float) -> bool:
        """Wait for the next answer; whether there was one."""
        self._changed.clear()
        try:
            async with asyncio.timeout(limit_s):
                return await self._changed.wait()
        except TimeoutError:
            return False

    def _free(self, message: Leaving) -> None:
        del self._out[message.vehicle_id][message.number]
        self.freed.append(message.vehicle_id)
        self._changed.set()
