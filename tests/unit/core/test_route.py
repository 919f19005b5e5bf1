"""Route deviation: beyond the corridor for long enough, until well within it again."""

import itertools
from typing import Any

import msgspec
import pytest

from functions.core.profile import Profile
from functions.core.route import Deviation, Route, follow, silenced
from tests.yard import Spot, at, degrees, fixes, spot

ROUTE = Route([degrees(0, 0), degrees(50_000, 0), degrees(100_000, 0)])
"""100 km northward with a corridor of 500 m, held for 120 s."""


def followed(spots: list[Spot], route: Route | None = ROUTE) -> tuple[Any, list[Any], list[Any]]:
    state: Deviation | None = None
    events, episodes = [], []
    for fix, _ in fixes(spots):
        state, made, told = follow(state, fix, route)
        events += [product.columns for product in made]
        episodes += told
    return state, events, episodes


@pytest.mark.parametrize(("metres", "count"), [(499.5, 0), (500.5, 1)])
@pytest.mark.parametrize("side", [1, -1])
def test_a_deviation_is_beyond_the_corridor(metres: float, count: int, side: int) -> None:
    away = [spot(second, 50_000, side * metres) for second in (0, 120)]
    assert len(followed(away)[2]) == count


@pytest.mark.parametrize(("accuracy_m", "count"), [(99, 1), (101, 0)])
def test_the_accuracy_of_a_fix_counts_for_the_vehicle(accuracy_m: float, count: int) -> None:
    away = [spot(second, 50_000, 600, accuracy_m=accuracy_m) for second in (0, 120)]
    assert len(followed(away)[2]) == count


@pytest.mark.parametrize(("lasted_s", "count"), [(119, 0), (120, 1)])
def test_it_must_last_two_minutes_and_begins_with_its_first_fix(lasted_s: float, count: int) -> None:
    _, _, episodes = followed([spot(0, 40_000), spot(60, 41_000, 700), spot(60 + lasted_s, 42_000, 700)])
    assert [one.started_at for one in episodes] == [at(60)] * count


def test_a_moment_on_the_route_begins_it_anew() -> None:
    assert followed([spot(0, 40_000, 600), spot(100, 40_000, 499), spot(119, 40_000, 600), spot(238, 40_000, 600)])[
        1:
    ] == ([], [])


@pytest.mark.parametrize(("metres", "ended"), [(401, 0), (399, 1)])
def test_it_has_rejoined_within_80_percent_of_the_corridor(metres: float, ended: int) -> None:
    way = [spot(0, 40_000, 600), spot(200, 41_000, 900), spot(300, 42_000, metres)]
    _, events, episodes = followed(way)
    assert len(events) == ended
    if ended:
        (event,) = events
        assert (event["started_at"], event["ended_at"], event["duration_s"]) == (at(0), at(300), 300)
        assert event["most_m"] == pytest.approx(900, rel=0.001)
        assert (episodes[-1].ended_at, episodes[-1].peak) == (at(300), event["most_m"])


@pytest.mark.parametrize(("north_m", "count"), [(-450, 0), (100_450, 0), (-1100, 1), (101_100, 1)])
def test_near_the_start_and_the_end_a_vehicle_may_be_anywhere(north_m: float, count: int) -> None:
    assert len(followed([spot(0, north_m, 200), spot(200, north_m, 200)])[2]) == count


def test_a_vehicle_that_never_was_on_its_route_deviates_too() -> None:
    assert len(followed([spot(0, 50_000, 9000), spot(200, 50_000, 9000)])[2]) == 1


def test_a_growing_distance_is_told_again_with_each_tenth_more_however_slowly_it_grows() -> None:
    creeping = [spot(60 * n, 50_000, 600 * 1.04**n) for n in range(20)]
    peaks = [episode.peak for episode in followed(creeping)[2]]
    assert len(peaks) >= 5
    assert all(later > 1.1 * earlier for earlier, later in itertools.pairwise(peaks))


def test_the_alert_carries_the_command_that_brings_the_vehicle_back() -> None:
    _, _, (episode,) = followed([spot(0, 50_000, 900), spot(200, 50_000, 900)])
    assert episode.details["command"] == "reroute"


def test_without_a_route_nothing_deviates_and_a_route_taken_away_ends_it() -> None:
    assert followed([spot(0, 50_000, 9000), spot(200, 50_000, 9000)], None) == (None, [], [])
    (fix, _) = fixes([spot(300, 50_000, 900)])[0]
    assert follow(Deviation(at(0), 900, 900), fix, None)[2][0].ended_at == at(300)


def test_silence_ends_it_as_unknown_at_the_last_fix() -> None:
    (event,), (episode,) = silenced(Deviation(at(0), 900, 880), at(240))
    assert (event.columns["duration_s"], event.columns["outcome"], episode.peak) == (240, "unknown", 900)
    assert silenced(Deviation(at(0), 900, 0.0), at(240)) == ([], [])


def test_what_is_left_of_a_route_is_measured_along_it() -> None:
    bent = Route([degrees(0, 0), degrees(10_000, 0), degrees(10_000, 10_000)])
    assert bent.remaining_m(*degrees(5000, 300), degrees(10_000, 10_000)) == pytest.approx(15_000, rel=0.002)
    assert bent.remaining_m(*degrees(10_000, 9000), degrees(5000, 0)) == 0


def test_a_broken_route_is_refused_by_name() -> None:
    for broken, said in (([[50, 8]], "length >= 2"), ([[50, 8], [91, 8]], "<= 90.0"), ([[50], [51]], "length 2")):
        with pytest.raises(msgspec.ValidationError, match=said) as refused:
            msgspec.convert({"route": {"polyline": broken}}, Profile)
        assert "$.route.polyline" in str(refused.value)
