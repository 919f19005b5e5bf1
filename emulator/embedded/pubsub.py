"""Pub/Sub: the Publisher and Subscriber services, from request to response, over topics and subscriptions."""

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from emulator.embedded.limits import (
    check_dead_letter_policy,
    check_messages,
    check_name,
    check_opening,
    check_settings,
    fill_defaults,
)
from emulator.embedded.rpc import Conversation, Method, Refused, invalid, not_found, parse, unimplemented
from emulator.embedded.subscription import Delivery, Stream, Subscription

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
        check_name("topics", topic.name)
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
        check_messages(request.messages)
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
        check_name("subscriptions", settings.name)
        check_name("topics", settings.topic)
        if settings.name in self.subscriptions:
            raise Refused(grpc.StatusCode.ALREADY_EXISTS, "Subscription already exists")
        if settings.topic not in self.topics:
            raise not_found("Subscription topic does not exist")
        check_settings(settings)
        if settings.HasField("dead_letter_policy"):
            check_dead_letter_policy(settings.dead_letter_policy, self.topics)
        fill_defaults(settings)
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
        check_opening(opening)
        subscription = self._subscription(opening.subscription)
        stream = Stream(
            opening.stream_ack_deadline_seconds, opening.max_outstanding_messages, opening.max_outstanding_bytes
        )
        subscription.waiting.add(stream.wake)
        reader = asyncio.create_task(_read_stream(requests, opening, subscription, stream))
        reader.add_done_callback(lambda _: stream.wake.set())
        try:
            await _write_stream(subscription, stream, write, reader)
        finally:
            subscription.waiting.discard(stream.wake)
            reader.cancel()

    def _topic(self, name: str) -> Any:
        check_name("topics", name)
        if name not in self.topics:
            raise not_found("Topic not found")
        return self.topics[name]

    def _subscription(self, name: str) -> Subscription:
        check_name("subscriptions", name)
        if name not in self.subscriptions:
            raise not_found("Subscription does not exist")
        return self.subscriptions[name]


async def _read_stream(
    requests: AsyncIterator[bytes], opening: Any, subscription: Subscription, stream: Stream
) -> None:
    """Apply acks and deadlines until the client half-closes."""
    _apply(opening, subscription)
    async for raw in requests:
        request = parse(StreamingPullRequest, raw)
        if request.subscription:
            raise invalid("subscription may only be set in first message")
        stream.deadline_s = request.stream_ack_deadline_seconds or stream.deadline_s
        _apply(request, subscription)


def _apply(request: Any, subscription: Subscription) -> None:
    if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
        raise invalid("ack IDs and deadlines must have the same size")
    subscription.acknowledge(request.ack_ids)
    for ack_id, seconds in zip(request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=True):
        subscription.modify_deadline(ack_id, seconds)


async def _write_stream(
    subscription: Subscription, stream: Stream, write: Callable[[bytes], Awaitable[None]], reader: asyncio.Task[None]
) -> None:
    """Send what is ready as fast as the client takes it, until the reader ends; its error is the stream's."""
    while not reader.done():
        stream.wake.clear()
        if subscription.deleted:
            raise not_found("Subscription does not exist")
        messages = min(RESPONSE_MESSAGES, stream.max_messages - stream.messages)
        size = min(RESPONSE_BYTES, stream.max_bytes - stream.bytes)
        leases = subscription.lease(stream.deadline_s, messages, size, stream)
        if leases:
            await write(_response(StreamingPullResponse(), subscription, leases).SerializeToString())
        else:
            await stream.wake.wait()
    reader.result()


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
