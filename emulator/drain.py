"""The end of a run: waits until everything published is answered, packed and exported."""

import asyncio
import time

from emulator.exports import ExportFolder
from emulator.plant import Plant
from emulator.processes import Say
from emulator.unanswered import Unanswered
from functions.core.plural import plural

QUIET_S = 0.6
"""A stream that has brought nothing for so long has nothing: Pub/Sub's emulator delivers every 50 ms. An answer begins
the wait anew, for what a function published before it answered is still to come."""
STALLED_S = 90.0
"""Without any progress for so long, the run ends as it is; what is missing is then reported as lost."""
SAY_EVERY_S = 2.0


class Drain:
    """Drains one plant, saying every two seconds how far it is."""

    def __init__(self, plant: Plant, unanswered: Unanswered, exports: ExportFolder, say: Say) -> None:
        self._plant = plant
        self._exports = exports
        self._unanswered = unanswered
        self._say = say
        self._said_s = time.monotonic()
        self._moved_s = time.monotonic()
        self._position: tuple[int, ...] = ()
        self._said = ""

    async def run(self) -> bool:
        """Whether everything came through; False when it stalled."""
        while not self._stalled():
            self._plant.check()
            messages = self._messages()
            if messages == 0 and self._quiet():
                if not await self._crates():
                    return True
                self._say_progress("exporting")
                await self._plant.timekeepers["driver"].call_now()
            else:
                self._say_progress(
                    f"{plural(messages, 'message')} to answer" if messages else "waiting for the last deliveries"
                )
            await asyncio.sleep(0.1)
        self._say(f"nothing has moved for {STALLED_S:.0f} s: the run ends as it is; logs in {self._plant.logs}")
        return False

    def _messages(self) -> int:
        held = sum(len(courier.counts.unanswered) for courier in self._plant.couriers.values())
        return max(len(self._unanswered), held)

    def _quiet(self) -> bool:
        latest_s = max(courier.counts.moved_s for courier in self._plant.couriers.values())
        return time.monotonic() - latest_s > QUIET_S

    async def _crates(self) -> bool:
        """Whether the warehouse still holds something, or an export is not finished."""
        store = self._plant.firestore
        crates = await store.query("crates", limit=1, only=["id"])
        return bool(crates or await store.query("exports", [("state", "==", "open")], limit=1, only=["state"]))

    def _stalled(self) -> bool:
        counts = [courier.counts for courier in self._plant.couriers.values()]
        position = (len(self._unanswered), len(self._exports.files()), *(count.acked for count in counts))
        if position != self._position:
            self._position, self._moved_s = position, time.monotonic()
        return time.monotonic() - self._moved_s > STALLED_S

    def _say_progress(self, text: str) -> None:
        waited_s = time.monotonic() - self._said_s
        if waited_s >= SAY_EVERY_S and (text != self._said or waited_s >= 5 * SAY_EVERY_S):
            self._said, self._said_s = text, time.monotonic()
            self._say(f"draining: {text}")
