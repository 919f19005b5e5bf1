"""Crates: messages of product rows packed by class into documents of bounded size. Pure, apart from a log line
for what is no row of a product: that becomes a quarantined product, so nothing is dropped and nothing goes round."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import msgspec

from functions.core.columns import frame, parquet
from functions.core.ids import digest
from functions.core.line import Row
from functions.core.payload import elements, packed
from functions.core.ports import Fields, Message
from functions.core.product import PAYLOAD_BYTES, quarantined_row
from functions.core.refusal import refusal
from functions.errors import Malformed

MOST_CRATE_BYTES = 700_000
"""Firestore takes 1 MiB a document."""

_log = logging.getLogger(__name__)


class Crate(NamedTuple):
    """A document to write once; `owners` are the messages (by place in the load) it holds rows of."""

    path: str
    fields: Fields
    bytes: int
    owners: frozenset[int]


class _Slot(NamedTuple):
    """One row and where it came from: its message's place in the load, its position in the message's list."""

    owner: int
    position: int | None
    row: Row


class _Head(msgspec.Struct):
    """What every product row must have; `pclass` becomes the name of a folder."""

    pclass: Annotated[
        str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z", description="1 to 64 of a-z, 0-9 and _, a letter first")
    ]
    product_id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    version: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
    event_at: Annotated[datetime, msgspec.Meta(tz=True)]


def crates_of(load: Sequence[Message]) -> list[Crate]:
    """Every row of these messages, in crates of one class each."""
    by_class: dict[str, list[_Slot]] = defaultdict(list)
    for owner, message in enumerate(load):
        for slot in _slots(owner, message):
            by_class[slot.row["pclass"]].append(slot)
    crates: dict[str, Crate] = {}
    for pclass, slots in by_class.items():
        for crate in _packed(pclass, slots, load):
            same = crates.get(crate.path, crate)  # a document may stand in a write only once
            crates[crate.path] = same._replace(owners=same.owners | crate.owners)
    return list(crates.values())


def _slots(owner: int, message: Message) -> Iterator[_Slot]:
    try:
        found = elements(message.data)
    except Malformed as error:
        yield _quarantined(owner, message, None, message.data, str(error))
        return
    for position, element in found:
        try:
            yield _Slot(owner, position, _checked(element))
        except Malformed as error:
            yield _quarantined(owner, message, position, packed(element, PAYLOAD_BYTES), str(error))


def _checked(element: Any) -> Row:
    if not isinstance(element, dict):
        raise Malformed("", element, "is not a row of a product")
    try:
        msgspec.convert(element, _Head).event_at.astimezone(UTC)
    except msgspec.ValidationError as error:
        raise refusal(error, element, _Head) from None
    except OverflowError:
        raise Malformed("event_at", element["event_at"], "is out of range") from None
    return element


def _quarantined(owner: int, message: Message, position: int | None, payload: bytes, reason: str) -> _Slot:
    where = {"message_id": message.message_id, "position": position}
    _log.error("no row of a product, quarantined", extra={**where, "reason": reason})
    at = message.published_at
    return _Slot(
        owner, position, quarantined_row("transportation", message.message_id, position, payload, reason, None, at)
    )


def _packed(pclass: str, slots: Sequence[_Slot], load: Sequence[Message]) -> list[Crate]:
    """Rows of one class in crates that are not too large; halving finds the row that cannot be packed at all."""
    try:
        crate = _crate(pclass, slots)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        reason = f"cannot be packed ({error})"
    else:
        if crate.bytes <= MOST_CRATE_BYTES:
            return [crate]
        reason = f"takes {crate.bytes} bytes, a crate holds {MOST_CRATE_BYTES}"
    if len(slots) > 1:
        middle = len(slots) // 2
        return _packed(pclass, slots[:middle], load) + _packed(pclass, slots[middle:], load)
    owner, position, row = slots[0]
    refused = _quarantined(owner, load[owner], position, packed(row, PAYLOAD_BYTES), reason)
    return [_crate("quarantined", [refused])]


def _crate(pclass: str, slots: Sequence[_Slot]) -> Crate:
    """A crate's id comes from its products, so that the same ones packed again are the same crate."""
    rows = frame([slot.row for slot in slots]).drop(columns="pclass")
    crate_id = digest("crate", pclass, list(zip(rows["product_id"], rows["version"], strict=True))).hex()
    body = parquet(rows)
    fields = {
        "id": crate_id,
        "pclass": pclass,
        "rows": len(rows),
        "size": int(rows.memory_usage(index=False, deep=True).sum()),
        "first_event_at": rows["event_at"].min().to_pydatetime(),
        "last_event_at": rows["event_at"].max().to_pydatetime(),
        "parquet": body,
    }
    return Crate(f"crates/{crate_id}", fields, len(body), frozenset(slot.owner for slot in slots))
