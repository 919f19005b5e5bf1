"""Contacts: how people are reached, when they are not to be disturbed, and which of them hear of a vehicle."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from functions.core.ids import digest
from functions.core.severity import SeverityName

Hours = Annotated[
    str,
    Meta(
        pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d\Z",
        description="hours of the day such as 22:00-06:00",
    ),
]
"""On the clock of a time zone."""
Zone = Annotated[
    str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_+/-]{0,63}\Z", description="a time zone such as Europe/Berlin")
]


class Contact(msgspec.Struct, frozen=True):
    """One way to reach somebody. `url` may hold a password: it is never logged or stored, `name` stands for it."""

    url: str
    name: str = ""
    quiet_hours: Hours | None = None
    timezone: Zone | None = None
    least: SeverityName = "info"
    """Alerts below this severity are not for them."""

    def __repr__(self) -> str:
        return f"Contact({self.name})"


class People(NamedTuple):
    """Who hears of a vehicle's alerts, and who when nobody of them acknowledges."""

    told: list[Contact]
    escalation: list[Contact]

    def named(self, name: str) -> Contact | None:
        return next((one for one in (*self.told, *self.escalation) if one.name == name), None)


class AddressBook(msgspec.Struct, frozen=True):
    """Contacts by name, as the secret holds them; `default` hear of vehicles that name nobody."""

    contacts: dict[str, Contact] = {}
    default: list[str] = []
    escalation: list[str] = []

    def people(self, named: list[str], quiet_hours: str | None, timezone: str | None) -> People:
        """The contacts of a vehicle whose profile names these (names of the book, or URLs), with its quiet hours and
        time zone where a contact has none of its own."""

        def found(who: str) -> Contact | None:
            known = self.contacts.get(who)
            if known is None and "://" not in who:
                return None
            contact = known or Contact(who)
            return msgspec.structs.replace(
                contact,
                name=who if known else _alias(who),
                quiet_hours=contact.quiet_hours or quiet_hours,
                timezone=contact.timezone or timezone,
            )

        told = [contact for who in named or self.default if (contact := found(who))]
        return People(told, [contact for who in self.escalation if (contact := found(who))])


def quiet_until(contact: Contact, now: datetime) -> datetime | None:
    """The end of the quiet hours that `now` is in, as UTC; None outside them.

    Hours are read off the wall clock of the contact's zone, so they move with daylight saving. An unknown zone is UTC.
    """
    if contact.quiet_hours is None:
        return None
    first, last = (time.fromisoformat(text) for text in contact.quiet_hours.split("-"))
    zone = known_zone(contact.timezone or "UTC") or ZoneInfo("UTC")
    there = now.astimezone(zone)
    clock = there.time().replace(tzinfo=None)
    within = first <= clock < last if first <= last else clock >= first or clock < last
    if not within:
        return None
    day = there.date() + timedelta(days=1 if clock >= last else 0)
    return datetime.combine(day, last, zone).astimezone(UTC)


def known_zone(name: str) -> ZoneInfo | None:
    """The time zone of this name, None when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not a zone, or a folder of zones
        return None


def _alias(url: str) -> str:
    """A name for a contact that has none: says the channel and which one, and nothing of its address."""
    return f"{url.partition('://')[0]}-{digest('contact', url).hex()[:8]}"
