"""What Eventarc sends: a CloudEvent around a Pub/Sub message; here it is opened, whatever is inside."""

import json
import re
from base64 import b64decode
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from functions.core.ports import Message

TRACE_ATTRIBUTES = ("googclient_traceparent", "traceparent")
"""Where publishers leave the W3C trace context: Google's client libraries, and everybody else."""
_TRACE = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-")
_Time = Annotated[datetime, msgspec.Meta(tz=True)]


def opened(event: Any, received_at: datetime) -> Message:
    """The message inside a CloudEvent. What is not one (a hand-made request) is kept as it came, under the event's id,
    so that it can go to quarantine like everything else that cannot be read."""
    body = event.data
    message = body.get("message") if isinstance(body, dict) else None
    if not isinstance(message, dict):
        return Message(str(event["id"]), _raw(body), received_at)
    return Message(
        str(message.get("messageId") or event["id"]),
        _decoded(message.get("data", "")),
        _time(message.get("publishTime"), received_at),
        _trace(message.get("attributes")),
    )


def _decoded(data: object) -> bytes:
    try:
        return b64decode(data, validate=True) if isinstance(data, str) else _raw(data)
    except ValueError:
        return _raw(data)


def _raw(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"" if body is None else json.dumps(body).encode()


def _time(text: object, otherwise: datetime) -> datetime:
    try:
        return msgspec.convert(text, _Time).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        return otherwise


def _trace(attributes: object) -> str | None:
    if not isinstance(attributes, dict):
        return None
    found = (_TRACE.match(str(attributes.get(name, ""))) for name in TRACE_ATTRIBUTES)
    return next((match[1] for match in found if match), None)
