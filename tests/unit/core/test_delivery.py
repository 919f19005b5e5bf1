"""Deliveries: the estimate, when it is late, when that is told again, and when it is over."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from functions.core.delivery import Stop, Tour, follow, silenced
from functions.core.profile import Profile
from functions.core.route import Route
from tests.yard import Spot, at, degrees, fixes, spot

FAR = degrees(60_000, 0)


def stop(promised_s: float | None = None, stop_id: str = "a", north_m: float = 60_000, radius_m: float = 100) -> Stop:
    promised_at = None if promised_s is None else at(promised_s)
    return Stop(stop_id, *degrees(north_m, 0), radius_m, promised_at)


def toured(
    spots: list[Spot], stops: list[Stop], route: Route | None = None, tour: Tour | None = None
) -> tuple[Any, list[Any], list[Any]]:
    events, episodes = [], []
    for fix, _ in fixes(spots):
        tour, made, told = follow(tour, fix, stops, route)
        events += [product.columns for product in made]
        episodes += told
    return tour, events, episodes


def test_the_estimate_is_the_way_left_over_the_mean_moving_speed() -> None:
    """It begins at 30 km/h: 60 km are two hours."""
    tour, _, _ = toured([spot(0)], [stop()])
    assert tour.eta_at == at(7200)
    way = [spot(60 * n, 1000 * n, speed_kph=60) for n in range(31)]
    tour, _, _ = toured(way, [stop()])
    assert 50 < tour.pace_kph < 60
    assert tour.eta_at == at(1800) + timedelta(seconds=round(30_000 * 3.6 / tour.pace_kph))


def test_standing_does_not_lower_the_mean_moving_speed_but_puts_the_arrival_off() -> None:
    tour, _, _ = toured([spot(60 * n) for n in range(11)], [stop()])
    assert (tour.pace_kph, tour.eta_at) == (30, at(600 + 7200))


def test_with_a_route_the_way_left_is_along_it() -> None:
    around = Route([degrees(0, 0), degrees(0, 30_000), degrees(60_000, 30_000), degrees(60_000, 0)])
    tour, _, _ = toured([spot(0)], [stop()], around)
    assert tour.eta_at == pytest.approx(at(120_000 / 30 * 3.6), abs=timedelta(seconds=150))


@pytest.mark.parametrize(("late_s", "count"), [(900, 0), (901, 1)])
def test_it_is_late_by_more_than_15_minutes(late_s: float, count: int) -> None:
    assert len(toured([spot(0)], [stop(7200 - late_s)])[2]) == count


def test_it_is_told_again_for_each_further_15_minutes() -> None:
    _, _, episodes = toured([spot(60 * n) for n in range(61)], [stop(7200 - 600)])
    assert [(one.peak, one.started_at) for one in episodes] == [(900 * n, at(360)) for n in (1, 2, 3, 4)]


def test_a_delay_recovers_when_no_more_than_10_minutes_are_left_of_it() -> None:
    fast = [spot(60 * n, 2000 * n, speed_kph=120) for n in range(25)]
    _, _, episodes = toured(fast, [stop(7200 - 1000)])
    assert [one.ended_at is None for one in episodes] == [True, False]
    assert episodes[1].started_at == at(0)


@pytest.mark.parametrize(("metres", "count"), [(99.9, 1), (100.1, 0)])
def test_a_stop_is_reached_within_its_radius(metres: float, count: int) -> None:
    _, events, _ = toured([spot(0, 60_000 - metres)], [stop(60)])
    assert len(events) == count
    if count:
        assert (events[0]["kind"], events[0]["stop_id"], events[0]["late_s"]) == ("arrival", "a", -60)


def test_arriving_late_ends_the_delay_and_the_next_stop_is_next() -> None:
    stops = [stop(0), stop(20_000, "b", 90_000)]
    tour, events, episodes = toured([spot(0), spot(7200, 60_000), spot(7260, 60_000)], stops)
    assert [(one["stop_id"], one["late_s"]) for one in events] == [("a", 7200)]
    assert [(one.subject, one.ended_at) for one in episodes] == [("a", None), ("a", at(7200))]
    assert tour.eta_at > at(7260)
    assert toured([spot(0, 60_000), spot(60, 90_000), spot(120, 90_000)], stops)[0].eta_at is None


def test_a_stop_without_a_promise_is_never_late() -> None:
    assert toured([spot(100_000 * n) for n in range(5)], [stop()])[2] == []


def test_tomorrows_tour_may_use_todays_ids() -> None:
    tour, _, _ = toured([spot(0, 60_000)], [stop(0)])
    _, events, _ = toured([spot(0, 60_000)], [stop(86_400)], tour=tour)
    assert [one["stop_id"] for one in events] == ["a"]
    assert toured([spot(0, 60_000)], [stop(0)], tour=tour)[1] == []


def test_a_stop_taken_off_the_tour_ends_its_delay() -> None:
    tour, _, _ = toured([spot(0)], [stop(0)])
    for stops in ([], [stop(90_000, "b")]):
        _, _, (over,) = toured([spot(60)], stops, tour=tour)
        assert (over.subject, over.started_at, over.ended_at) == ("a", at(0), at(60))
    assert toured([spot(60)], [], tour=tour)[0] is None


def test_a_delay_that_goes_on_after_a_silence_is_told_anew() -> None:
    tour, _, _ = toured([spot(0)], [stop(0)])
    _, _, (again,) = toured([spot(9000)], [stop(0)], tour=silenced(tour))
    assert (again.started_at, again.ended_at) == (at(9000), None)
    assert silenced(None) is None


def test_what_is_remembered_of_200_stops_stays_small() -> None:
    stops = [stop(0, f"{n:0>128}", 60_000, 1e5) for n in range(200)]
    tour, events, _ = toured([spot(60 * n, 60_000) for n in range(201)], stops)
    assert len(events) == 200
    assert len(msgspec.msgpack.encode(tour)) < 1200
    (only,) = toured([spot(0, 60_000)], [stop(0, "new")], tour=tour)[0].reached
    assert only == stop(0, "new").mark


def test_a_broken_stop_is_refused_by_name() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"timezone component.*\$\.stops\[0\]\.promised_at"):
        msgspec.convert(
            {"stops": [{"id": "a", "latitude": 50, "longitude": 8, "promised_at": "2024-05-01T08:00:00"}]}, Profile
        )
