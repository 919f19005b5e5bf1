"""Publishing warns of events that will change no state, and publishes them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from emulator.commands.publish import warnings

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


def event(ahead_s: float = 0, **changed: Any) -> dict[str, Any]:
    at = (NOW + timedelta(seconds=ahead_s)).isoformat()
    return {"vehicle_id": "bus-7", "event_time": at, "latitude": 52, "longitude": 13, **changed}


def said(line: str, payload: object) -> list[str]:
    return list(warnings(line, json.dumps(payload).encode(), NOW))


def test_nothing_is_said_of_what_can_be_read() -> None:
    assert said("gps", event()) == []
    assert said("gps", [event(), event(299)]) == []


def test_a_clock_more_than_five_minutes_ahead_is_said() -> None:
    (warning,) = said("gps", event(301))
    assert warning == (
        "it will be exported as clock_ahead and change no state: "
        "event_time 2026-11-21 08:05:01 UTC is more than 5 min ahead of now"
    )


def test_what_will_be_quarantined_is_said_with_its_place_in_the_list() -> None:
    first, second = said("gps", [event(latitude=91), event(), event(3600)])
    assert first == "element 0 will be quarantined: latitude: 91: must be a number from -90 to 90"
    assert second.startswith("element 2 will be exported as clock_ahead")


def test_an_empty_list_is_said() -> None:
    assert said("gps", []) == ["it is an empty list: nothing will come of it"]


def test_a_message_that_is_no_json_is_said() -> None:
    (warning,) = warnings("gps", b"nope", NOW)
    assert warning == "it will be quarantined: 'nope': is not JSON (line 1, column 1: expecting value)"


def test_a_reply_that_nobody_can_read_is_said() -> None:
    assert said("replies", {"command_id": "36e65a9e529680e0f7f12d69", "state": "done"}) == []
    assert said("replies", {"command_id": "36e65a", "state": "done"}) == [
        "it answers no command: command_id: '36e65a': must be 24 digits 0-9 or a-f"
    ]
