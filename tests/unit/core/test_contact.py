"""Contacts: who is told, and when they are not to be disturbed, on the clock on their wall."""

from datetime import UTC, datetime

import pytest

from functions.core.contact import AddressBook, Contact, quiet_until

NIGHT = Contact("json://x", quiet_hours="22:00-06:00", timezone="Europe/Berlin")
SIESTA = Contact("json://x", quiet_hours="13:00-15:30")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("contact", "now", "until"),
    [
        (NIGHT, "2024-05-01T19:59:59", None),
        (NIGHT, "2024-05-01T20:00:00", "2024-05-02T04:00:00"),
        (NIGHT, "2024-05-02T03:59:59", "2024-05-02T04:00:00"),
        (NIGHT, "2024-05-02T04:00:00", None),
        (NIGHT, "2024-01-01T20:30:00", None),
        (NIGHT, "2024-01-01T21:00:00", "2024-01-02T05:00:00"),
        (SIESTA, "2024-05-01T12:59:59", None),
        (SIESTA, "2024-05-01T13:00:00", "2024-05-01T15:30:00"),
        (SIESTA, "2024-05-01T15:30:00", None),
        (Contact("json://x"), "2024-05-01T03:00:00", None),
        (
            Contact("json://x", quiet_hours="22:00-06:00", timezone="Mars/Olympus"),
            "2024-05-01T23:00:00",
            "2024-05-02T06:00:00",
        ),
    ],
)
def test_quiet_hours_end_on_the_contacts_own_clock(contact: Contact, now: str, until: str | None) -> None:
    assert quiet_until(contact, utc(now)) == (utc(until) if until else None)


def test_quiet_hours_follow_the_clock_through_the_night_it_changes() -> None:
    assert quiet_until(NIGHT, utc("2024-03-30T21:30:00")) == utc("2024-03-31T04:00:00")
    assert quiet_until(NIGHT, utc("2024-10-26T20:30:00")) == utc("2024-10-27T05:00:00")


def test_a_vehicle_that_names_nobody_is_the_default_contacts_business() -> None:
    book = AddressBook({"a": Contact("json://a"), "b": Contact("json://b")}, ["a"], ["b"])
    people = book.people([], "22:00-06:00", "Asia/Tokyo")
    assert [(one.name, one.quiet_hours, one.timezone) for one in people.told] == [("a", "22:00-06:00", "Asia/Tokyo")]
    assert [one.name for one in people.escalation] == ["b"]


def test_a_contacts_own_quiet_hours_win_over_the_vehicles() -> None:
    book = AddressBook({"night": NIGHT})
    (contact,) = book.people(["night"], "08:00-20:00", "Asia/Tokyo").told
    assert (contact.quiet_hours, contact.timezone) == ("22:00-06:00", "Europe/Berlin")


def test_an_address_without_a_name_gets_one_that_tells_nothing_of_it() -> None:
    (contact,) = AddressBook().people(["slack://T0K3N/secret/channel"], None, None).told
    assert contact.url == "slack://T0K3N/secret/channel"
    assert contact.name.startswith("slack-")
    assert "T0K3N" not in repr(contact)
