"""Derived ids: whatever happens twice has the same id twice, so repeats can be found and change nothing."""

from datetime import datetime
from hashlib import blake2b

import msgspec

ID_BYTES = 12
"""96 bits: a billion ids collide with probability 6e-12 (birthday bound n²/2^97)."""

_encode = msgspec.msgpack.encode


def digest(*parts: object) -> bytes:
    """The first 96 bits of BLAKE2b over the parts, packed so that no two lists of parts look the same."""
    return blake2b(_encode(parts), digest_size=ID_BYTES).digest()


def event_key(
    line: str, vehicle_id: str, event_at: datetime, event_id: str | None, fields: tuple[object, ...]
) -> bytes:
    """What makes an event the same event: the publisher's event_id if it gave one, else everything it measured.

    The event time is part of it either way, because a device's counter may start again at 1.
    """
    return digest(line, vehicle_id, event_at, event_id if event_id is not None else fields)


def product_id(pclass: str, key: bytes, subject: str = "") -> str:
    """Id of a product, 24 hex digits: its class, the event it was made of, and its subject (probe, sku, fence…)."""
    return digest(pclass, key, subject).hex()
