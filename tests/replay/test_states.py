"""Recordings through the real directors, in one process: states and rows are what pandas computes from the same events.

Whole plants with real backends are in tests/system/test_replay_plant.py.
"""

from collections.abc import Iterator, Sequence
from random import Random

import pandas as pd
import pytest

from tests.replay import oracle
from tests.replay.compare import PCLASSES, assert_faces, assert_rows
from tests.replay.feed import Hall, in_time_order, shuffled
from tests.replay.recorded import Event, needs_recordings
from tests.replay.sources import SOURCES

pytestmark = needs_recordings

IN_ORDER = [
    *("ambient", "flatline", "limerick", "machine", "madison", "openxc", "visnjan"),
    *(pytest.param(name, marks=pytest.mark.full) for name in ("motes", "motes-by-site", "twizy-1", "twizy-3")),
]
"""Recordings that stand in the order of their times, vehicle by vehicle, or nearly."""
UNSORTED = [
    *("buses-2015-12-30", "buses-2016-05-30", "buses-2016-09-01", "trucks-distinct"),
    *(pytest.param(name, marks=pytest.mark.full) for name in ("buses-2015-03-08", "buses-2017-04-18", "trucks")),
]
DISORDERED = [
    *("buses-2015-12-30", "limerick", "openxc"),
    *(pytest.param(name, marks=pytest.mark.full) for name in ("buses-2016-05-30", "twizy-3")),
]


def lines_of(events: Sequence[Event]) -> list[str]:
    return sorted({event["line"] for event in events})


def assert_books(hall: Hall, events: Sequence[Event]) -> dict[str, int]:
    """Nothing lost, nothing doubled, late what lies beyond the horizon, state equal to pandas over the rest: sent one
    by one. How many were late, by line."""
    counts = {}
    for line in lines_of(events):
        arrived = oracle.distinct(events, line)
        late = oracle.late(arrived, line)
        assert_rows(line, hall.rows(PCLASSES[line]), arrived, late)
        assert_faces(line, hall.faces(line), arrived[~late])
        counts[line] = int(late.sum())
    return counts


@pytest.mark.parametrize("name", IN_ORDER)
async def test_a_recording_in_order_ends_in_the_states_that_pandas_computes(name: str) -> None:
    events = SOURCES[name].events()
    hall = Hall()
    await hall.take(events)
    assert set(assert_books(hall, events).values()) == {0}


@pytest.mark.parametrize("name", UNSORTED)
async def test_a_recording_out_of_order_loses_nothing_and_only_what_lies_beyond_the_horizon_is_late(name: str) -> None:
    events = SOURCES[name].events()
    hall = Hall()
    await hall.take(events)
    assert_books(hall, events)


@pytest.mark.parametrize("name", UNSORTED)
async def test_the_same_sorted_by_time_has_nothing_late(name: str) -> None:
    events = in_time_order(SOURCES[name].events())
    hall = Hall()
    await hall.take(events)
    assert assert_books(hall, events) == {"gps": 0}


@pytest.mark.parametrize(
    "name",
    ["buses-2015-03-08", "limerick", pytest.param("buses-2017-04-18", marks=pytest.mark.full)],
)
async def test_rows_in_order_say_which_fixes_are_good_as_pandas_finds_them(name: str) -> None:
    events = in_time_order(SOURCES[name].events())
    hall = Hall()
    await hall.take(events)
    expected = oracle.in_order(oracle.distinct(events, "gps"))
    expected["quality"] = oracle.gps_quality(expected)
    rows = hall.rows("positions").set_index("event_id")["quality"]
    assert list(rows[expected["key"].map(bytes.hex)]) == list(expected["quality"])
    assert hall.rows("positions")["distance_m"].sum() == pytest.approx(
        oracle.gps_faces(expected)["distance_km"].sum() * 1000
    )


@pytest.mark.parametrize("name", ["buses-2015-03-08", pytest.param("buses-2017-04-18", marks=pytest.mark.full)])
async def test_a_bus_day_in_lists_of_any_size_ends_in_the_states_that_pandas_computes(name: str) -> None:
    events = in_time_order(SOURCES[name].events())
    hall = Hall()
    await hall.take(events, sizes_up_to(60, seed=3))
    fixes = oracle.distinct(events, "gps")
    assert_rows("gps", hall.rows("positions"), fixes, pd.Series(False, index=fixes.index))
    assert_faces("gps", hall.faces("gps"), fixes)


@pytest.mark.parametrize(
    ("first", "last", "distinct"),
    [(80_000, 110_000, 4_359), pytest.param(0, 198_075, 9_744, marks=pytest.mark.full)],
)
async def test_polls_of_trucks_end_as_their_distinct_events(first: int, last: int, distinct: int) -> None:
    """A message is a poll: all trucks at once, nearly all of them where they were."""
    events = SOURCES["trucks"].events()[first:last]
    hall = Hall()
    await hall.take(events, polls_of(139))
    fixes = oracle.distinct(events, "gps")
    rows = hall.rows("positions")
    assert len(rows) == distinct
    assert_rows("gps", rows, fixes)
    late = fixes["key"].map(bytes.hex).isin(rows.loc[rows["late"], "event_id"])
    assert_faces("gps", hall.faces("gps"), fixes[~late])


async def test_what_no_line_can_read_is_quarantined_as_it_was_sent_and_the_rest_goes_through() -> None:
    hall = Hall()
    await hall.take(SOURCES["twizy-1"].events()[3 * 3_200 : 3 * 3_300])
    refused = hall.rows("quarantined")
    assert refused.groupby("line").size().to_dict() == {"gps": 10, "maintenance": 10, "temperature": 10}
    assert refused["excerpt"].str.contains('"90/02/2032 12:08:', regex=False).all()
    assert set(refused["vehicle_id"]) == {"twizy-T1"}
    assert refused["reason"].str.startswith("event_time: '90/02/2032 12:08:").all()


@pytest.mark.parametrize("name", DISORDERED)
@pytest.mark.parametrize("how", ["in lists", "late by up to 60 s", "late by up to 60 s, in lists"])
async def test_order_within_the_horizon_and_the_cut_of_messages_do_not_matter(name: str, how: str) -> None:
    in_order = in_time_order(SOURCES[name].events())
    hall, other = Hall(), Hall()
    await hall.take(in_order)
    events = shuffled(in_order, 60.0, seed=11) if "late" in how else in_order
    await other.take(events, sizes_up_to(20, seed=5) if "lists" in how else None)
    for line in lines_of(in_order):
        assert other.states(line) == hall.states(line)
        mine, theirs = (one.rows(PCLASSES[line]).set_index("product_id").sort_index() for one in (hall, other))
        assert list(mine.index) == list(theirs.index)
        assert not mine["late"].any()
        assert not theirs["late"].any()


def sizes_up_to(most: int, seed: int) -> Iterator[int]:
    """Sizes of messages: half of them single events, the others lists."""
    random = Random(seed)
    while True:
        yield 1 if random.random() < 0.5 else random.randint(2, most)


def polls_of(trucks: int) -> Iterator[int]:
    while True:
        yield trucks
