"""What Eventarc sends: a CloudEvent around a Pub/Sub message; here it is opened, whatever is inside."""

from base64 import b64decode
from binascii import Error as NotBase64
from datetime import UTC, datetime
from typing import Any

import msgspec

from functions.core.ports import Message


def opened(event: Any, received_at: datetime) -> Message:
    """The message inside a CloudEvent. What is not one (a hand-made request) is kept as it came, under the event's id,
    so that it can go to quarantine like everything else that cannot be read."""
    body = event.data
    message = body.get("message") if isinstance(body, dict) else None
    if not isinstance(message, dict):
        return Message(str(event["id"]), _raw(body), received_at)
    message_id = str(message.get("messageId") or event["id"])
    return Message(message_id, _decoded(message.get("data", "")), _time(message.get("publishTime"), received_at))


def _decoded(data: object) -> bytes:
    try:
        return b64decode(data, validate=True) if isinstance(data, str) else _raw(data)
    except (NotBase64, ValueError):
        return str(data).encode()


def _raw(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"" if body is None else msgspec.json.encode(body)


def _time(text: object, otherwise: datetime) -> datetime:
    try:
        return msgspec.convert(text, datetime).astimezone(UTC)
    except (msgspec.ValidationError, ValueError, OverflowError):
        return otherwise
