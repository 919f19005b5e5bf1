"""Products: what workers make. Rows with derived ids, so that at-least-once everywhere is once in the export."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256

import msgspec

from functions.core.ids import digest, product_id
from functions.core.line import Emission, Product, Row

TRANSPORTATION = "transportation"
"""The topic that products travel on to the warehouse."""
EXCERPT_BYTES = 2_000
MOST_MESSAGE_BYTES = 400_000
"""Products travel in lists of about this size: under Eventarc's 512 KB, with room for one large quarantined payload."""
PAYLOAD_BYTES = 256_000
"""Of what cannot be read, the row holds an excerpt, and the whole of it up to this size."""

KNOWN, HISTORY = 1, 0
"""Versions of a reading's row: one that the worker's state knows wins over one that came too late to be told."""


def reading_row(
    pclass: str,
    line: str,
    vehicle_id: str,
    key: bytes,
    event_at: datetime,
    received_at: datetime,
    version: int,
    late: bool,
) -> Row:
    """The columns every reading's row begins with; the line's own follow."""
    return {
        "pclass": pclass,
        "product_id": product_id(pclass, key),
        "event_id": key.hex(),
        "version": version,
        "vehicle_id": vehicle_id,
        "line": line,
        "event_at": event_at,
        "received_at": received_at,
        "late": late,
    }


def product_row(
    product: Product, line: str, vehicle_id: str, key: bytes, event_at: datetime, received_at: datetime
) -> Row:
    """A product other than a reading's row; `key` is that of the reading (or contract's end) that made it."""
    return {
        "pclass": product.pclass,
        "product_id": product_id(product.pclass, key, product.subject),
        "event_id": key.hex(),
        "version": KNOWN,
        "vehicle_id": vehicle_id,
        "line": line,
        "event_at": product.event_at or event_at,
        "received_at": received_at,
        "late": False,
        **product.columns,
    }


def quarantined_row(
    line: str,
    message_id: str,
    position: int | None,
    payload: bytes,
    reason: str,
    vehicle_id: str | None,
    received_at: datetime,
) -> Row:
    """A product for what cannot be read: why, where it stood (`position` in its list, None = the whole message), and
    the thing itself. Its id comes from message and position, so a redelivery makes the same one."""
    key = digest("quarantined", line, message_id, position)
    return {
        "pclass": "quarantined",
        "product_id": product_id("quarantined", key),
        "event_id": key.hex(),
        "version": KNOWN,
        "vehicle_id": vehicle_id,
        "line": line,
        "event_at": received_at,
        "received_at": received_at,
        "late": False,
        "reason": reason,
        "message_id": message_id,
        "position": position,
        "size": len(payload),
        "sha256": sha256(payload).hexdigest(),
        "excerpt": payload[:EXCERPT_BYTES].decode("utf-8", "replace"),
        "payload_base64": b64encode(payload).decode() if len(payload) <= PAYLOAD_BYTES else None,
    }


def as_messages(emissions: Iterable[Emission]) -> dict[str, list[bytes]]:
    """What was decided, by topic, as JSON lists that are each small enough to be one message."""
    by_topic: dict[str, list[bytes]] = {}
    for topic, row in emissions:
        by_topic.setdefault(topic, []).append(msgspec.json.encode(row))
    return {topic: list(_lists(rows)) for topic, rows in by_topic.items()}


def _lists(rows: Sequence[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for row in rows:
        if waiting and size + len(row) > MOST_MESSAGE_BYTES:
            yield b"[" + b",".join(waiting) + b"]"
            waiting, size = [], 0
        waiting.append(row)
        size += len(row) + 1
    if waiting:
        yield b"[" + b",".join(waiting) + b"]"
