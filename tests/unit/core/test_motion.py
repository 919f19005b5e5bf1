"""Motion: what is a trip, a stop and idling, on both sides of every boundary."""

from itertools import pairwise
from math import cos, radians
from typing import Any

import pytest

from functions.core.geo import EARTH_RADIUS_M
from functions.core.motion import Motion, Trip, follow, silenced
from tests.yard import Spot, at, fixes, made_by, spot

PARKED = [spot(60 * n) for n in range(6)]
"""Five minutes in one place."""


def drive(start_s: float, start_m: float, kilometres: float, step_s: float = 60, kph: float = 60) -> list[Spot]:
    """Northward at an even speed."""
    steps = round(kilometres * 3600 / kph / step_s)
    return [spot(start_s + step_s * n, start_m + kph / 3.6 * step_s * n, speed_kph=kph) for n in range(1, steps + 1)]


def stand(start_s: float, where_m: float, fixes: int, step_s: float = 60, **said: Any) -> list[Spot]:
    return [spot(start_s + step_s * n, where_m, speed_kph=0, **said) for n in range(1, fixes + 1)]


def rows(made: list[dict[str, Any]], pclass: str) -> list[dict[str, Any]]:
    return [row for row in made if row["pclass"] == pclass]


@pytest.mark.parametrize(("metres", "moving"), [(199.9, False), (200.1, True)])
def test_a_trip_begins_200_m_from_the_place_of_the_stop(metres: float, moving: bool) -> None:
    state, _ = made_by(follow, [*PARKED, spot(360, metres)])
    assert state.on_trip is moving


def test_a_parked_vehicle_that_drifts_is_not_moving() -> None:
    drift = [(0, 0), (120, 40), (-60, 130), (30, -150), (-100, -100), (150, 20), (0, 190)]
    state, made = made_by(follow, [spot(30 * n, *drift[n % 7]) for n in range(400)])
    assert not state.on_trip
    assert made == []


def test_a_vehicle_that_drifts_where_it_stopped_is_not_moving_although_its_stay_began_190_m_before() -> None:
    """At one fix a second the first fix of a stay is on the way in, so 15 m of drift are 205 m from it."""
    way_in = [spot(n, 14 * n, speed_kph=50) for n in range(200)]
    stands = [spot(200 + n, 2800 + 15 * (n % 2), speed_kph=0) for n in range(1200)]
    state, made = made_by(follow, [*way_in, *stands])
    assert len(rows(made, "trips")) == 1
    assert not state.on_trip
    assert state.now.place.apart_m(fixes([stands[0]])[0][0]) < 30


def test_the_start_is_walked_back_over_the_legs_that_moved() -> None:
    creep = [spot(360, 10, speed_kph=2), spot(370, 60, speed_kph=18), spot(380, 120, speed_kph=40)]
    _, made = made_by(follow, [*PARKED, *creep, *drive(380, 120, 5), *stand(680, 5120, 4)])
    (trip,) = rows(made, "trips")
    assert trip["started_at"] == at(360)
    assert trip["distance_km"] == pytest.approx(5.11, abs=0.005)
    (stop,) = rows(made, "stops")
    assert (stop["started_at"], stop["ended_at"], stop["duration_s"]) == (at(0), at(360), 360)


@pytest.mark.parametrize(("light_s", "started_s"), [(59, 300), (60, 366)])
def test_a_red_light_on_the_way_out_is_part_of_the_trip(light_s: float, started_s: float) -> None:
    way = [spot(306, 120, speed_kph=50), spot(306 + light_s, 120, speed_kph=0)]
    _, made = made_by(follow, [*PARKED, *way, *drive(306 + light_s, 120, 5), *stand(606 + light_s, 5120, 4)])
    (trip,) = rows(made, "trips")
    assert trip["started_at"] == at(started_s)
    assert trip["idle_s"] == (light_s if light_s < 60 else 0)


def test_moving_in_the_yard_and_standing_there_again_is_no_start() -> None:
    yard = [spot(306, 20, speed_kph=12), spot(312, 20, speed_kph=0), spot(330, 40, speed_kph=9)]
    _, made = made_by(follow, [*PARKED, *yard, *drive(330, 40, 5), *stand(630, 5040, 4)])
    (trip,) = rows(made, "trips")
    assert trip["started_at"] == at(312)


def test_a_highest_speed_before_the_trip_was_recognised_counts() -> None:
    burst = [spot(302, 30, speed_kph=90), spot(304, 80, speed_kph=91), spot(306, 130, speed_kph=70)]
    _, made = made_by(follow, [*PARKED, *burst, *drive(306, 130, 3), *stand(486, 3130, 4)])
    (trip,) = rows(made, "trips")
    assert trip["max_kph"] == 91


@pytest.mark.parametrize(("last_s", "stopped"), [(179, False), (180, True)])
def test_a_stop_is_fixes_within_200_m_that_span_180_seconds(last_s: float, stopped: bool) -> None:
    arrived = [*PARKED, *drive(300, 0, 3)]
    (end_s, end_m, _, _) = arrived[-1]
    state, made = made_by(follow, [*arrived, spot(end_s + 100, end_m + 5), spot(end_s + last_s, end_m)])
    assert state.on_trip is not stopped
    assert len(rows(made, "trips")) == stopped
    if stopped:
        (trip,) = rows(made, "trips")
        assert trip["ended_at"] == at(end_s)


@pytest.mark.parametrize(("metres", "stopped"), [(199.9, True), (200.1, False)])
def test_a_stop_is_within_200_m_of_its_first_fix(metres: float, stopped: bool) -> None:
    arrived = [*PARKED, *drive(300, 0, 3)]
    (end_s, end_m, _, _) = arrived[-1]
    state, _ = made_by(follow, [*arrived, spot(end_s + 180, end_m + metres)])
    assert state.on_trip is not stopped


def test_two_fixes_make_a_stop_and_one_does_not() -> None:
    arrived = [*PARKED, *drive(300, 0, 3)]
    (end_s, end_m, _, _) = arrived[-1]
    assert made_by(follow, arrived)[0].on_trip
    assert not made_by(follow, [*arrived, spot(end_s + 3000, end_m)])[0].on_trip


def test_a_stay_may_begin_with_any_fix_not_only_where_the_last_200_m_ended() -> None:
    """Found by a search over all fixes: from every 200 m on, this stop would be missed."""
    arrived = [*PARKED, *drive(300, 0, 3)]
    (end_s, end_m, _, _) = arrived[-1]
    slow = [(60, 150), (120, 210), (180, 300), (240, 320)]
    _, made = made_by(follow, [*arrived, *(spot(end_s + second, end_m + metres) for second, metres in slow)])
    (trip,) = rows(made, "trips")
    assert trip["ended_at"] == at(end_s + 60)


def test_a_stop_is_exported_when_it_ends() -> None:
    spots = [*PARKED, *drive(300, 0, 5), *stand(600, 5000, 10)]
    assert len(rows(made_by(follow, spots)[1], "stops")) == 1
    _, made = made_by(follow, [*spots, *drive(1200, 5000, 2)])
    (_, stop) = rows(made, "stops")
    assert (stop["started_at"], stop["ended_at"]) == (at(600), at(1200))
    assert (stop["distance_km"], stop["duration_s"]) == (0, 600)


def test_a_trip_says_where_when_how_far_and_how_fast() -> None:
    jam = [spot(900 + 60 * n, 10_000 + 80 * n, speed_kph=4.8) for n in range(1, 4)]
    spots = [*PARKED, *drive(300, 0, 10), *jam, *drive(1080, 10_240, 5, kph=100), *stand(1260, 15_240, 4)]
    _, made = made_by(follow, spots)
    trip = rows(made, "trips")[-1]
    assert trip["ended_at"] == at(1260)
    assert trip["max_kph"] == 100
    assert trip["average_kph"] == pytest.approx(trip["distance_km"] * 3600 / trip["duration_s"])
    assert trip["start_longitude"] == 8
    assert trip["end_latitude"] == pytest.approx(50 + 15_240 / 111_195, abs=1e-4)


def test_standing_in_a_trip_is_idle_time_of_it() -> None:
    light = stand(900, 10_000, 2)
    _, made = made_by(follow, [*PARKED, *drive(300, 0, 10), *light, *drive(1020, 10_000, 5), *stand(1320, 15_000, 4)])
    (trip,) = rows(made, "trips")
    assert trip["idle_s"] == 120


@pytest.mark.parametrize(("gap_s", "trips"), [(3600, 0), (3600.001, 1)])
def test_a_gap_of_more_than_an_hour_closes_the_trip_at_the_last_fix(gap_s: float, trips: int) -> None:
    driven = [*PARKED, *drive(300, 0, 5)]
    _, made = made_by(follow, [*driven, spot(600 + gap_s, 30_000)])
    assert len(rows(made, "trips")) == trips
    if trips:
        (trip,) = rows(made, "trips")
        assert (trip["ended_at"], trip["distance_km"]) == (at(600), pytest.approx(5, abs=0.01))


def test_a_vehicle_still_there_after_the_gap_stood_all_the_time() -> None:
    spots = [*PARKED, *drive(300, 0, 5), *stand(600 + 40_000, 5020, 3), *drive(41_000, 5020, 3)]
    (_, stop) = rows(made_by(follow, spots)[1], "stops")
    assert (stop["started_at"], stop["ended_at"]) == (at(600), at(40_780))


def test_a_vehicle_found_elsewhere_after_the_gap_left_its_stop_unseen() -> None:
    state, made = made_by(follow, [*PARKED, spot(300 + 7200, 9000)])
    (stop,) = rows(made, "stops")
    assert (stop["started_at"], stop["ended_at"]) == (at(0), at(300))
    assert not state.on_trip
    assert state.now.place.at == at(7500)


def test_ignition_off_closes_the_trip_at_once() -> None:
    driven = [*PARKED, *drive(300, 0, 5)]
    state, made = made_by(follow, [*driven, spot(620, 5010, speed_kph=0, ignition=False)])
    (trip,) = rows(made, "trips")
    assert trip["ended_at"] == at(620)
    assert not state.on_trip


def test_a_vehicle_with_its_ignition_off_is_not_moving_however_far_it_drifts() -> None:
    state, _ = made_by(follow, [*PARKED, spot(360, 500, ignition=False)])
    assert not state.on_trip


def test_an_ignition_that_was_off_and_is_not_sent_again_does_not_keep_a_trip_from_beginning() -> None:
    state, _ = made_by(follow, [*PARKED, spot(360, 0, ignition=False), *drive(360, 0, 3)])
    assert state.on_trip


@pytest.mark.parametrize(("minutes", "events"), [(9, 0), (10, 1)])
def test_idling_is_ignition_on_and_not_moving_for_ten_minutes(minutes: int, events: int) -> None:
    idle = [spot(60 * n, ignition=True, speed_kph=0) for n in range(minutes + 1)]
    off = spot(60 * minutes, 0.1, ignition=False)
    _, made = made_by(follow, [*idle[:-1], off])
    assert len(rows(made, "events")) == events
    if events:
        assert (made[0]["kind"], made[0]["started_at"], made[0]["duration_s"]) == ("idling", at(0), 600)


def test_without_ignition_there_is_no_idling_and_a_drift_does_not_end_it() -> None:
    assert made_by(follow, [*PARKED, *stand(300, 0, 30), *drive(2100, 0, 2)])[1][0]["pclass"] == "stops"
    noisy = [spot(n, 4 * (n % 2), speed_kph=0, ignition=True) for n in range(700)]
    (idling,) = rows(made_by(follow, [*noisy, *drive(700, 0, 2)])[1], "events")
    assert idling["duration_s"] == 760


def test_idling_that_a_gap_cut_off_ended_before_it() -> None:
    idle = [spot(60 * n, ignition=True, speed_kph=0) for n in range(21)]
    again = [spot(10_000 + 60 * n, ignition=True, speed_kph=0) for n in range(21)]
    _, made = made_by(follow, [*idle, *again, spot(11_201, ignition=False)])
    assert [(row["started_at"], row["ended_at"]) for row in made] == [(at(0), at(1200)), (at(10_000), at(11_201))]


def test_silence_closes_a_trip_at_the_last_fix_and_the_next_goes_on_from_there() -> None:
    told = fixes([*PARKED, *drive(300, 0, 5), spot(2000, 30_000), *drive(2000, 30_000, 2)])
    state: Motion | None = None
    made: list[Any] = []
    for number, (fix, last) in enumerate(told):
        if number == 11:  # the contract ran out after the tenth fix of all
            state, products = silenced(state, last)
            made += products
        state, products = follow(state, fix, last)
        made += products
    (first,) = [product for product in made if product.pclass == "trips"]
    assert first.columns["ended_at"] == at(600)
    assert state is not None
    assert isinstance(state.now, Trip)
    assert state.now.start.at == at(600)
    assert state.trip_id != first.columns["trip_id"]


def test_silence_while_standing_leaves_the_stop_open() -> None:
    state, _ = made_by(follow, PARKED)
    assert silenced(state, None) == (state, [])
    assert silenced(None, None) == (None, [])


def test_few_candidates_are_remembered_however_often_and_slowly_a_vehicle_reports() -> None:
    slow = [spot(400 + n, 1000 + 1.15 * n, speed_kph=4) for n in range(1000)]
    state: Any = None
    most = 0
    for fix, last in fixes([*PARKED, *drive(300, 0, 1), *slow]):
        state, _ = follow(state, fix, last)
        if isinstance(state.now, Trip):
            most = max(most, len(state.now.stays))
    assert 10 <= most <= 13


def test_a_track_across_the_antimeridian_is_one_trip_of_its_true_length() -> None:
    west_of_it = radians(171.9) * EARTH_RADIUS_M * cos(radians(50))
    way = [spot(60 * n, 0, west_of_it + 1000 * n, speed_kph=60) for n in range(30)]
    halt = [spot(1740 + 60 * n, 0, way[-1][2], speed_kph=0) for n in range(1, 5)]
    assert any(b.longitude < a.longitude for (a, _), (b, _) in pairwise(fixes(way)))
    _, made = made_by(follow, [*way, *halt])
    (trip,) = rows(made, "trips")
    assert trip["distance_km"] == pytest.approx(29, rel=0.001)
