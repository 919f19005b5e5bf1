"""Who is told and how, as the environment says it: refused before anything starts, not by the first alert."""

import json
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from emulator.errors import EmulatorError
from functions.core.contact import AddressBook, known_zone
from functions.core.escalation import Policy
from functions.core.payload import not_json
from functions.core.refusal import refusal

T = TypeVar("T")


def check(environment: Mapping[str, str]) -> None:
    """EmulatorError names variable, setting and what is allowed; no value, for an address may hold a password."""
    book = _read("CONTACTS", environment, AddressBook)
    _read("TELLING", environment, Policy)
    for setting, names in {"default": book.default, "escalation": book.escalation}.items():
        for name in names:
            if name not in book.contacts and "://" not in name:
                raise EmulatorError(f"CONTACTS: {setting}: {name!r} is not among the contacts")
    for name, contact in book.contacts.items():
        if contact.timezone is not None and known_zone(contact.timezone) is None:
            raise EmulatorError(f"CONTACTS: contacts.{name}.timezone: must be a time zone such as Europe/Berlin")


def _read(name: str, environment: Mapping[str, str], wanted: type[T]) -> T:
    try:
        found = json.loads(environment.get(name) or "{}")
    except ValueError as error:
        raise EmulatorError(f"{name} {not_json(error)}") from None
    try:
        return msgspec.convert(found, wanted)
    except msgspec.ValidationError as error:
        refused = refusal(error, found, wanted)
        raise EmulatorError(": ".join(filter(None, (name, refused.field, refused.reason)))) from None
