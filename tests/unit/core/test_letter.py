"""Letters: what people read, under keys that are the same for the same thing."""

from random import Random

from functions.core.alert import read
from functions.core.letter import digest_letter, duration, letter
from tests.desk import at, snapshot

ALERT = read(snapshot(kind="temperature_high", subject="main", details={"limit_c": 8}) | {"started_at": at(0)})


def test_a_letter_says_what_where_how_bad_and_since_when() -> None:
    text = letter(ALERT, "opened", "desk", at(75))
    assert text.title == "CRITICAL temperature high opened: van-1 main"
    assert "started: 2024-05-01 12:00:00 UTC" in text.body
    assert "open for: 1 h 15 min" in text.body
    assert "details: limit_c 8" in text.body


def test_keys_differ_by_alert_by_what_is_told_and_by_contact_and_by_nothing_else() -> None:
    told = [(ALERT, what, who) for what in ("opened", "closed") for who in ("a", "b")]
    assert len({letter(*one, at(0)).key for one in told}) == 4
    assert {letter(*one, at(0)).key for one in told} == {letter(*one, at(9)).key for one in told}


def test_what_follows_answers_the_letter_that_opened_the_thread() -> None:
    assert letter(ALERT, "closed", "desk", at(9)).answers == letter(ALERT, "opened", "desk", at(0)).key
    assert letter(ALERT, "opened", "desk", at(0)).answers is None


def test_a_digest_of_the_same_alerts_has_the_same_key_and_text_in_any_order() -> None:
    told = [(read(snapshot(alert_id=f"a{n}")), "opened") for n in range(60)]
    mixed = Random(1).sample(told, len(told))
    assert digest_letter(told, "desk", at(0)) == digest_letter(mixed, "desk", at(0))
    assert digest_letter(told, "desk", at(0)).key != digest_letter(told[1:], "desk", at(0)).key
    assert digest_letter(told, "desk", at(0)).body.endswith("… and 10 more")


def test_durations_are_said_as_people_say_them() -> None:
    assert [duration(seconds) for seconds in (5, 65, 3600, 7325)] == ["5 s", "1 min 5 s", "1 h 0 min", "2 h 2 min"]
