"""The stevedore packs products by class into crates; a message is answered when all its rows are in the warehouse.

Triggered by the transportation line. While one write is in flight further messages wait and share the next crates.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from functions.core.crate import Crate, crates_of
from functions.core.ports import Message, Store, Write
from functions.errors import Conflict, FleetlineError, Overloaded, Refused, Unavailable

MOST_WRITE_BYTES = 3_500_000
MOST_WRITE_CRATES = 200
"""The emulator takes 4 MiB a request, Firestore 500 documents."""


class Limits(NamedTuple):
    """What one instance may hold at once."""

    messages: int = 2_000
    bytes: int = 64 * 1024 * 1024
    load_bytes: int = 8 * 1024 * 1024
    """Of messages packed at once; Parquet makes about a tenth of it."""


class Stevedore:
    """One instance's group commit into `crates`. Use it inside one running event loop."""

    def __init__(self, store: Store, limits: Limits | None = None) -> None:
        self._store = store
        self._limits = limits or Limits()
        self._ramp = asyncio.Lock()
        self._in_flight: dict[int, _Cargo] = {}
        self._bytes = 0

    async def take(self, message: Message) -> None:
        """Returns when every row of the message is durable. Raises Overloaded, Unavailable or Refused.

        Whoever has the ramp loads for all that wait; the others find theirs done. So a load has no task of its own
        whose failure nobody would see, and a request that goes away takes nobody along.
        """
        cargo = self._admitted(message)
        try:
            async with self._ramp:
                while not cargo.done:
                    await self._load()
        finally:
            del self._in_flight[id(cargo)]
            self._bytes -= len(message.data)
        if cargo.failure is not None:
            raise cargo.failure

    def _admitted(self, message: Message) -> "_Cargo":
        size = self._bytes + len(message.data)
        if self._in_flight and (size > self._limits.bytes or len(self._in_flight) >= self._limits.messages):
            raise Overloaded(f"{len(self._in_flight)} messages, {self._bytes} bytes wait to be packed")
        cargo = _Cargo(message)
        self._in_flight[id(cargo)] = cargo
        self._bytes = size
        return cargo

    async def _load(self) -> None:
        """Pack and write the messages that have waited longest."""
        load = _bounded((cargo for cargo in self._in_flight.values() if not cargo.done), self._limits.load_bytes)
        crates = await asyncio.to_thread(crates_of, [cargo.message for cargo in load])
        for shipment in _shipments(crates):
            for owner, failure in await self._ship(shipment):
                load[owner].failure = failure
        for cargo in load:
            cargo.done = True

    async def _ship(self, crates: Sequence[Crate]) -> list[tuple[int, FleetlineError]]:
        """Write some crates; returns which messages failed, and why. A crate that is there already is no failure."""
        try:
            results = await self._store.write([Write(crate.path, crate.fields, expects=False) for crate in crates])
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


def _bounded(waiting: Iterable[_Cargo], most_bytes: int) -> list[_Cargo]:
    load: list[_Cargo] = []
    size = 0
    for cargo in waiting:
        size += len(cargo.message.data)
        if load and size > most_bytes:
            break
        load.append(cargo)
    return load


def _shipments(crates: Iterable[Crate]) -> Iterator[list[Crate]]:
    """Crates in as many writes as their size asks for."""
    shipment: list[Crate] = []
    size = 0
    for crate in crates:
        if shipment and (size + crate.bytes > MOST_WRITE_BYTES or len(shipment) == MOST_WRITE_CRATES):
            yield shipment
            shipment, size = [], 0
        shipment.append(crate)
        size += crate.bytes
    if shipment:
        yield shipment
