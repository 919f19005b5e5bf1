"""Messages that were published and that no function has answered with 2xx yet."""

import asyncio
from collections import Counter
from collections.abc import Sequence


class Unanswered:
    """Message id → vehicle, and how many each vehicle has out. `answered` is a listener of the plant's couriers."""

    def __init__(self) -> None:
        self.by_vehicle: Counter[str] = Counter()
        self.freed: list[str] = []
        self._vehicles: dict[str, str] = {}
        self._answered_first: set[str] = set()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._vehicles)

    def leaving(self, vehicle_id: str) -> None:
        """A message of this vehicle is about to be published."""
        self.by_vehicle[vehicle_id] += 1

    def published(self, message_ids: Sequence[str], vehicle_ids: Sequence[str]) -> None:
        """Pub/Sub has confirmed these; their answers may have come first."""
        for message_id, vehicle_id in zip(message_ids, vehicle_ids, strict=True):
            if message_id in self._answered_first:
                self._answered_first.discard(message_id)
                self._free(vehicle_id)
            else:
                self._vehicles[message_id] = vehicle_id

    def answered(self, message_id: str) -> None:
        vehicle_id = self._vehicles.pop(message_id, None)
        if vehicle_id is None:
            self._answered_first.add(message_id)
        else:
            self._free(vehicle_id)

    async def until_changed(self, limit_s: float) -> bool:
        """Wait for the next answer; whether there was one."""
        self._changed.clear()
        try:
            async with asyncio.timeout(limit_s):
                return await self._changed.wait()
        except TimeoutError:
            return False

    def _free(self, vehicle_id: str) -> None:
        self.by_vehicle[vehicle_id] -= 1
        self.freed.append(vehicle_id)
        self._changed.set()
