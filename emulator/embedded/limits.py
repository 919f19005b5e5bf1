"""Pub/Sub's documented limits and defaults: what a name, a message and a subscription's settings may be."""

import re
from collections.abc import Sequence
from typing import Any

import grpc

from emulator.embedded.rpc import Refused, invalid, not_found, unimplemented

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


def check_name(kind: str, name: str) -> None:
    if not _NAMES[kind].fullmatch(name):
        raise invalid(f"Invalid [{kind}] name: (name={name})")


def check_messages(messages: Sequence[Any]) -> None:
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


def check_settings(settings: Any) -> None:
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


def check_dead_letter_policy(policy: Any, topics: dict[str, Any]) -> None:
    if policy.dead_letter_topic not in topics:
        raise not_found("Dead letter topic not found")
    policy.max_delivery_attempts = policy.max_delivery_attempts or 5
    if not 5 <= policy.max_delivery_attempts <= 100:
        reason = f"max_delivery_attempts must be between 5 and 100, not {policy.max_delivery_attempts}"
        raise Refused(grpc.StatusCode.OUT_OF_RANGE, reason)


def fill_defaults(settings: Any) -> None:
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


def check_opening(opening: Any) -> None:
    if not opening.subscription:
        raise invalid("first message must set subscription")
    if not opening.stream_ack_deadline_seconds:
        raise invalid("first message must set stream_ack_deadline_seconds")
    if not 10 <= opening.stream_ack_deadline_seconds <= 600:
        raise invalid("stream_ack_deadline_seconds must be between 10 and 600 seconds")
