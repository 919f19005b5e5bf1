"""The list of alerts shows what a person sees as the state of each, and says when there is nothing to show."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator import arguments
from emulator.commands.alerts import _nothing, stands
from functions.core import handling
from functions.core.alert import AlertRecord
from functions.core.handling import Handling

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
NOTHING = Handling()
ACKED = handling.acknowledged(NOTHING, "ann", NOW, "calling the driver")


def alert(own: Handling = NOTHING, **changed: Any) -> AlertRecord:
    fields: dict[str, Any] = {"status": "open", "started_at": NOW - timedelta(minutes=5), "ended_at": None, **changed}
    return AlertRecord("2b2258d7", 1, "door_open", "", "temperature", "van-7", handling=own, **fields)


OVER = {"status": "closed", "ended_at": NOW}


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (alert(), "open"),
        (alert(ACKED), "acknowledged by ann: calling the driver"),
        (alert(handling.acknowledged(NOTHING, "ann", NOW, "")), "acknowledged by ann"),
        (alert(handling.snoozed(NOTHING, "ann", NOW, 30)), "snoozed until 2026-11-21 08:30:00 UTC"),
        (alert(handling.snoozed(ACKED, "ann", NOW, -1)), "acknowledged by ann: calling the driver"),
        (alert(handling.closed(ACKED, "bob", NOW, "faulty sensor")), "closed by bob: faulty sensor"),
        (alert(**OVER), "closed after 5 min 0 s"),
        (alert(ACKED, **OVER), "closed after 5 min 0 s, acknowledged by ann: calling the driver"),
        (alert(status="withdrawn"), "withdrawn"),
    ],
)
def test_what_somebody_did_counts_before_what_the_vehicle_says(one: AlertRecord, said: str) -> None:
    assert stands(one, NOW) == said


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "no alerts"),
        ("--open", "no open alerts"),
        ("--open --kind door_open --vehicle van-7", "no open alerts of kind door_open of van-7"),
    ],
)
def test_nothing_to_show_is_said_as_it_was_asked(asked: str, said: str) -> None:
    assert _nothing(arguments.parser().parse_args(["alerts", *asked.split()])) == said
