"""The records of a group commit: messages waiting for their answer, and each vehicle's part of a flush."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple

import msgspec

from functions.core.employment import Employed
from functions.core.horizon import Arrival
from functions.core.line import Emission, R, S
from functions.core.place import Position, placed
from functions.core.ports import Known, Message, Version
from functions.core.profile import DEFAULTS
from functions.core.worker import WorkerState
from functions.errors import Refused

UNKNOWN = Known(DEFAULTS, exists=True)


class Ticket:
    """One message waiting for its answer: `done` resolves when nothing of it is outstanding any more."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.outstanding = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(self) -> None:
        self.outstanding -= 1
        if self.outstanding <= 0 and not self.done.done():
            self.done.set_result(None)

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Origin(NamedTuple):
    """Where a reading came from: which message, where in its list, and the event as it was sent."""

    ticket: Ticket
    position: int | None
    element: Any


class Held(NamedTuple, Generic[S, R]):
    """A worker as this instance knows it, and the version of the document that holds it (False = there is none)."""

    worker: WorkerState[S, R] | None
    version: Version | bool

    def confirmed(self) -> "Held[S, R]":
        """The same worker once Pub/Sub has confirmed what it owed: its next write strikes that out."""
        return self._replace(worker=msgspec.structs.replace(self.worker, unpublished=[]) if self.worker else None)


@dataclass(slots=True)
class Job(Generic[S, R]):
    """One vehicle's part of a flush, from its belt to its answer."""

    vehicle_id: str
    belt: list[Arrival[R]]
    held: Held[S, R] | None = None
    known: Known = UNKNOWN
    employed: Employed[S, R] | None = None
    refused: Refused | None = None
    error: Exception | None = None
    again: bool = False

    @property
    def open(self) -> bool:
        """Nothing has gone wrong so far."""
        return self.error is None and not self.again

    @property
    def owed(self) -> list[Emission]:
        """What an earlier commit decided and nobody has confirmed."""
        return self.held.worker.unpublished if self.held and self.held.worker else []

    @property
    def before(self) -> WorkerState[S, R] | None:
        """The worker as this flush found it."""
        return self.held.worker if self.held else None

    def place(self, kinds: Collection[str], position: Position | None) -> None:
        """Say where the vehicle was in what was decided."""
        if self.employed is not None:
            worker = placed(self.before, self.worker, kinds, position)
            self.employed = self.employed._replace(worker=worker)

    @property
    def worker(self) -> WorkerState[S, R]:
        """The worker as this flush leaves it."""
        if self.employed is None or self.employed.worker is None:
            raise ValueError(f"nothing was decided for {self.vehicle_id}")
        return self.employed.worker
