"""Whatever order a vehicle's readings come in, it ends with the same trips, stops, distances and episodes."""

import itertools
import json
from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.geo import distance_m
from functions.core.motion import GAP_S, STAY_M, STAY_S, Halt, follow
from functions.core.profile import Profile
from tests.yard import Spot, Yard, at, degrees, fixes, reading, spot

LEGS = st.lists(
    st.tuples(
        st.sampled_from([1, 15, 30, 60, 60, 120, 179, 600, 3601]),
        st.sampled_from([0, 0, 0, 5, 60, 150, 400, 900]),
        st.sampled_from([None, 0, 0, 4, 30, 55, 80]),
        st.sampled_from([None, None, None, True, True, False]),
    ),
    min_size=5,
    max_size=60,
)


def ways(legs: list[tuple[int, int, int | None, bool | None]]) -> list[Spot]:
    """Fixes along a road, back and forth."""
    second, north_m, spots = 0, 0.0, [spot(0)]
    for number, (leg_s, metres, kph, ignition) in enumerate(legs):
        second, north_m = second + leg_s, north_m + metres * (1 if number % 20 < 14 else -1)
        said = {"speed_kph": kph, "ignition": ignition}
        spots.append(spot(second, north_m, **{name: value for name, value in said.items() if value is not None}))
    return spots


def everything() -> Profile:
    """A profile with every rule at work."""

    def circle(name: str, north_m: float, **more: Any) -> dict[str, Any]:
        geometry = {"type": "Point", "coordinates": list(reversed(degrees(north_m, 0)))}
        return {"type": "Feature", "geometry": geometry, "properties": {"id": name, "radius_m": 300, **more}}

    fences = [circle("slow", 600, speed_limit_kph=30), circle("yard", 0, dwell_s=100), circle("far", 3000)]
    stops = [
        dict(
            zip(("latitude", "longitude"), degrees(north_m, 0), strict=True), id=name, promised_at=at(at_s).isoformat()
        )
        for name, north_m, at_s in (("a", 1000, -1000), ("b", 4000, 4000))
    ]
    route = {"polyline": [degrees(-9000, 700), degrees(9000, 700)], "corridor_m": 690, "hold_s": 60}
    return msgspec.json.decode(
        json.dumps(
            {
                "speed_limit_kph": 50,
                "geofences": {"type": "FeatureCollection", "features": fences},
                "stops": stops,
                "route": route,
            }
        ),
        type=Profile,
    )


PROFILE = everything()


def outcome(messages: list[list[Any]], last_s: float) -> Any:
    yard = Yard({"van": PROFILE})
    for message in messages:
        yard.take("van", message, at(last_s))
    return yard.close().outcome()


def cut(readings: list[Any], random: Random) -> list[list[Any]]:
    """Single readings and lists, at random."""
    messages: list[list[Any]] = []
    while readings:
        size = random.choice([1, 1, 1, 2, 5, 20])
        messages.append(readings[:size])
        readings = readings[size:]
    return messages


@settings(max_examples=60, deadline=None)
@given(LEGS, st.randoms(use_true_random=False))
def test_order_repeats_and_grouping_make_no_difference(legs: Any, random: Random) -> None:
    spots = ways(legs)
    readings, last_s = [reading(one) for one in spots], spots[-1][0]
    expected = outcome([[one] for one in readings], last_s)
    displaced = [one for _, _, one in sorted((n + random.uniform(0, 16), n, one) for n, one in enumerate(readings))]
    within_60_s = [
        one for _, _, one in sorted((s[0] + random.uniform(0, 60), n, readings[n]) for n, s in enumerate(spots))
    ]
    repeated = sorted(displaced + random.choices(displaced, k=20), key=displaced.index)
    for order in (readings, displaced, within_60_s, repeated):
        assert outcome(cut(order, random), last_s) == expected


@settings(max_examples=60, deadline=None)
@given(LEGS)
def test_trips_and_stops_take_turns_and_add_up(legs: Any) -> None:
    """No trip overlaps another or a stop, and trips add up to no more than the odometer."""
    spots = ways(legs)
    yard = Yard()
    for one in spots:
        yard.take("van", [reading(one)], at(spots[-1][0]))
    yard.close()
    trips, stops = yard.made("trips"), yard.made("stops")
    spans = sorted((row["started_at"], row["ended_at"]) for row in [*trips, *stops])
    assert all(start <= end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
    assert all(stop["duration_s"] >= STAY_S for stop in stops)
    assert sum(trip["distance_km"] for trip in trips) * 1000 <= yard.distances_m()["van"] + 0.1


@settings(max_examples=150, deadline=None)
@given(LEGS)
def test_a_stop_is_found_at_the_fix_where_any_window_of_fixes_is_a_stay(legs: Any) -> None:
    """The definition word by word, as a search over all windows of fixes at least 15 s apart."""
    spots = list(ways([(max(leg[0], 15), leg[1], leg[2], None) for leg in legs]))
    state: Any = None
    window: list[Any] = []
    for fix, last in fixes(spots):
        was_on_trip = state is not None and state.on_trip
        state, _ = follow(state, fix, last)
        if not was_on_trip or fix.leg_s > GAP_S:
            window = [fix] if state.on_trip else []
            continue
        window.append(fix)
        stays = [start for start in range(len(window)) if _is_stay(window[start:])]
        assert isinstance(state.now, Halt) == bool(stays)
        if stays:
            assert state.now.place.at == window[stays[0]].at


def _is_stay(window: list[Any]) -> bool:
    first = window[0]
    apart = (distance_m(first.latitude, first.longitude, one.latitude, one.longitude) for one in window)
    spans_s = (window[-1].at - first.at).total_seconds()
    return spans_s >= STAY_S and len(window) >= 2 and max(apart) < STAY_M
