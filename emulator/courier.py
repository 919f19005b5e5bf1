"""Eventarc's part: takes the messages of one subscription to one function and acknowledges what it answered with 2xx.

StreamingPull in, concurrent CloudEvent POSTs out. A failure gives the message back to Pub/Sub, whose retry policy and
dead-letter policy hold here as in the cloud, with laptop-sized delays: 0.1–10 s for one message (10–600 s in the
cloud) and as much again for the whole subscription while everything fails. A function that nobody listens for is
waited for, as Cloud Run queues requests while an instance starts. Leases need no extension: a message is held at
most HOLD_S, and its ack deadline is 600 s.
"""

import asyncio
import time
from array import array
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

import grpc
import grpc.aio
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from emulator.cloud_event import Envelope, publish_time
from emulator.http_client import Down, Instance, Lost
from emulator.ports import answers
from emulator.processes import Say
from emulator.pubsub_admin import ACK_DEADLINE_S, FIRST_RETRY_S, SLOWEST_RETRY_S
from functions.adapters.channel import unary

MOST_MESSAGE_BYTES = 512_000
"""Eventarc delivers nothing larger: it goes to the dead letters at once."""
HOLD_S = 300.0
ACK_EVERY_S = 0.005
FAILURES_BEFORE_BACKOFF = 10
_SUBSCRIBER = "/google.pubsub.v1.Subscriber/"

_StreamingPullRequest: Any = types.StreamingPullRequest.pb()
_StreamingPullResponse: Any = types.StreamingPullResponse.pb()
_AcknowledgeRequest: Any = types.AcknowledgeRequest.pb()
_ModifyAckDeadlineRequest: Any = types.ModifyAckDeadlineRequest.pb()

Answered = Callable[[str], None]
"""Told the id of every message whose function answered 2xx."""


class Counts:
    """What a courier did. `unanswered` are messages met and not yet answered 2xx: id → publish time (Unix seconds);
    `moved_s` is when something was last delivered or answered (monotonic seconds)."""

    def __init__(self) -> None:
        self.delivered = 0
        self.acked = 0
        self.nacked = 0
        self.unanswered: dict[str, float] = {}
        self.latencies_ms = array("f")
        self.moved_s = 0.0

    def oldest_unanswered_s(self) -> float:
        """Age of the oldest message that was met and not answered; 0 when there is none."""
        return time.time() - min(self.unanswered.values()) if self.unanswered else 0.0


class PushBackoff:
    """Holds a whole subscription back while nothing succeeds, ever longer."""

    def __init__(self) -> None:
        self._failures = 0
        self._pause_s = 0.0
        self._until_s = 0.0

    def succeeded(self) -> None:
        self._failures = 0
        self._pause_s = 0.0

    def failed(self, now_s: float) -> None:
        self._failures += 1
        if self._failures >= FAILURES_BEFORE_BACKOFF and now_s >= self._until_s:
            self._pause_s = min(max(2 * self._pause_s, FIRST_RETRY_S), SLOWEST_RETRY_S)
            self._until_s = now_s + self._pause_s

    def left_s(self, now_s: float) -> float:
        return max(0.0, self._until_s - now_s) if self._pause_s else 0.0


class Courier:
    """One subscription's deliveries, spread over the instances of its function in turn."""

    def __init__(
        self,
        subscription: str,
        channel: grpc.aio.Channel,
        envelope: Envelope,
        instances: Sequence[Instance],
        *,
        most_in_flight: int,
        timeout_s: float,
        streams: int,
        dead_letter: Callable[[bytes], Any],
        answered: Answered,
        say: Say,
    ) -> None:
        self.counts = Counts()
        self._subscription = subscription
        self._envelope = envelope
        self._instances = instances
        self._turns = cycle(instances)
        self._most_in_flight = most_in_flight
        self._slots = asyncio.Semaphore(most_in_flight)
        """Google's emulator does not keep to max_outstanding_messages: while none is free, the stream is not read."""
        self._timeout_s = timeout_s
        self._streams = streams
        self._dead_letter = dead_letter
        self._answered = answered
        self._say = say
        self._backoff = PushBackoff()
        self._probing = asyncio.Lock()
        self._acks: list[str] = []
        self._nacks: list[str] = []
        self._something_to_send = asyncio.Event()
        self._pull = channel.stream_stream(
            _SUBSCRIBER + "StreamingPull",
            request_serializer=_StreamingPullRequest.SerializeToString,
            response_deserializer=_StreamingPullResponse.FromString,
        )
        self._acknowledge = unary(channel, _SUBSCRIBER + "Acknowledge", Empty)
        self._modify = unary(channel, _SUBSCRIBER + "ModifyAckDeadline", Empty)

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_answers())
            for _ in range(self._streams):
                tasks.create_task(self._follow_stream(tasks))

    async def _follow_stream(self, tasks: asyncio.TaskGroup) -> None:
        opening = _StreamingPullRequest(
            subscription=self._subscription,
            stream_ack_deadline_seconds=ACK_DEADLINE_S,
            max_outstanding_messages=max(1, self._most_in_flight // self._streams),
            client_id="courier",
        )
        while True:
            call = self._pull()
            try:
                await call.write(opening)
                async for response in call:
                    self.counts.moved_s = time.monotonic()
                    for received in response.received_messages:
                        await self._slots.acquire()
                        tasks.create_task(self._deliver(received))
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
                code = error.code().name if isinstance(error, grpc.aio.AioRpcError) else "closed"
                self._say(f"the stream of {self._subscription} broke ({code}) and is opened again")
            finally:
                call.cancel()
            await asyncio.sleep(1)

    async def _deliver(self, received: Any) -> None:
        message, counts = received.message, self.counts
        published_s = message.publish_time.seconds + message.publish_time.nanos / 1e9
        counts.delivered += 1
        counts.unanswered.setdefault(message.message_id, published_s)
        taken = await (self._bury(message) if len(message.data) > MOST_MESSAGE_BYTES else self._taken(received))
        counts.moved_s = time.monotonic()
        if taken:
            counts.acked += 1
            counts.latencies_ms.append(1000 * (time.time() - published_s))
            counts.unanswered.pop(message.message_id, None)
            self._backoff.succeeded()
            self._acks.append(received.ack_id)
            self._answered(message.message_id)
        else:
            counts.nacked += 1
            self._backoff.failed(time.monotonic())
            self._nacks.append(received.ack_id)
        self._something_to_send.set()
        self._slots.release()

    async def _taken(self, received: Any) -> bool:
        """Whether a function answered 2xx."""
        published = publish_time(received.message)
        headers = self._envelope.headers(received.message.message_id, published)
        body = self._envelope.body(received.message, published, received.delivery_attempt)
        while pause_s := self._backoff.left_s(time.monotonic()):
            await asyncio.sleep(pause_s)
        try:
            async with asyncio.timeout(HOLD_S):
                while True:
                    for instance in (next(self._turns) for _ in self._instances):
                        try:
                            async with asyncio.timeout(self._timeout_s):
                                answer = await instance.post(self._envelope.path, headers, body)
                        except Down:
                            continue
                        return 200 <= answer.status < 300
                    await self._until_up()
        except (Lost, TimeoutError):
            return False

    async def _until_up(self) -> None:
        """Wait until some instance listens; one of the waiting asks, the others wait for it."""
        async with self._probing:
            while not any([await answers(f"{instance.host}:{instance.port}") for instance in self._instances]):
                await asyncio.sleep(FIRST_RETRY_S)

    async def _bury(self, message: Any) -> bool:
        self._say(f"message {message.message_id} has {len(message.data)} bytes, over {MOST_MESSAGE_BYTES}: dead letter")
        await self._dead_letter(message.data)
        return True

    async def _send_answers(self) -> None:
        """Acknowledge, or give back, what was answered; many messages a request. A lost one means a redelivery."""
        while True:
            await self._something_to_send.wait()
            await asyncio.sleep(ACK_EVERY_S)
            self._something_to_send.clear()
            acks, self._acks = self._acks, []
            nacks, self._nacks = self._nacks, []
            try:
                if acks:
                    await self._acknowledge(
                        _AcknowledgeRequest(subscription=self._subscription, ack_ids=acks), timeout=10
                    )
                if nacks:
                    await self._modify(
                        _ModifyAckDeadlineRequest(
                            subscription=self._subscription, ack_ids=nacks, ack_deadline_seconds=0
                        ),
                        timeout=10,
                    )
            except grpc.aio.AioRpcError as error:
                self._say(f"answers to {self._subscription} were lost ({error.code().name})")
