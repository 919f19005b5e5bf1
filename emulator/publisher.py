"""Vehicles' part: publishes payloads to the lines and enters what Pub/Sub confirmed in the ledger."""

import asyncio
from collections.abc import Sequence

from emulator.errors import EmulatorError
from emulator.ledger import Ledger
from functions.adapters.pubsub import MOST_MESSAGE_BYTES, MOST_REQUEST_MESSAGES, PubSub
from functions.errors import Unavailable

ATTEMPTS = 5


class Publisher:
    """One project's lines, as vehicles see them."""

    def __init__(self, project: str, pubsub: str | None) -> None:
        self.ledger = Ledger()
        self._bus = PubSub(project, pubsub)

    async def publish(self, line: str, payloads: Sequence[bytes]) -> list[str]:
        """Publish payloads in their order; their message ids. EmulatorError when one is empty or too large."""
        for payload in payloads:
            if not payload:
                raise EmulatorError(f"a message to {line} is empty: Pub/Sub takes none without data")
            if len(payload) > MOST_MESSAGE_BYTES:
                raise EmulatorError(
                    f"a message to {line} has {len(payload):,} bytes; Eventarc delivers at most "
                    f"{MOST_MESSAGE_BYTES:,}: send its events in several messages"
                )
        message_ids: list[str] = []
        for start in range(0, len(payloads), MOST_REQUEST_MESSAGES):
            message_ids += await self._confirmed(line, payloads[start : start + MOST_REQUEST_MESSAGES])
        return message_ids

    async def close(self) -> None:
        await self._bus.close()

    async def _confirmed(self, line: str, payloads: Sequence[bytes]) -> list[str]:
        """Publish again when nobody answered; what got through twice is a repeat like any other."""
        for attempt in range(ATTEMPTS):
            try:
                message_ids = await self._bus.publish(line, payloads)
            except Unavailable as error:
                last = error
                await asyncio.sleep(0.2 * 2**attempt)
            else:
                self.ledger.enter(line, message_ids, payloads)
                return message_ids
        raise EmulatorError(f"Pub/Sub did not take messages for {line} in {ATTEMPTS} attempts: {last}")
