"""Topics and trigger subscriptions, made from the plant table as gcloud and Eventarc make them in the cloud."""

from collections.abc import Iterable
from typing import Any

import grpc
import grpc.aio
from google.pubsub_v1 import types

from functions.adapters.channel import open_channel, unary
from infra.plant import DEAD_LETTER_ATTEMPTS, DEAD_LETTER_RETENTION_S, Function, Topic, dead_letter_topic

ACK_DEADLINE_S = 600
FIRST_RETRY_S = 0.1
SLOWEST_RETRY_S = 10.0
"""How long a message waits after a failure. In the cloud it is 10–600 s: nobody wants to watch that."""

_Topic: Any = types.Topic.pb()
_Subscription: Any = types.Subscription.pb()


def subscription_name(project: str, topic: str) -> str:
    """The full name of the trigger subscription of a topic."""
    return f"projects/{project}/subscriptions/eventarc-{topic}"


async def create(project: str, pubsub: str, topics: Iterable[Topic], functions: Iterable[Function]) -> None:
    """Make every topic, a subscription for each function that one triggers and one for its dead letters; what exists
    is left as it is."""
    channel = open_channel("pubsub.googleapis.com:443", pubsub)
    create_topic = unary(channel, "/google.pubsub.v1.Publisher/CreateTopic", _Topic)
    create_subscription = unary(channel, "/google.pubsub.v1.Subscriber/CreateSubscription", _Subscription)
    known = {topic.name: topic for topic in topics}
    try:
        for name in known:
            await _made(create_topic(_Topic(name=f"projects/{project}/topics/{name}"), timeout=10))
        for function in functions:
            if function.topic is not None:
                await _made(create_subscription(_trigger(project, known[function.topic], known), timeout=10))
                if (dead := dead_letter_topic(function.topic)) in known:
                    await _made(create_subscription(_kept(project, dead), timeout=10))
    finally:
        await channel.close()


def _trigger(project: str, topic: Topic, known: dict[str, Topic]) -> Any:
    subscription = _Subscription(
        name=subscription_name(project, topic.name),
        topic=f"projects/{project}/topics/{topic.name}",
        ack_deadline_seconds=ACK_DEADLINE_S,
    )
    subscription.message_retention_duration.FromSeconds(topic.retention_s)
    subscription.retry_policy.minimum_backoff.FromMilliseconds(round(FIRST_RETRY_S * 1000))
    subscription.retry_policy.maximum_backoff.FromMilliseconds(round(SLOWEST_RETRY_S * 1000))
    if dead_letter_topic(topic.name) in known:
        subscription.dead_letter_policy.dead_letter_topic = f"projects/{project}/topics/{dead_letter_topic(topic.name)}"
        subscription.dead_letter_policy.max_delivery_attempts = DEAD_LETTER_ATTEMPTS
    return subscription


def _kept(project: str, dead: str) -> Any:
    """The subscription that keeps dead letters: without one, what is published to their topic is gone."""
    name = f"projects/{project}/subscriptions/{dead}"
    subscription = _Subscription(name=name, topic=f"projects/{project}/topics/{dead}")
    subscription.message_retention_duration.FromSeconds(DEAD_LETTER_RETENTION_S)
    return subscription


async def _made(call: Any) -> None:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
            raise
