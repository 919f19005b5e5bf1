"""What Pub/Sub remembers of a subscription: every message it still owes, and to whom it is lent.

A published message is stored once; each subscription holds a Delivery of it that moves ready → leased → acknowledged,
or back to ready (perhaps through delayed) when it is refused or its deadline passes.
"""

import asyncio
import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from emulator.embedded.rpc import invalid


class Delivery:
    """One message on its way through one subscription."""

    __slots__ = ("attempts", "expires_at", "message", "published_at", "size", "stream")

    def __init__(self, message: Any, size: int, published_at: float) -> None:
        self.message = message
        self.size = size
        self.published_at = published_at
        self.attempts = 0
        self.expires_at = 0.0
        self.stream: Stream | None = None


class Stream:
    """One StreamingPull: how much the client will still take, and how to wake its writer."""

    def __init__(self, deadline_s: int, max_messages: int, max_bytes: int) -> None:
        self.deadline_s = deadline_s
        self.max_messages = max_messages if max_messages > 0 else 1 << 62
        self.max_bytes = max_bytes if max_bytes > 0 else 1 << 62
        self.messages = 0
        self.bytes = 0
        self.wake = asyncio.Event()

    def take(self, delivery: Delivery) -> None:
        self.messages += 1
        self.bytes += delivery.size

    def release(self, delivery: Delivery) -> None:
        self.messages -= 1
        self.bytes -= delivery.size
        self.wake.set()


class Subscription:
    """The settings of a subscription and every message it still owes."""

    def __init__(self, settings: Any, dead_letters: Callable[["Subscription", Delivery], bool]) -> None:
        self.settings = settings
        self.deadline_s: int = settings.ack_deadline_seconds
        self.retention_s: float = settings.message_retention_duration.ToTimedelta().total_seconds()
        self.attempts_limit: int = settings.dead_letter_policy.max_delivery_attempts
        self.ready: deque[Delivery] = deque()
        self.delayed: list[tuple[float, int, Delivery]] = []
        self.leased: dict[str, Delivery] = {}
        self.waiting: set[asyncio.Event] = set()
        self.deleted = False
        self._dead_letters = dead_letters
        self._serial = itertools.count(1)

    def add(self, delivery: Delivery) -> None:
        self.ready.append(delivery)

    def announce(self) -> None:
        for event in self.waiting:
            event.set()

    def lease(
        self, deadline_s: int, messages: int, size: int, stream: Stream | None = None
    ) -> list[tuple[str, Delivery]]:
        """Take what is ready, at most so many messages and bytes (always one message when any is allowed)."""
        leases: list[tuple[str, Delivery]] = []
        if not self.ready or messages <= 0 or size <= 0:
            return leases
        now = time.monotonic()
        while self.ready and len(leases) < messages and size > 0:
            delivery = self.ready.popleft()
            if delivery.published_at + self.retention_s < now:
                continue
            size -= delivery.size
            delivery.attempts += 1
            delivery.expires_at = now + deadline_s
            delivery.stream = stream
            if stream:
                stream.take(delivery)
            ack_id = f"{self.settings.name}:{next(self._serial)}"
            self.leased[ack_id] = delivery
            leases.append((ack_id, delivery))
        return leases

    def acknowledge(self, ack_ids: Iterable[str]) -> None:
        """An id whose lease has expired is no error: the message is simply delivered again."""
        for ack_id in ack_ids:
            self._end_lease(ack_id)

    def modify_deadline(self, ack_id: str, seconds: int) -> None:
        if seconds < 0:
            raise invalid("Ack deadline cannot be negative")
        if seconds > 600:
            raise invalid("Ack deadline cannot be more than 600 seconds")
        if seconds:
            if ack_id in self.leased:
                self.leased[ack_id].expires_at = time.monotonic() + seconds
            else:
                self._check_issued(ack_id)
        elif delivery := self._end_lease(ack_id):
            self._give_back(delivery)
            self.announce()

    def sweep(self, now: float) -> None:
        """Give back what was not acknowledged in time and what has waited out its backoff."""
        expired = [ack_id for ack_id, delivery in self.leased.items() if delivery.expires_at <= now]
        for ack_id in expired:
            if delivery := self._end_lease(ack_id):
                self._give_back(delivery)
        while self.delayed and self.delayed[0][0] <= now:
            self.ready.append(heapq.heappop(self.delayed)[2])
        if self.ready:
            self.announce()

    def _end_lease(self, ack_id: str) -> Delivery | None:
        delivery = self.leased.pop(ack_id, None)
        if delivery is None:
            self._check_issued(ack_id)
        elif delivery.stream is not None:
            delivery.stream.release(delivery)
        return delivery

    def _check_issued(self, ack_id: str) -> None:
        if not ack_id.startswith(f"{self.settings.name}:"):
            raise invalid(f"Invalid ack id (ack_id={ack_id})")

    def _give_back(self, delivery: Delivery) -> None:
        if self.attempts_limit and delivery.attempts >= self.attempts_limit and self._dead_letters(self, delivery):
            return
        if not self.settings.HasField("retry_policy"):
            self.ready.append(delivery)
            return
        policy = self.settings.retry_policy
        shortest, longest = (b.ToTimedelta().total_seconds() for b in (policy.minimum_backoff, policy.maximum_backoff))
        backoff_s = min(shortest * 2 ** min(delivery.attempts - 1, 20), longest)
        heapq.heappush(self.delayed, (time.monotonic() + backoff_s, next(self._serial), delivery))
