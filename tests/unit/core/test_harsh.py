"""Harsh braking and acceleration, from two fixes."""

import pytest

from functions.core.harsh import harsh
from tests.yard import Spot, fixes, spot


def kinds(first: Spot, second: Spot) -> list[str]:
    (_, _), (fix, _) = fixes([first, second])
    return [product.columns["kind"] for product in harsh(first[3].get("speed_kph"), fix)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (50, 50 - 3.49 * 3.6 * 2, []),
        (50, 50 - 3.51 * 3.6 * 2, ["harsh_braking"]),
        (10, 10 + 2.99 * 3.6 * 2, []),
        (10, 10 + 3.01 * 3.6 * 2, ["harsh_acceleration"]),
        (90, 90 - 11.9 * 3.6 * 2, ["harsh_braking"]),
        (90, 90 - 12.1 * 3.6 * 2, []),
    ],
)
def test_it_is_harsh_from_3_5_and_3_m_per_s2_up_to_what_a_tyre_can_do(
    before: float, after: float, expected: list[str]
) -> None:
    assert kinds(spot(0, speed_kph=before), spot(2, 20, speed_kph=after)) == expected


@pytest.mark.parametrize(("seconds", "count"), [(10, 1), (10.1, 0)])
def test_over_more_than_ten_seconds_a_mean_tells_nothing(seconds: float, count: int) -> None:
    assert len(kinds(spot(0, speed_kph=150), spot(seconds, 100, speed_kph=0))) == count


def test_within_a_second_a_rounded_speed_tells_nothing() -> None:
    assert kinds(spot(0, speed_kph=50), spot(0.1, 1, speed_kph=48)) == []
    assert kinds(spot(0, speed_kph=50), spot(0.5, 5, speed_kph=36)) == ["harsh_braking"]


def test_both_speeds_must_be_known_and_time_must_pass() -> None:
    assert kinds(spot(0, speed_kph=50), spot(2, 20)) == []
    assert kinds(spot(0), spot(2, 20, speed_kph=0)) == []
    assert kinds(spot(0, speed_kph=90), spot(0, speed_kph=0)) == []
