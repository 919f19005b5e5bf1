"""The GPS line: state in, fix in, decision out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.core.geo import distance_m
from functions.core.profile import DEFAULTS, Profile
from functions.lines.gps import LINE, GpsState

START = datetime(2024, 5, 1, 8, tzinfo=UTC)


def reading(second: float = 0, latitude: float = 50.0, longitude: float = 8.0, **more: object) -> Any:
    at = START + timedelta(seconds=second)
    return LINE.parse(
        {"vehicle_id": "van", "event_time": at.isoformat(), "latitude": latitude, "longitude": longitude, **more}
    )[1]


def folded(*readings: Any) -> tuple[GpsState, list[dict[str, Any]]]:
    state, rows = LINE.start(), []
    for one in readings:
        state, row, _, _ = LINE.step(state, one, DEFAULTS)
        rows.append(row)
    return state, rows


def test_distance_is_the_haversine_on_the_mean_radius() -> None:
    assert distance_m(0, 0, 0, 1) == pytest.approx(111_195.08, abs=0.01)
    assert distance_m(50, 8, 50, 8) == 0
    assert distance_m(0, 179.9, 0, -179.9) == pytest.approx(0.2 * 111_195.08, abs=0.1)
    assert distance_m(90, 0, -90, 0) == pytest.approx(20_015_114.4, abs=1)


def test_each_good_fix_adds_its_leg() -> None:
    state, rows = folded(reading(0), reading(60, latitude=50.01), reading(120, latitude=50.02))
    assert rows[0]["distance_m"] == 0
    assert rows[1]["distance_m"] == pytest.approx(1111.95, abs=0.01)
    assert state.distance_m == pytest.approx(2 * 1111.95, abs=0.02)
    assert (state.latitude, state.longitude, state.fix_at) == (50.02, 8.0, START + timedelta(seconds=120))


@pytest.mark.parametrize(
    ("bad", "quality"),
    [
        ({"latitude": 0.0, "longitude": 0.0}, "zero"),
        ({"latitude": 51.0}, "jump"),
        ({"latitude": 50.001, "accuracy_m": 201}, "inaccurate"),
    ],
)
def test_a_fix_that_cannot_be_believed_is_marked_and_moves_nothing(bad: dict[str, Any], quality: str) -> None:
    before, _ = folded(reading(0))
    state, rows = folded(reading(0), reading(60, **bad))
    assert rows[1]["quality"] == quality
    assert rows[1]["distance_m"] is None
    assert (state.latitude, state.longitude, state.fix_at, state.distance_m) == (50.0, 8.0, before.fix_at, 0)
    assert state.filtered == 1


@pytest.mark.parametrize(("metres", "quality"), [(4990, "ok"), (5010, "jump")])
def test_a_jump_is_an_implied_speed_above_300_km_h(metres: float, quality: str) -> None:
    _, rows = folded(reading(0), reading(60, latitude=50 + metres / 111_195.08))
    assert rows[1]["quality"] == quality


def test_after_a_jump_the_next_good_fix_counts_from_the_last_good_one() -> None:
    state, _ = folded(reading(0), reading(60, latitude=55), reading(120, latitude=50.01))
    assert state.distance_m == pytest.approx(1111.95, abs=0.01)


def test_two_places_at_one_instant_are_a_jump_and_one_place_is_not() -> None:
    _, rows = folded(reading(0), reading(0, latitude=50.001, event_id="b"), reading(0, event_id="c"))
    assert [row["quality"] for row in rows] == ["ok", "jump", "ok"]


@pytest.mark.parametrize("speed", [410.3827, 255, -1, 301])
def test_a_sentinel_speed_is_not_a_speed_but_its_position_counts(speed: float) -> None:
    state, rows = folded(reading(0), reading(60, latitude=50.001, speed_kph=speed))
    assert rows[1]["quality"] == "speed_sentinel"
    assert rows[1]["speed_kph"] is None
    assert state.speed_kph is None
    assert state.distance_m > 100


def test_speeds_a_vehicle_can_drive_are_kept() -> None:
    state, _ = folded(reading(0, speed_kph=0), reading(60, speed_kph=300))
    assert state.speed_kph == 300


@pytest.mark.parametrize(
    ("last", "contract_s"),
    [
        ({"latitude": 50.0019}, 15 * 60),
        ({"latitude": 50.0017}, 26 * 3600),
        ({"latitude": 50.0019, "ignition": False}, 26 * 3600),
    ],
)
def test_the_contract_is_15_minutes_on_a_trip_and_26_hours_when_stopped(
    last: dict[str, Any], contract_s: float
) -> None:
    state, _ = folded(reading(0), reading(60, **last))
    assert LINE.contract_s(state, DEFAULTS) == contract_s
    assert LINE.contract_s(state, Profile(contract_s=20)) == 20
    assert LINE.contract_s(state, Profile(contract_s={"gps": 30})) == 30


def test_the_face_says_nothing_about_a_place_nobody_was_at() -> None:
    state, _ = folded(reading(0, latitude=0.0, longitude=0.0))
    face = LINE.face(state)
    assert face["latitude"] is None
    assert face["position_at"] is None
    assert face["filtered"] == 1
