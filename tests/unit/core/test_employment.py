"""Contracts: what signs, renews and ends them, and that it does not matter who notices first."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.employment import employ, end
from functions.core.horizon import Arrival, Fate
from functions.core.profile import Profile
from functions.core.worker import WorkerState
from functions.lines import LINES

GPS = LINES["gps"]
START = datetime(2024, 5, 1, 8, tzinfo=UTC)
PROFILE = Profile(contract_s=20)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def fix(second: float, published: float | None = None, speed_kph: float = 50) -> Arrival[Any]:
    event = {
        "vehicle_id": "van",
        "event_time": at(second).isoformat(),
        "latitude": 50 + second / 10_000,
        "longitude": 8.0,
        "speed_kph": speed_kph,
    }
    return Arrival(GPS.parse(event)[1], at(second if published is None else published))


def told(worker: WorkerState[Any, Any] | None, *arrivals: Arrival[Any]) -> WorkerState[Any, Any]:
    """The worker after these arrivals, in as many commits as it takes, keeping all it emitted."""
    waiting = list(arrivals)
    while waiting:
        worker, _, waiting, _ = employ(GPS, "van", worker, waiting, PROFILE)
    assert worker is not None
    return worker


def emitted(worker: WorkerState[Any, Any], name: str) -> list[dict[str, Any]]:
    return [row for _, row in worker.unpublished if name in (row.get("pclass"), row.get("kind"))]


def test_the_first_reading_signs_and_the_next_renews() -> None:
    worker = told(None, fix(0))
    assert (worker.contract.hired_at, worker.contract.expires_at) == (at(0), at(20))
    worker = told(worker, fix(15))
    assert (worker.contract.hired_at, worker.contract.expires_at) == (at(0), at(35))
    assert not worker.unpublished


@pytest.mark.parametrize(("published", "shifts"), [(20, 0), (20.001, 1)])
def test_a_contract_ends_when_nothing_is_published_until_it_expires(published: float, shifts: int) -> None:
    worker = told(told(None, fix(0)), fix(10, published))
    assert len(emitted(worker, "shifts")) == shifts
    assert worker.contract.hired_at == at(published if shifts else 0)
    assert not worker.contract.ended


def test_a_shift_says_how_long_how_many_and_how_far() -> None:
    worker = told(None, fix(0), fix(10), fix(20))
    (shift,) = emitted(end(GPS, "van", worker, PROFILE), "shifts")
    assert (shift["hired_at"], shift["ended_at"], shift["readings"]) == (at(0), at(40), 3)
    assert shift["distance_km"] == pytest.approx(0.2224, abs=1e-4)
    second = end(GPS, "van", told(worker, fix(100), fix(110)), PROFILE)
    assert [(shift["readings"], shift["hired_at"]) for shift in emitted(second, "shifts")] == [(3, at(0)), (2, at(100))]


def test_a_moving_vehicle_that_falls_silent_is_offline_until_it_is_heard_again() -> None:
    ended = end(GPS, "van", told(None, fix(-30, 0), fix(0)), PROFILE)
    (begin,) = emitted(ended, "offline")
    assert (begin["status"], begin["started_at"], begin["version"]) == ("open", at(20), 1)
    back = told(ended, fix(500))
    finish = emitted(back, "offline")[-1]
    assert (finish["status"], finish["ended_at"], finish["version"]) == ("closed", at(500), 2)
    assert finish["alert_id"] == begin["alert_id"]
    assert back.offline == []


def test_a_parked_vehicle_that_falls_silent_is_not_offline() -> None:
    assert not emitted(end(GPS, "van", told(None, fix(0, speed_kph=0)), PROFILE), "offline")


def test_repeats_history_and_clocks_ahead_neither_renew_nor_hire() -> None:
    worker = told(None, *(fix(n, n) for n in range(0, 400, 10)))
    for arrival, fate in (
        (fix(390, 900), Fate.REPEATED),
        (fix(1, 900), Fate.LATE),
        (fix(5000, 900), Fate.CLOCK_AHEAD),
    ):
        after, outcomes, _, changed = employ(GPS, "van", worker, [arrival], PROFILE)
        assert [outcome.fate for outcome in outcomes] == [fate]
        assert after is worker
        assert not changed


def test_an_ended_worker_still_knows_its_repeats_and_its_watermark() -> None:
    ended = end(GPS, "van", told(None, *(fix(n, 60) for n in range(50))), PROFILE)
    assert ended.watermark == at(49)
    assert ended.readings == 50
    _, outcomes, _, changed = employ(GPS, "van", ended, [fix(49, 900), fix(30, 900), fix(48.5, 900)], PROFILE)
    assert sorted(outcome.fate.value for outcome in outcomes) == ["late", "repeated", "repeated"]
    assert not changed


def test_an_ended_worker_has_a_time_to_be_forgotten_and_an_employed_one_has_not() -> None:
    worker = told(None, fix(0))
    assert worker.contract.forget_at is None
    assert end(GPS, "van", worker, PROFILE).contract.forget_at == at(20) + timedelta(days=7)
    assert told(end(GPS, "van", worker, PROFILE), fix(100)).contract.forget_at is None


gaps = st.lists(st.sampled_from([1, 5, 19, 20, 21, 60]), min_size=1, max_size=12)


@settings(max_examples=100, deadline=None)
@given(gaps, st.lists(st.booleans(), min_size=12, max_size=12), st.integers(1, 5))
def test_the_rows_are_the_same_whoever_ends_the_contract_and_however_readings_are_grouped(
    gaps: list[int], monitor_comes: list[bool], size: int
) -> None:
    seconds = [sum(gaps[:n]) for n in range(len(gaps) + 1)]
    alone = told(None, *(fix(second) for second in seconds))
    watched = None
    for start in range(0, len(seconds), size):
        group = seconds[start : start + size]
        if watched and monitor_comes[start % 12] and watched.contract.expires_at < at(group[0]):
            watched = end(GPS, "van", watched, PROFILE)
        watched = told(watched, *(fix(second) for second in group))
    assert watched == alone
