"""A notifier with its alerts, contacts, channels and clock in memory: what would be told, and to whom."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.core.alert import AlertRecord, alert_path, handled, read
from functions.core.contact import AddressBook, Contact
from functions.core.escalation import Policy
from functions.core.handling import Handling
from functions.core.letter import Letter
from functions.core.ports import Message
from functions.core.profile import Profile
from functions.core.revision import revise
from functions.roles.notifier import Notifier
from tests.memory import MemoryProfiles, MemoryStore

START = datetime(2024, 5, 1, 12, tzinfo=UTC)
BOOK = AddressBook({"desk": Contact("json://desk"), "boss": Contact("json://boss")}, ["desk"], ["boss"])


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


class Died(Exception):
    """The end of a process."""


class MemoryChannels:
    """Takes letters; an address in `down` takes none, one in `dying` takes it and then the process dies."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, Letter]] = []
        self.down: set[str] = set()
        self.dying = False

    async def send(self, url: str, letter: Letter) -> str | None:
        if url in self.down:
            return "connection refused"
        self.letters.append((url, letter))
        if self.dying:
            raise Died
        return None


class Desk:
    """A plant's alerts at a time that tests move (minutes after START)."""

    def __init__(self, policy: Policy | None = None, book: AddressBook = BOOK, **profiles: Profile) -> None:
        self.store, self.channels = MemoryStore(), MemoryChannels()
        self.minute = 0.0
        self.profiles = MemoryProfiles(profiles)
        self.book, self.policy = book, policy or Policy()
        self.notifier = self.hired()

    def hired(self) -> Notifier:
        return Notifier(
            self.store, self.profiles, self.book, self.channels, lambda: at(self.minute), self.policy, self._pause
        )

    async def _pause(self, _seconds: float) -> None:
        pass

    async def hear(self, *snapshots: dict[str, Any], minute: float | None = None) -> list[AlertRecord]:
        """One message of the topic alerts, published now."""
        self.minute = self.minute if minute is None else minute
        return await self.notifier.take(Message("m", json.dumps(snapshots).encode(), at(self.minute)))

    async def round(self, minute: float) -> dict[str, Any]:
        self.minute = minute
        return await self.notifier.run()

    async def change(self, change: Any, alert_id: str = "a1") -> None:
        """Something that people do, now."""
        await revise(self.store, {alert_path(alert_id): lambda there: handled(change, at(self.minute), there)})

    def alert(self, alert_id: str = "a1") -> AlertRecord:
        return read(self.store.documents[alert_path(alert_id)].fields)

    def handling(self, alert_id: str = "a1") -> Handling:
        return self.alert(alert_id).handling

    @property
    def told(self) -> list[str]:
        """Titles by addressee, in the order they were taken."""
        return [f"{url.removeprefix('json://')}: {letter.title}" for url, letter in self.channels.letters]

    def receipts(self, alert_id: str = "a1") -> list[tuple[str, str, str, str]]:
        return [(one.what, one.contact, one.way, one.state) for one in self.alert(alert_id).receipts]


def snapshot(version: int = 1, status: str = "open", alert_id: str = "a1", **fields: Any) -> dict[str, Any]:
    """A route deviation of van-1 that began at START; times in minutes after it."""
    started = fields.pop("started", 0.0)
    ended = fields.pop("ended", None)
    return {
        "alert_id": alert_id,
        "version": version,
        "kind": "door_open",
        "subject": "",
        "line": "temperature",
        "vehicle_id": "van-1",
        "status": status,
        "started_at": at(started).isoformat(),
        "ended_at": None if ended is None else at(ended).isoformat(),
        "peak": float(version),
        "details": {},
        "event_at": at(fields.pop("event", started) if ended is None else ended).isoformat(),
        **fields,
    }


def life(alert_id: str = "a1", **fields: Any) -> Sequence[dict[str, Any]]:
    """An episode from its opening over a peak to its end."""
    return (
        snapshot(1, alert_id=alert_id, **fields),
        snapshot(2, alert_id=alert_id, **fields),
        snapshot(3, "closed", alert_id, ended=5, **fields),
    )
