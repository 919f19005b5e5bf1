"""An address book that would fail when the first alert comes is refused at the start, without saying what is in it."""

import json
from typing import Any

import pytest

from emulator import telling
from emulator.errors import EmulatorError

DESK = {"url": "mailto://user:secret@localhost", "least": "warning", "timezone": "Europe/Berlin"}
GOOD = {"contacts": {"desk": DESK}, "default": ["desk"], "escalation": ["json://localhost"]}


def test_what_the_readme_shows_is_taken() -> None:
    telling.check({})
    telling.check({"CONTACTS": json.dumps(GOOD), "TELLING": '{"page_from": "info"}'})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CONTACTS", "{bad", "CONTACTS is not JSON (line 1, column 2: expecting property name"),
        ("CONTACTS", [], "CONTACTS: must be a JSON object"),
        ("CONTACTS", {"contacts": {"desk": {**DESK, "least": "warn"}}},
         "CONTACTS: contacts.desk.least: must be one of critical, info, warning"),
        ("CONTACTS", {"contacts": {"desk": {"url": ["secret"]}}}, "CONTACTS: contacts.desk.url: must be text"),
        ("CONTACTS", {"contacts": {"desk": {**DESK, "timezone": "Mars/Olympus"}}},
         "CONTACTS: contacts.desk.timezone: must be a time zone such as Europe/Berlin"),
        ("CONTACTS", {**GOOD, "default": ["dsk"]}, "CONTACTS: default: 'dsk' is not among the contacts"),
        ("TELLING", {"page_from": "all"}, "TELLING: page_from: must be one of critical, info, warning"),
        ("TELLING", {"digest_s": 3}, "TELLING: digest_s: is no setting"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_without_its_value(name: str, value: Any, said: str) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    with pytest.raises(EmulatorError) as caught:
        telling.check({name: text})
    assert str(caught.value).startswith(said)
    assert "secret" not in str(caught.value)
