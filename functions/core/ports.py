"""What roles need of the outside, as plain data and protocols; adapters provide it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from functions.core.profile import Profile
from functions.errors import FleetlineError

Fields = Mapping[str, Any]
Where = tuple[str, str, Any]
"""(field, operator, value); operators ==, <, <=, >, >=, in."""


class Message(NamedTuple):
    """A Pub/Sub message as it was published; `published_at` is aware UTC, `trace` the publisher's W3C trace id."""

    message_id: str
    data: bytes
    published_at: datetime
    trace: str | None = None


class Version(NamedTuple):
    """A document's update time as Firestore wrote it (a datetime cannot hold its nanoseconds)."""

    seconds: int
    nanos: int


class Document(NamedTuple):
    """A stored document; `path` is relative to the database ("vehicles/bus-7/workers/gps")."""

    path: str
    fields: dict[str, Any]
    version: Version


class Write(NamedTuple):
    """One document to write whole (`fields`), or to delete (None).

    `expects` is the version it must still have, True or False for "must exist" or "must not exist", None for anything.
    With `only`, just those fields are touched and the rest of the document stays.
    """

    path: str
    fields: Fields | None
    expects: Version | bool | None = None
    only: Sequence[str] | None = None


WriteResult = Version | FleetlineError
"""What became of one write: its document's new version, or Conflict, Refused or Unavailable."""


class Store(Protocol):
    """Documents; see adapters/firestore.py for what each call promises and raises."""

    async def get(self, paths: Sequence[str], only: Sequence[str] | None = None) -> dict[str, Document]: ...

    async def query(
        self,
        collection: str,
        where: Sequence[Where] = (),
        order_by: Sequence[str] = (),
        limit: int | None = None,
        only: Sequence[str] | None = None,
        everywhere: bool = False,
        after: Sequence[Any] = (),
    ) -> list[Document]: ...

    async def write(self, writes: Sequence[Write]) -> list[WriteResult]: ...

    async def write_one(self, write: Write) -> Version: ...


class Bus(Protocol):
    """Topics; `publish` returns only when every message is confirmed."""

    async def publish(self, topic: str, messages: Sequence[bytes]) -> list[str]: ...


class Files(Protocol):
    """The export folder; see adapters/bucket.py. A file is whole or absent. Its calls block: make them in a thread."""

    def put(self, path: str, body: bytes) -> None: ...

    def read(self, path: str) -> bytes: ...

    def open(self, path: str) -> Any: ...

    def list(self, folder: str = "") -> list[str]: ...


class Known(NamedTuple):
    """A vehicle's profile, and whether there is a document for it."""

    profile: Profile
    exists: bool


class Profiles(Protocol):
    """What people set for their vehicles."""

    async def of(self, vehicle_ids: Sequence[str]) -> dict[str, Known]: ...


class Backlog(Protocol):
    """How far behind a line is."""

    async def unanswered_s(self, topic: str) -> float:
        """The most that the oldest unanswered message of this topic can be old, in seconds."""
        ...


class Clock(Protocol):
    """The wall clock, as aware UTC."""

    def __call__(self) -> datetime: ...
