"""The stevedore packs products by class into crates; a message is answered when all its rows are in the warehouse.

Triggered by the transportation line. While one write is in flight further messages wait and share the next crates.
What is no row of a product becomes a quarantined product: nothing is dropped and nothing goes round for a day.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import msgspec

from functions.core.columns import frame, parquet
from functions.core.ids import digest
from functions.core.line import Row
from functions.core.payload import elements, packed
from functions.core.ports import Message, Store, Write
from functions.core.product import PAYLOAD_BYTES, quarantined_row
from functions.errors import Conflict, FleetlineError, Malformed, Overloaded, Refused, Unavailable

MOST_MESSAGES = 2_000
MOST_BYTES = 64 * 1024 * 1024
"""In flight on one instance; above either, a message is answered 429."""
MOST_LOAD_BYTES = 8 * 1024 * 1024
"""Of messages packed at once; Parquet makes about a sixth of it."""
MOST_CRATE_BYTES = 700_000
"""Firestore takes 1 MiB a document."""
MOST_WRITE_BYTES = 3_500_000
MOST_WRITE_CRATES = 200
"""The emulator takes 4 MiB a request, Firestore 500 documents."""

_log = logging.getLogger(__name__)


class Stevedore:
    """One instance's group commit into `crates`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ramp = asyncio.Lock()
        self._in_flight: dict[int, _Cargo] = {}
        self._bytes = 0

    async def take(self, message: Message) -> None:
        """Returns when every row of the message is durable. Raises Overloaded, Unavailable or Refused."""
        cargo = self._admitted(message)
        try:
            async with self._ramp:  # whoever comes first loads for all that wait, the others find theirs done
                while not cargo.done:
                    await self._load()
        finally:
            del self._in_flight[id(cargo)]
            self._bytes -= len(message.data)
        if cargo.failure is not None:
            raise cargo.failure

    def _admitted(self, message: Message) -> "_Cargo":
        size = self._bytes + len(message.data)
        if self._in_flight and (size > MOST_BYTES or len(self._in_flight) >= MOST_MESSAGES):
            raise Overloaded(f"{len(self._in_flight)} messages, {self._bytes} bytes wait to be packed")
        cargo = _Cargo(message)
        self._in_flight[id(cargo)] = cargo
        self._bytes = size
        return cargo

    async def _load(self) -> None:
        """Pack and write the messages that have waited longest."""
        load = _bounded(cargo for cargo in self._in_flight.values() if not cargo.done)
        crates = await asyncio.to_thread(_crates_of, [cargo.message for cargo in load])
        for shipment in _shipments(crates):
            for owner, failure in await self._ship(shipment):
                load[owner].failure = failure
        for cargo in load:
            cargo.done = True

    async def _ship(self, crates: Sequence["_Crate"]) -> list[tuple[int, FleetlineError]]:
        """Write some crates; returns which messages failed, and why. A crate that is there already is no failure."""
        try:
            results = await self._store.write([crate.write for crate in crates])
        except Refused as error:
            if len(crates) > 1:  # one crate's fault must not fail its neighbours
                return [failed for crate in crates for failed in await self._ship([crate])]
            results = [error]
        except Unavailable as error:
            results = [error] * len(crates)
        return [
            (owner, result)
            for crate, result in zip(crates, results, strict=True)
            if isinstance(result, FleetlineError) and not isinstance(result, Conflict)
            for owner in crate.owners
        ]


class _Cargo:
    """A message on the ramp."""

    __slots__ = ("done", "failure", "message")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.done = False
        self.failure: FleetlineError | None = None


class _Slot(NamedTuple):
    """One row with the place it came from: the number of its message in the load, its position in the list."""

    owner: int
    position: int | None
    row: Row


class _Crate(NamedTuple):
    write: Write
    bytes: int
    owners: frozenset[int]


class _Head(msgspec.Struct):
    """What every product row must have; `pclass` becomes the name of a folder."""

    pclass: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
    product_id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    version: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
    event_at: Annotated[datetime, msgspec.Meta(tz=True)]


def _bounded(waiting: Iterable[_Cargo]) -> list[_Cargo]:
    load: list[_Cargo] = []
    size = 0
    for cargo in waiting:
        size += len(cargo.message.data)
        if load and size > MOST_LOAD_BYTES:
            break
        load.append(cargo)
    return load


def _crates_of(messages: Sequence[Message]) -> list[_Crate]:
    by_class: dict[str, list[_Slot]] = defaultdict(list)
    for owner, message in enumerate(messages):
        for slot in _slots(owner, message):
            by_class[slot.row["pclass"]].append(slot)
    return [crate for pclass, slots in by_class.items() for crate in _packed(pclass, slots, messages)]


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
    except (msgspec.ValidationError, OverflowError) as error:
        raise Malformed("", element, str(error)) from None
    return element


def _quarantined(owner: int, message: Message, position: int | None, payload: bytes, reason: str) -> _Slot:
    _log.error(
        "no row of a product, quarantined",
        extra={"message_id": message.message_id, "position": position, "reason": reason},
    )
    at = message.published_at
    return _Slot(
        owner, position, quarantined_row("transportation", message.message_id, position, payload, reason, None, at)
    )


def _packed(pclass: str, slots: Sequence[_Slot], messages: Sequence[Message]) -> list[_Crate]:
    """Rows of one class in crates of bounded size; what cannot be packed at all is found by halving."""
    try:
        crate = _crate(pclass, slots)
        reason = f"takes {crate.bytes} bytes of the {MOST_CRATE_BYTES} of a crate"
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        crate, reason = None, f"cannot be packed ({error})"
    if crate is not None and crate.bytes <= MOST_CRATE_BYTES:
        return [crate]
    if len(slots) > 1:
        middle = len(slots) // 2
        return _packed(pclass, slots[:middle], messages) + _packed(pclass, slots[middle:], messages)
    owner, position, row = slots[0]
    refused = _quarantined(owner, messages[owner], position, packed(row, PAYLOAD_BYTES), reason)
    return [_crate("quarantined", [refused])]


def _crate(pclass: str, slots: Sequence[_Slot]) -> _Crate:
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
    owners = frozenset(slot.owner for slot in slots)
    return _Crate(Write(f"crates/{crate_id}", fields, expects=False), len(body), owners)


def _shipments(crates: Sequence[_Crate]) -> Iterator[list[_Crate]]:
    """Crates in as many writes as their size asks for."""
    unique: dict[str, _Crate] = {}  # a document may stand in a write only once
    for crate in crates:
        same = unique.get(crate.write.path, crate)
        unique[crate.write.path] = same._replace(owners=same.owners | crate.owners)
    shipment: list[_Crate] = []
    size = 0
    for crate in unique.values():
        if shipment and (size + crate.bytes > MOST_WRITE_BYTES or len(shipment) == MOST_WRITE_CRATES):
            yield shipment
            shipment, size = [], 0
        shipment.append(crate)
        size += crate.bytes
    if shipment:
        yield shipment
