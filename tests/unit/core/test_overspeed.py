"""Overspeed: one episode from the first fix over the limit to the first at it."""

from typing import Any

import pytest

from functions.core.episode import Episode
from functions.core.overspeed import Overspeed, follow, silenced
from tests.yard import Spot, at, fixes, spot


def sped(spots: list[Spot], limit_kph: float | None = 50, hold_s: float = 0) -> tuple[Any, list[Any], list[Episode]]:
    state: Overspeed | None = None
    events, episodes = [], []
    for fix, _ in fixes(spots):
        state, made, told = follow(state, fix, limit_kph, hold_s)
        events += [product.columns for product in made]
        episodes += told
    return state, events, episodes


@pytest.mark.parametrize(("kph", "count"), [(50, 0), (50.1, 1)])
def test_at_the_limit_is_not_over_it(kph: float, count: int) -> None:
    assert len(sped([spot(0, speed_kph=kph)])[2]) == count


@pytest.mark.parametrize(("held_s", "count"), [(29, 0), (30, 1)])
def test_it_must_be_held(held_s: float, count: int) -> None:
    assert len(sped([spot(0, speed_kph=60), spot(held_s, speed_kph=61)], hold_s=30)[2]) == count


def test_one_episode_has_a_begin_an_end_a_duration_and_a_peak() -> None:
    speeds = [40, 55, 58, 72, 64, 50, 40, 51, 49]
    _, events, episodes = sped([spot(10 * n, speed_kph=kph) for n, kph in enumerate(speeds)])
    assert [(one["started_at"], one["ended_at"], one["duration_s"], one["peak_kph"]) for one in events] == [
        (at(10), at(50), 40, 72),
        (at(70), at(80), 10, 51),
    ]
    ended = [one for one in episodes if one.ended_at]
    assert [(one.started_at, one.ended_at, one.peak) for one in ended] == [(at(10), at(50), 72), (at(70), at(80), 51)]


def test_a_dip_before_it_was_held_begins_anew() -> None:
    spots = [spot(0, speed_kph=60), spot(20, speed_kph=50), spot(25, speed_kph=60), spot(54, speed_kph=60)]
    assert sped(spots, hold_s=30)[1:] == ([], [])


def test_a_peak_is_told_again_only_when_it_rose_by_5_km_h_but_the_end_has_it() -> None:
    _, _, episodes = sped([spot(n, speed_kph=51 + n) for n in range(12)] + [spot(12, speed_kph=0)])
    assert [one.peak for one in episodes] == [51, 56, 61, 62]


def test_a_fix_without_a_speed_changes_nothing() -> None:
    _, events, _ = sped([spot(0, speed_kph=60), spot(10), spot(20, speed_kph=60), spot(30, speed_kph=10)])
    assert [one["duration_s"] for one in events] == [30]


def test_without_a_limit_nothing_is_too_fast_and_a_limit_taken_away_ends_it() -> None:
    assert sped([spot(0, speed_kph=299)], limit_kph=None)[1:] == ([], [])
    state = Overspeed(at(0), 60, 50, 60)
    (fix, _) = fixes([spot(10, speed_kph=60)])[0]
    assert follow(state, fix, None, 0)[0] is None
    assert follow(state, fix, None, 0)[2][0].ended_at == at(10)


@pytest.mark.parametrize(("gap_s", "durations"), [(3600, [3601]), (3601, [10, 1])])
def test_over_a_gap_of_more_than_an_hour_nobody_knows_how_fast_it_was(gap_s: float, durations: list[float]) -> None:
    spots = [spot(0, speed_kph=60), spot(10, speed_kph=70)]
    spots += [spot(10 + gap_s, speed_kph=55), spot(11 + gap_s, speed_kph=0)]
    if gap_s == 3600:
        durations = [3611]
    assert [one["duration_s"] for one in sped(spots)[1]] == durations


def test_silence_ends_it_as_unknown_at_the_last_fix() -> None:
    state, _, _ = sped([spot(0, speed_kph=60), spot(10, speed_kph=70)])
    (event,), (episode,) = silenced(state, at(10))
    assert (event.columns["duration_s"], event.columns["outcome"]) == (10, "unknown")
    assert (episode.ended_at, episode.peak) == (at(10), 70)
    assert silenced(None, at(10)) == ([], [])
