"""Disorder: what is folded, what is a repeat, what is history, and that order within the horizon does not matter."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.employment import employ
from functions.core.horizon import HORIZON_READINGS, MOST_READINGS, Arrival, Fate
from functions.core.profile import DEFAULTS
from functions.core.worker import WorkerCodec, WorkerState
from functions.errors import UnreadableMemory
from functions.lines import LINES

GPS = LINES["gps"]
START = datetime(2024, 5, 1, 8, tzinfo=UTC)
Worker = WorkerState[Any, Any]


def fix(second: float, latitude: float | None = None, published: float | None = None, **more: object) -> Arrival[Any]:
    """A fix `second` seconds after the start, 20 m/s northward unless told otherwise."""
    at = START + timedelta(seconds=second)
    event = {
        "vehicle_id": "van",
        "event_time": at.isoformat(),
        "latitude": 50 + second * 20 / 111_195 if latitude is None else latitude,
        "longitude": 8.0,
        **more,
    }
    heard = at if published is None else START + timedelta(seconds=published)
    return Arrival(GPS.parse(event)[1], heard)


def fed(
    *messages: list[Arrival[Any]], worker: Worker | None = None
) -> tuple[Worker, list[tuple[Fate, dict[str, Any]]]]:
    """The worker after these messages one by one, and every row with its fate."""
    rows = []
    for message in messages:
        waiting = message
        while waiting:
            employed = employ(GPS, "van", worker, waiting, DEFAULTS)
            worker, waiting = employed.worker, employed.left
            rows += [(outcome.fate, outcome.row) for outcome in employed.outcomes]
    assert worker is not None
    return worker, rows


def fates(rows: list[tuple[Fate, dict[str, Any]]]) -> list[Fate]:
    return [fate for fate, _ in rows]


def test_readings_in_order_are_folded_once_each() -> None:
    worker, rows = fed(*([fix(second)] for second in range(100)))
    assert fates(rows) == [Fate.FOLDED] * 100
    assert worker.readings == 100
    assert worker.watermark == START + timedelta(seconds=99)
    assert worker.head.distance_m == pytest.approx(99 * 20, rel=1e-4)


def test_a_repeat_gives_its_row_again_and_changes_nothing() -> None:
    worker, first = fed(*([fix(second)] for second in range(10)))
    employed = employ(GPS, "van", worker, [fix(4, published=500)], DEFAULTS)
    assert not employed.changed
    assert employed.worker is worker
    again = employed.outcomes[0].row
    assert {**again, "received_at": None} == {**first[4][1], "received_at": None}


def test_a_reading_inside_the_horizon_takes_its_place() -> None:
    ordered, _ = fed(*([fix(second)] for second in range(0, 200, 10)))
    shuffled, rows = fed(*([fix(second)] for second in [*range(0, 150, 10), *range(160, 200, 10)]), [fix(150)])
    assert fates(rows) == [Fate.FOLDED] * 20
    assert shuffled.head == ordered.head


def test_a_reading_older_than_the_horizon_is_exported_as_late_and_changes_nothing() -> None:
    seconds = [10.0 * n for n in range(100) if n != 60]
    worker, _ = fed(*([fix(second)] for second in seconds))
    employed = employ(GPS, "van", worker, [fix(600, published=2000)], DEFAULTS)
    assert [outcome.fate for outcome in employed.outcomes] == [Fate.LATE]
    assert employed.outcomes[0].row["late"] is True
    assert employed.outcomes[0].row["version"] == 0
    assert not employed.changed


@pytest.mark.parametrize(("places_back", "fate"), [(HORIZON_READINGS, Fate.FOLDED), (HORIZON_READINGS + 1, Fate.LATE)])
def test_the_horizon_reaches_over_the_last_32_readings(places_back: int, fate: Fate) -> None:
    worker, _ = fed(*([fix(60.0 * n)] for n in range(100)))
    between = fix(60.0 * (99 - places_back) + 30, published=6000)
    assert [outcome.fate for outcome in employ(GPS, "van", worker, [between], DEFAULTS).outcomes] == [fate]


@pytest.mark.parametrize(("age_s", "fate"), [(119.5, Fate.FOLDED), (121.5, Fate.LATE)])
def test_the_horizon_reaches_over_the_last_120_seconds_where_those_are_more(age_s: float, fate: Fate) -> None:
    worker, _ = fed(*([fix(n)] for n in range(400)))
    late = fix(399 - age_s, published=400)
    assert [outcome.fate for outcome in employ(GPS, "van", worker, [late], DEFAULTS).outcomes] == [fate]


def test_memory_never_holds_more_than_256_readings_whatever_comes() -> None:
    worker, rows = fed([fix(n / 10) for n in range(2000)], [fix(200 + n / 10) for n in range(700)])
    assert len(worker.past.recent) <= MOST_READINGS
    assert len(WorkerCodec(GPS).pack(worker)) < 15_000
    assert fates(rows) == [Fate.FOLDED] * 2700


def test_every_reading_of_one_commit_is_found_again_when_its_message_comes_again() -> None:
    message = [fix(60.0 * n, published=20_000) for n in range(200)]
    worker, rows = fed(message)
    again = employ(GPS, "van", worker, message, DEFAULTS)
    assert [outcome.fate for outcome in again.outcomes] == [Fate.REPEATED] * 200
    assert [outcome.row for outcome in again.outcomes] == [row for _, row in rows]


def test_a_clock_that_runs_ahead_never_moves_the_watermark() -> None:
    worker, _ = fed([fix(0)], [fix(10)])
    employed = employ(GPS, "van", worker, [fix(10_000, published=20)], DEFAULTS)
    assert [outcome.fate for outcome in employed.outcomes] == [Fate.CLOCK_AHEAD]
    assert employed.outcomes[0].row["quality"] == "clock_ahead"
    assert employed.outcomes[0].row["late"] is False
    assert not employed.changed


@pytest.mark.parametrize(("ahead_s", "fate"), [(300, Fate.FOLDED), (300.001, Fate.CLOCK_AHEAD)])
def test_five_minutes_ahead_is_still_believed(ahead_s: float, fate: Fate) -> None:
    assert [outcome.fate for outcome in employ(GPS, "van", None, [fix(ahead_s, published=0)], DEFAULTS).outcomes] == [
        fate
    ]


def test_a_vehicle_that_was_only_ever_ahead_is_not_hired() -> None:
    assert employ(GPS, "van", None, [fix(10_000, published=0)], DEFAULTS).worker is None


def test_an_older_message_never_shortens_a_contract() -> None:
    worker, _ = fed([fix(100, published=100)], [fix(90, published=90)])
    assert worker.contract.seen_at == START + timedelta(seconds=100)
    assert worker.contract.hired_at == START + timedelta(seconds=100)


def test_memory_of_a_later_release_is_not_read_and_broken_memory_neither() -> None:
    codec = WorkerCodec(GPS)
    worker, _ = fed([fix(0)])
    assert codec.unpack(codec.pack(worker)) == worker
    newer = b"\x92\x02" + codec.pack(worker)[2:]
    for memory in (newer, b"", b"\x00", codec.pack(worker)[:-1]):
        with pytest.raises(UnreadableMemory):
            codec.unpack(memory)


drives = st.lists(st.integers(0, 60), min_size=1, max_size=40, unique=True)


@settings(max_examples=60, deadline=None)
@given(drives, st.randoms(use_true_random=False), st.integers(1, 8))
def test_any_order_any_grouping_and_any_repeats_end_in_the_same_state(
    seconds: list[int], random: Any, size: int
) -> None:
    in_order, _ = fed(*([fix(second, published=1000)] for second in sorted(seconds)))
    disordered = [fix(second, published=1000) for second in seconds + random.choices(seconds, k=10)]
    random.shuffle(disordered)
    messages = [disordered[start : start + size] for start in range(0, len(disordered), size)]
    shuffled, rows = fed(*messages)
    assert shuffled == in_order
    assert {row["product_id"] for _, row in rows} == {row["product_id"] for _, row in fed(disordered)[1]}


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False))
def test_readings_displaced_by_up_to_16_places_end_in_the_same_state(random: Any) -> None:
    seconds = list(range(0, 9000, 60))
    displaced = [
        second for _, second in sorted((place + random.uniform(0, 16), second) for place, second in enumerate(seconds))
    ]
    ordered, _ = fed(*([fix(second, published=10_000)] for second in seconds))
    shuffled, rows = fed(*([fix(second, published=10_000)] for second in displaced))
    assert set(fates(rows)) == {Fate.FOLDED}
    assert shuffled == ordered
