"""Pub/Sub: topics, subscriptions and the leases of messages that are out for delivery.

A published message is stored once; each subscription holds a Delivery of it that moves ready → leased → acknowledged,
or back to ready (perhaps through delayed) when it is refused or its deadline passes.
"""

import asyncio
import heapq
import itertools
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from emulator.embedded.rpc import Conversation, Method, Refused, invalid, not_found, parse, unimplemented

PublishResponse: Any = types.PublishResponse.pb()
PullResponse: Any = types.PullResponse.pb()
PubsubMessage: Any = types.PubsubMessage.pb()
StreamingPullRequest: Any = types.StreamingPullRequest.pb()
StreamingPullResponse: Any = types.StreamingPullResponse.pb()

DELETED_TOPIC = "_deleted-topic_"
SWEEP_EVERY_S = 0.1
PULL_WAIT_S = 2.0  # a Pull that finds nothing is held so long; Google's hold it until shortly before its deadline
RESPONSE_MESSAGES = 1000
RESPONSE_BYTES = 1_000_000  # well under the 4 MiB a gRPC client accepts by default
PUBLISH_MESSAGES = 1000
MESSAGE_BYTES = 10_000_000
ATTRIBUTES, ATTRIBUTE_KEY_BYTES, ATTRIBUTE_VALUE_BYTES = 100, 256, 1024
RETENTION_DEFAULT_S, RETENTION_MIN_S, RETENTION_MAX_S = 604_800, 600, 2_678_400
UNSUPPORTED_SETTINGS = (
    "bigquery_config",
    "cloud_storage_config",
    "bigtable_config",
    "filter",
    "enable_message_ordering",
    "enable_exactly_once_delivery",
    "message_transforms",
)
_RESOURCE_ID = r"(?!goog)[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}"
_NAMES = {kind: re.compile(rf"projects/[^/]+/{kind}/{_RESOURCE_ID}") for kind in ("topics", "subscriptions")}


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
        self.ended: BaseException | None = None
        self.half_closed = False

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


class PubSub:
    """The Publisher and Subscriber services over one set of topics and subscriptions."""

    def __init__(self) -> None:
        self.topics: dict[str, Any] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self._by_topic: dict[str, list[Subscription]] = {}
        self._message_ids = itertools.count(1)

    def publisher_methods(self) -> dict[str, Method]:
        return {
            "CreateTopic": Method(types.Topic.pb(), self.create_topic),
            "GetTopic": Method(types.GetTopicRequest.pb(), self.get_topic),
            "ListTopics": Method(types.ListTopicsRequest.pb(), self.list_topics),
            "ListTopicSubscriptions": Method(types.ListTopicSubscriptionsRequest.pb(), self.list_topic_subscriptions),
            "DeleteTopic": Method(types.DeleteTopicRequest.pb(), self.delete_topic),
            "Publish": Method(types.PublishRequest.pb(), self.publish),
        }

    def subscriber_methods(self) -> dict[str, Method]:
        return {
            "CreateSubscription": Method(types.Subscription.pb(), self.create_subscription),
            "GetSubscription": Method(types.GetSubscriptionRequest.pb(), self.get_subscription),
            "ListSubscriptions": Method(types.ListSubscriptionsRequest.pb(), self.list_subscriptions),
            "DeleteSubscription": Method(types.DeleteSubscriptionRequest.pb(), self.delete_subscription),
            "Pull": Method(types.PullRequest.pb(), self.pull),
            "Acknowledge": Method(types.AcknowledgeRequest.pb(), self.acknowledge),
            "ModifyAckDeadline": Method(types.ModifyAckDeadlineRequest.pb(), self.modify_ack_deadline),
        }

    def conversations(self) -> dict[str, Conversation]:
        return {"StreamingPull": self.streaming_pull}

    async def sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            now = time.monotonic()
            for subscription in list(self.subscriptions.values()):
                subscription.sweep(now)

    def create_topic(self, topic: Any) -> Any:
        _check_name("topics", topic.name)
        if topic.name in self.topics:
            raise Refused(grpc.StatusCode.ALREADY_EXISTS, "Topic already exists")
        if topic.HasField("schema_settings") or topic.message_transforms:
            raise unimplemented("topic schemas and message transforms")
        self.topics[topic.name] = topic
        self._by_topic[topic.name] = []
        return topic

    def get_topic(self, request: Any) -> Any:
        return self._topic(request.topic)

    def list_topics(self, request: Any) -> Any:
        names, following = _page(_in_project(self.topics, request.project, "topics"), request)
        return types.ListTopicsResponse.pb()(topics=[self.topics[n] for n in names], next_page_token=following)

    def list_topic_subscriptions(self, request: Any) -> Any:
        self._topic(request.topic)
        names, following = _page([s.settings.name for s in self._by_topic[request.topic]], request)
        return types.ListTopicSubscriptionsResponse.pb()(subscriptions=names, next_page_token=following)

    def delete_topic(self, request: Any) -> Any:
        self._topic(request.topic)
        del self.topics[request.topic]
        for subscription in self._by_topic.pop(request.topic):
            subscription.settings.topic = DELETED_TOPIC
        return Empty()

    def publish(self, request: Any) -> Any:
        self._topic(request.topic)
        _check_messages(request.messages)
        return PublishResponse(message_ids=self._deliver(request.topic, request.messages))

    def _deliver(self, topic: str, messages: Sequence[Any]) -> list[str]:
        subscriptions = self._by_topic[topic]
        now = time.monotonic()
        stamp = types.PubsubMessage.pb()().publish_time
        stamp.GetCurrentTime()
        ids = []
        for message in messages:
            message_id = str(next(self._message_ids))
            ids.append(message_id)
            message.message_id = message_id
            message.publish_time.CopyFrom(stamp)
            size = message.ByteSize()
            for subscription in subscriptions:
                subscription.add(Delivery(message, size, now))
        for subscription in subscriptions:
            subscription.announce()
        return ids

    def _forward_dead_letter(self, source: Subscription, delivery: Delivery) -> bool:
        """Publish to the dead letter topic; where that is gone, the message goes on being delivered."""
        policy = source.settings.dead_letter_policy
        if policy.dead_letter_topic not in self.topics:
            return False
        message = PubsubMessage()
        message.CopyFrom(delivery.message)
        _, project, _, name = source.settings.name.split("/")
        message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] = str(delivery.attempts)
        message.attributes["CloudPubSubDeadLetterSourceSubscription"] = name
        message.attributes["CloudPubSubDeadLetterSourceSubscriptionProject"] = project
        message.attributes["CloudPubSubDeadLetterSourceTopicPublishTime"] = delivery.message.publish_time.ToJsonString()
        self._deliver(policy.dead_letter_topic, [message])
        return True

    def create_subscription(self, settings: Any) -> Any:
        _check_name("subscriptions", settings.name)
        _check_name("topics", settings.topic)
        if settings.name in self.subscriptions:
            raise Refused(grpc.StatusCode.ALREADY_EXISTS, "Subscription already exists")
        if settings.topic not in self.topics:
            raise not_found("Subscription topic does not exist")
        _check_settings(settings)
        if settings.HasField("dead_letter_policy"):
            _check_dead_letter_policy(settings.dead_letter_policy, self.topics)
        _fill_defaults(settings)
        subscription = Subscription(settings, self._forward_dead_letter)
        self.subscriptions[settings.name] = subscription
        self._by_topic[settings.topic].append(subscription)
        return settings

    def get_subscription(self, request: Any) -> Any:
        return self._subscription(request.subscription).settings

    def list_subscriptions(self, request: Any) -> Any:
        names, following = _page(_in_project(self.subscriptions, request.project, "subscriptions"), request)
        found = [self.subscriptions[name].settings for name in names]
        return types.ListSubscriptionsResponse.pb()(subscriptions=found, next_page_token=following)

    def delete_subscription(self, request: Any) -> Any:
        subscription = self._subscription(request.subscription)
        del self.subscriptions[request.subscription]
        if subscription.settings.topic in self._by_topic:
            self._by_topic[subscription.settings.topic].remove(subscription)
        subscription.deleted = True
        subscription.announce()
        return Empty()

    async def pull(self, request: Any) -> Any:
        subscription = self._subscription(request.subscription)
        if request.max_messages <= 0:
            raise invalid("No max_messages specified")
        limit = min(request.max_messages, RESPONSE_MESSAGES)
        leases = subscription.lease(subscription.deadline_s, limit, RESPONSE_BYTES)
        if not leases and not request.return_immediately:
            await _wait(subscription, PULL_WAIT_S)
            leases = subscription.lease(subscription.deadline_s, limit, RESPONSE_BYTES)
        return _response(PullResponse(), subscription, leases)

    def acknowledge(self, request: Any) -> Any:
        subscription = self._subscription(request.subscription)
        if not request.ack_ids:
            raise invalid("No ack ids specified.")
        subscription.acknowledge(request.ack_ids)
        return Empty()

    def modify_ack_deadline(self, request: Any) -> Any:
        subscription = self._subscription(request.subscription)
        if not request.ack_ids:
            raise invalid("No ack ids specified.")
        for ack_id in request.ack_ids:
            subscription.modify_deadline(ack_id, request.ack_deadline_seconds)
        return Empty()

    async def streaming_pull(self, requests: AsyncIterator[bytes], write: Callable[[bytes], Awaitable[None]]) -> None:
        opening = parse(StreamingPullRequest, await anext(aiter(requests)))
        _check_opening(opening)
        subscription = self._subscription(opening.subscription)
        stream = Stream(
            opening.stream_ack_deadline_seconds, opening.max_outstanding_messages, opening.max_outstanding_bytes
        )
        subscription.waiting.add(stream.wake)
        reader = asyncio.create_task(_read_stream(requests, opening, subscription, stream))
        try:
            await _write_stream(subscription, stream, write)
        finally:
            subscription.waiting.discard(stream.wake)
            reader.cancel()

    def _topic(self, name: str) -> Any:
        _check_name("topics", name)
        if name not in self.topics:
            raise not_found("Topic not found")
        return self.topics[name]

    def _subscription(self, name: str) -> Subscription:
        _check_name("subscriptions", name)
        if name not in self.subscriptions:
            raise not_found("Subscription does not exist")
        return self.subscriptions[name]


async def _read_stream(
    requests: AsyncIterator[bytes], opening: Any, subscription: Subscription, stream: Stream
) -> None:
    """Apply acks and deadlines until the client half-closes; the writer hears of an error through the stream."""
    try:
        _apply(opening, subscription)
        async for raw in requests:
            request = parse(StreamingPullRequest, raw)
            if request.subscription:
                raise invalid("subscription may only be set in first message")
            stream.deadline_s = request.stream_ack_deadline_seconds or stream.deadline_s
            _apply(request, subscription)
        stream.half_closed = True
    except Refused as refusal:
        stream.ended = refusal
    stream.wake.set()


def _apply(request: Any, subscription: Subscription) -> None:
    if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
        raise invalid("ack IDs and deadlines must have the same size")
    subscription.acknowledge(request.ack_ids)
    for ack_id, seconds in zip(request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=True):
        subscription.modify_deadline(ack_id, seconds)


async def _write_stream(subscription: Subscription, stream: Stream, write: Callable[[bytes], Awaitable[None]]) -> None:
    while True:
        stream.wake.clear()
        if stream.ended:
            raise stream.ended
        if subscription.deleted:
            raise not_found("Subscription does not exist")
        if stream.half_closed:
            return
        messages = min(RESPONSE_MESSAGES, stream.max_messages - stream.messages)
        size = min(RESPONSE_BYTES, stream.max_bytes - stream.bytes)
        leases = subscription.lease(stream.deadline_s, messages, size, stream)
        if not leases:
            await stream.wake.wait()
            continue
        stream.messages += len(leases)
        stream.bytes += sum(delivery.size for _, delivery in leases)
        await write(_response(StreamingPullResponse(), subscription, leases).SerializeToString())


async def _wait(subscription: Subscription, seconds: float) -> None:
    event = asyncio.Event()
    subscription.waiting.add(event)
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        pass
    finally:
        subscription.waiting.discard(event)


def _response(response: Any, subscription: Subscription, leases: list[tuple[str, Delivery]]) -> Any:
    add = response.received_messages.add
    counts = bool(subscription.attempts_limit)
    for ack_id, delivery in leases:
        add(ack_id=ack_id, message=delivery.message, delivery_attempt=delivery.attempts if counts else 0)
    return response


def _page(names: Iterable[str], request: Any) -> tuple[list[str], str]:
    """The page token is the first name of the next page, as on Google's emulator."""
    rest = sorted(name for name in names if name >= request.page_token)
    size = request.page_size if request.page_size > 0 else len(rest)
    return rest[:size], rest[size] if len(rest) > size else ""


def _in_project(names: Iterable[str], project: str, kind: str) -> list[str]:
    if not re.fullmatch(r"projects/[^/]+", project):
        raise invalid(f"Invalid project name: (name={project})")
    return [name for name in names if name.startswith(f"{project}/{kind}/")]


def _check_name(kind: str, name: str) -> None:
    if not _NAMES[kind].fullmatch(name):
        raise invalid(f"Invalid [{kind}] name: (name={name})")


def _check_messages(messages: Sequence[Any]) -> None:
    if not messages:
        raise invalid("No messages to publish")
    if len(messages) > PUBLISH_MESSAGES:
        raise invalid("Too many messages to publish")
    for message in messages:
        if message.attributes:
            _check_attributes(message.attributes)
        elif not message.data:
            raise invalid("Some messages are empty")
        if len(message.data) > MESSAGE_BYTES:
            raise invalid(f"The message data is longer than {MESSAGE_BYTES} bytes")


def _check_attributes(attributes: Any) -> None:
    if len(attributes) > ATTRIBUTES:
        raise invalid(f"A message has more than {ATTRIBUTES} attributes")
    for key, value in attributes.items():
        if not key or key.startswith("goog") or len(key.encode()) > ATTRIBUTE_KEY_BYTES:
            raise invalid(f"Invalid attribute key: {key[:ATTRIBUTE_KEY_BYTES]!r}")
        if len(value.encode()) > ATTRIBUTE_VALUE_BYTES:
            raise invalid(f"The value of attribute {key!r} is longer than {ATTRIBUTE_VALUE_BYTES} bytes")


def _check_settings(settings: Any) -> None:
    for field, _ in settings.ListFields():
        if field.name in UNSUPPORTED_SETTINGS:
            raise unimplemented(f"Subscription.{field.name}")
    if settings.push_config.push_endpoint:
        raise unimplemented("Subscription.push_config")
    if settings.ack_deadline_seconds and not 10 <= settings.ack_deadline_seconds <= 600:
        raise invalid("ack_deadline_secs out of bounds")
    retention_s = settings.message_retention_duration.ToTimedelta().total_seconds()
    if retention_s and not RETENTION_MIN_S <= retention_s <= RETENTION_MAX_S:
        raise invalid("message_retention_duration out of bounds")
    for name in ("minimum_backoff", "maximum_backoff"):
        if not 0 <= getattr(settings.retry_policy, name).ToTimedelta().total_seconds() <= 600:
            raise invalid(f"The value for {name} is out of bounds: it must be between 0s and 600s.")


def _check_dead_letter_policy(policy: Any, topics: dict[str, Any]) -> None:
    if policy.dead_letter_topic not in topics:
        raise not_found("Dead letter topic not found")
    policy.max_delivery_attempts = policy.max_delivery_attempts or 5
    if not 5 <= policy.max_delivery_attempts <= 100:
        reason = f"max_delivery_attempts must be between 5 and 100, not {policy.max_delivery_attempts}"
        raise Refused(grpc.StatusCode.OUT_OF_RANGE, reason)


def _fill_defaults(settings: Any) -> None:
    settings.push_config.SetInParent()
    settings.ack_deadline_seconds = settings.ack_deadline_seconds or 10
    if not settings.HasField("message_retention_duration"):
        settings.message_retention_duration.seconds = RETENTION_DEFAULT_S
    if settings.HasField("retry_policy"):
        policy = settings.retry_policy
        if not policy.HasField("minimum_backoff"):
            policy.minimum_backoff.seconds = 10
        if not policy.HasField("maximum_backoff"):
            policy.maximum_backoff.seconds = 600
        if policy.maximum_backoff.ToTimedelta() < policy.minimum_backoff.ToTimedelta():
            raise invalid("The value for maximum_backoff is smaller than minimum_backoff.")


def _check_opening(opening: Any) -> None:
    if not opening.subscription:
        raise invalid("first message must set subscription")
    if not opening.stream_ack_deadline_seconds:
        raise invalid("first message must set stream_ack_deadline_seconds")
    if not 10 <= opening.stream_ack_deadline_seconds <= 600:
        raise invalid("stream_ack_deadline_seconds must be between 10 and 600 seconds")
