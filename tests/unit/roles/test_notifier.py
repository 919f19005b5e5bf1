"""The notifier: documents converge, and people are told once, at a good hour, until somebody acknowledges."""

import asyncio
import json
from functools import partial
from itertools import permutations
from random import Random
from typing import Any

import pytest

from functions.core import handling
from functions.core.contact import AddressBook, Contact
from functions.core.escalation import Policy
from functions.core.ports import Message
from functions.core.profile import Profile
from functions.errors import Unavailable
from tests.desk import Desk, Died, at, life, snapshot

OPENED = "desk: WARNING door open opened: van-1"
CLOSED = "desk: WARNING door open closed: van-1"
QUIET = Profile(contacts=["desk"], quiet_hours="22:00-06:00", timezone="Europe/Berlin")
EVENING = 9 * 60.0
"""21:00 UTC is 23:00 in Berlin in May; quiet hours end at 04:00 UTC."""
MORNING = 16 * 60.0


def acknowledged(desk: Desk, by: str = "ann", comment: str = "on it") -> Any:
    return partial(handling.acknowledged, by=by, at=at(desk.minute), comment=comment)


async def test_documents_and_receipts_are_the_same_in_whatever_order_and_however_often_messages_come() -> None:
    found = []
    for order in permutations(life()):
        desk = Desk()
        for one in [*order, *order]:
            await desk.hear(one, minute=desk.minute + 0.1)
        fields = dict(desk.store.documents["alerts/a1"].fields)
        assert (fields["status"], fields["version"], fields["peak"]) == ("closed", 3, 3.0)
        found.append(sorted(desk.receipts()))
        assert sorted(desk.told) == sorted([OPENED, CLOSED])
    assert all(one == found[0] for one in found)


async def test_two_notifiers_at_once_tell_once() -> None:
    desk = Desk()
    others = [desk.hired() for _ in range(4)]
    message = Message("m", b"[" + b",".join(map(encoded, life())) + b"]", at(0))
    await asyncio.gather(*(one.take(message) for one in others), *(one.run() for one in others))
    assert sorted(desk.told) == sorted([OPENED, CLOSED])


async def test_peaks_reach_the_document_and_nobody_else() -> None:
    desk = Desk()
    await desk.hear(snapshot())
    for version in range(2, 9):
        await desk.hear(snapshot(version))
    assert desk.told == [OPENED]
    assert desk.alert().peak == 8.0


async def test_an_alert_that_is_withdrawn_before_it_settled_reaches_nobody() -> None:
    desk = Desk()

    async def pause(_seconds: float) -> None:
        if desk.alert().version == 1:
            await desk.hear(snapshot(2, "withdrawn"))

    desk._pause = pause  # type: ignore[method-assign]
    desk.notifier = desk.hired()
    await desk.hear(snapshot())
    assert desk.told == []


async def test_who_was_told_of_an_alert_hears_that_it_is_withdrawn_and_that_it_is_back() -> None:
    desk = Desk()
    await desk.hear(snapshot())
    await desk.hear(snapshot(2, "withdrawn"), minute=1)
    await desk.hear(snapshot(3), minute=2)
    assert [title.split()[4] for title in desk.told] == ["opened:", "withdrawn:", "reopened:"]


async def test_what_is_no_alert_is_logged_and_answered(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    for data in (b"{", b'[{"alert_id": 1}]'):
        assert await desk.notifier.take(Message("m", data, at(0))) == []
    assert not desk.store.documents
    assert caplog.text.count("no alert") == 2


async def test_two_acknowledgements_at_once_while_the_peak_rises_lose_nothing() -> None:
    for seed in range(50):
        desk = Desk()
        await desk.hear(snapshot())
        steps = [
            desk.change(acknowledged(desk, "ann", "calling the driver")),
            desk.change(acknowledged(desk, "bob", "me too")),
            *(desk.hear(snapshot(version)) for version in (2, 3)),
        ]
        Random(seed).shuffle(steps)
        await asyncio.gather(*steps)
        assert sorted(change.by for change in desk.handling().audit) == ["ann", "bob"]
        assert sorted(change.why for change in desk.handling().audit) == ["calling the driver", "me too"]
        assert desk.handling().acknowledged_by == desk.handling().audit[0].by
        assert (desk.alert().version, desk.alert().peak) == (3, 3.0)


async def test_what_a_person_closed_stays_closed_and_silent() -> None:
    desk = Desk()
    await desk.hear(snapshot())
    await desk.change(partial(handling.closed, by="ann", at=at(1), reason="faulty sensor"))
    for one in life()[1:]:
        await desk.hear(one, minute=6)
    await desk.round(60)
    assert desk.told == [OPENED]
    assert desk.handling().reason == "faulty sensor"
    assert not desk.alert().live
    with pytest.raises(handling.Settled, match="ann closed it: faulty sensor"):
        await desk.change(acknowledged(desk))


async def test_nobody_acknowledges_and_it_goes_up_step_by_step() -> None:
    desk = Desk()
    await desk.hear(snapshot())
    for minute in range(1, 120):
        await desk.round(minute)
    assert desk.told == [OPENED, *(f"boss: WARNING door open escalated {n}: van-1" for n in (1, 2, 3))]


@pytest.mark.parametrize("what", ["acknowledged", "closed"])
async def test_nothing_escalates_once_it_is_acknowledged_or_over(what: str) -> None:
    desk = Desk()
    await desk.hear(snapshot())
    desk.minute = 10
    await (desk.change(acknowledged(desk)) if what == "acknowledged" else desk.hear(*life()))
    for minute in range(11, 60):
        await desk.round(minute)
    assert not any("escalated" in title for title in desk.told)
    assert desk.alert().due_at is None


async def test_a_snooze_holds_everything_back_and_reminds_when_it_ends() -> None:
    desk = Desk()
    await desk.hear(snapshot())
    desk.minute = 5
    await desk.change(partial(handling.snoozed, by="ann", at=at(5), minutes=30))
    for minute in range(6, 35):
        await desk.round(minute)
    assert desk.told == [OPENED]
    await desk.round(35)
    assert desk.told[1:] == ["desk: WARNING door open reminded 2024-05-01T12:35:00Z: van-1"]
    await desk.round(50)
    assert desk.told[2:] == ["boss: WARNING door open escalated 1: van-1"]


async def test_quiet_hours_hold_warnings_until_morning_on_the_contacts_own_clock() -> None:
    desk = Desk(**{"van-1": QUIET})
    await desk.hear(snapshot(started=EVENING), minute=EVENING)
    await desk.round(MORNING - 1)
    assert desk.told == []
    await desk.round(MORNING)
    assert desk.told == [OPENED]


async def test_quiet_hours_do_not_hold_what_is_critical() -> None:
    desk = Desk(**{"van-1": QUIET})
    await desk.hear(snapshot(started=EVENING, kind="temperature_high"), minute=EVENING)
    assert desk.told == ["desk: CRITICAL temperature high opened: van-1"]


async def test_what_was_over_before_quiet_hours_ended_is_in_the_mornings_digest() -> None:
    desk = Desk(**{"van-1": QUIET})
    for one in (snapshot(started=EVENING), snapshot(2, "closed", started=EVENING, ended=EVENING + 5)):
        await desk.hear(one, minute=EVENING + 5)
    await desk.round(MORNING)
    assert desk.told == []
    await desk.round(MORNING + 15)
    assert desk.told == ["desk: Digest of 1 alert: 1 door_open"]


async def test_a_six_hour_backlog_pages_nobody_and_stands_in_the_digest() -> None:
    desk = Desk()
    for number in range(30):
        for one in life(f"a{number}"):
            await desk.hear(one, minute=360 + number / 10)
    assert desk.told == []
    await desk.round(375)
    assert desk.told == ["desk: Digest of 30 alerts: 30 door_open"]
    assert {state for n in range(30) for *_, state in desk.receipts(f"a{n}")} == {"delivered"}
    await desk.round(390)
    assert len(desk.told) == 1


async def test_an_episode_of_the_backlog_that_still_goes_on_is_told_with_its_first_fresh_news() -> None:
    desk = Desk()
    await desk.hear(snapshot(event=0), minute=360)
    await desk.hear(snapshot(2, event=361), minute=361)
    assert desk.told == [OPENED]


async def test_a_replay_tells_however_old_the_news_is() -> None:
    desk = Desk(Policy(notify_within_s=None))
    await desk.hear(*life(), minute=10_000)
    assert desk.told == [OPENED, CLOSED]


async def test_a_long_hold_before_an_episode_opens_does_not_make_it_old_news() -> None:
    desk = Desk()
    await desk.hear(snapshot(event=600, kind="temperature_high"), minute=600)
    assert desk.told == ["desk: CRITICAL temperature high opened: van-1"]


async def test_three_hundred_vehicles_at_once_are_one_digest() -> None:
    desk = Desk()
    await desk.hear(*(snapshot(alert_id=f"a{n}", vehicle_id=f"van-{n}", kind="temperature_high") for n in range(300)))
    assert desk.told == []
    await desk.round(1)
    assert desk.told == ["desk: Digest of 300 alerts: 300 temperature_high"]
    assert "… and 250 more" in desk.channels.letters[0][1].body


async def test_twenty_alerts_are_told_one_by_one_and_what_comes_on_top_as_a_digest() -> None:
    desk = Desk()
    for number in range(25):
        await desk.hear(snapshot(alert_id=f"a{number}", vehicle_id=f"van-{number}"), minute=number / 25)
    assert len(desk.told) == 20
    await desk.round(2)
    assert desk.told[20:] == ["desk: Digest of 5 alerts: 5 door_open"]


async def test_a_delivery_that_fails_is_tried_again_until_it_is_taken_under_the_same_id() -> None:
    desk = Desk()
    desk.channels.down = {"json://desk"}
    await desk.hear(snapshot())
    for minute in range(1, 20):
        await desk.round(minute)
    assert desk.told == []
    assert desk.alert().receipts[0].tries == 5
    desk.channels.down = set()
    for minute in range(20, 40):
        await desk.round(minute)
    assert desk.told[:1] == [OPENED]
    assert desk.receipts()[0][3] == "delivered"


async def test_a_channel_that_is_down_for_good_is_given_up_and_said_so() -> None:
    desk = Desk(Policy(most_tries=3, escalate_after_s=0))
    desk.channels.down = {"json://desk"}
    await desk.hear(snapshot())
    for minute in range(1, 30):
        await desk.round(minute)
    assert desk.receipts() == [("opened", "desk", "page", "failed")]
    assert desk.alert().due_at is None


async def test_one_contact_that_is_down_keeps_no_other_waiting() -> None:
    desk = Desk(**{"van-1": Profile(contacts=["desk", "boss"])})
    desk.channels.down = {"json://desk"}
    await desk.hear(snapshot())
    assert desk.told == ["boss: WARNING door open opened: van-1"]


async def test_a_crash_after_the_channel_took_it_sends_again_under_the_same_id() -> None:
    desk = Desk()
    desk.channels.dying = True
    with pytest.raises(Died):
        await desk.hear(snapshot())
    desk.channels.dying = False
    await desk.hear(snapshot())
    assert len(desk.told) == 1
    await desk.round(2)
    assert len({letter.key for _, letter in desk.channels.letters}) == 1
    assert len(desk.told) == 2
    assert desk.receipts() == [("opened", "desk", "page", "delivered")]


async def test_a_crash_between_recording_and_telling_is_made_up_for_by_the_next_round() -> None:
    desk = Desk()

    async def die(_seconds: float) -> None:
        raise Died

    desk._pause = die  # type: ignore[method-assign]
    with pytest.raises(Died):
        await desk.hired().take(Message("m", b"[" + encoded(snapshot()) + b"]", at(0)))
    await desk.round(1)
    assert desk.told == [OPENED]


async def test_firestore_away_fails_the_message_so_that_it_comes_again() -> None:
    desk = Desk()
    desk.store.fault = lambda _writes: Unavailable("away")
    with pytest.raises(Unavailable):
        await desk.hear(snapshot())
    desk.store.fault = lambda _writes: None
    await desk.hear(snapshot())
    assert desk.told == [OPENED]


async def test_the_vehicles_contacts_are_told_and_nobody_else() -> None:
    desk = Desk(**{"van-1": Profile(contacts=["json://own", "boss", "nobody-knows"])})
    await desk.hear(snapshot())
    assert desk.told == [f"{who}: WARNING door open opened: van-1" for who in ("own", "boss")]


async def test_a_contact_hears_of_nothing_below_its_severity() -> None:
    book = AddressBook({"desk": Contact("json://desk", least="critical")}, ["desk"])
    desk = Desk(book=book)
    await desk.hear(snapshot(), snapshot(alert_id="a2", kind="temperature_high"))
    assert desk.told == ["desk: CRITICAL temperature high opened: van-1"]


async def test_what_is_worth_knowing_but_not_a_call_waits_for_the_digest() -> None:
    desk = Desk()
    await desk.hear(snapshot(kind="overspeed"))
    assert desk.told == []
    await desk.round(15)
    assert desk.told == ["desk: Digest of 1 alert: 1 overspeed"]


async def test_a_line_has_no_vehicle_and_its_alerts_go_to_the_default_contacts() -> None:
    desk = Desk()
    await desk.hear(snapshot(kind="line_backlog", subject="gps", vehicle_id=""))
    assert desk.told == ["desk: CRITICAL line backlog opened: gps"]


async def test_an_alert_that_somebody_broke_by_hand_keeps_no_other_waiting(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    await desk.hear(snapshot(), snapshot(alert_id="a2", vehicle_id="van-2"))
    desk.store.documents["alerts/a1"].fields["handling"] = "done"
    await desk.round(15)
    assert desk.told[2:] == ["boss: WARNING door open escalated 1: van-2"]
    assert "alert cannot be read" in caplog.text


def encoded(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode()
