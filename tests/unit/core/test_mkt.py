"""Mean kinetic temperature: golden values, uneven time, and buckets that forget."""

from itertools import pairwise

import msgspec
import pytest

from functions.core.mkt import HOUR_S, Kinetics, mkt_c, mkt_over_c

DAY_S = 24 * HOUR_S
UNEVEN = [(0, 5), (600, 5), (900, 9), (1200, 12), (3000, 12), (3600, 6), (7200, 5)]


def measured(readings: list[tuple[float, float]]) -> Kinetics:
    """Buckets of (seconds, °C)."""
    kinetics = Kinetics(int(readings[0][0] // HOUR_S))
    for (before_s, before_c), (now_s, now_c) in pairwise(readings):
        kinetics = kinetics.after(before_s, now_s, before_c, now_c)
    return kinetics


def every(step_s: float, *stretches: tuple[float, float]) -> list[tuple[float, float]]:
    """Readings of stretches of constant temperature, (hours, °C) each, with a jump of one second between."""
    readings: list[tuple[float, float]] = []
    at = 0.0
    for hours, celsius in stretches:
        end = at + hours * HOUR_S
        while at < end:
            readings.append((at, celsius))
            at += step_s
        readings.append((end - 0.001, celsius))
        at = end
    return readings


@pytest.mark.parametrize(
    ("celsius", "golden"),
    [([2, 8], 5.5364), ([4, 4, 4, 4, 16], 8.1088), ([5, 5, 5, 5, 15], 8.1540), ([20, 25, 30], 25.8582)],
)
def test_equal_weights_give_the_golden_values(celsius: list[float], golden: float) -> None:
    assert round(mkt_c((one, 1) for one in celsius), 4) == golden


def test_hours_as_weights_give_the_golden_values() -> None:
    assert round(mkt_c([(5, 22), (14, 2)]), 4) == 6.2455
    assert round(mkt_c([(5, 18), (14, 6)]), 4) == 8.2852


def test_uneven_time_gives_the_golden_value_and_so_do_its_buckets() -> None:
    assert round(mkt_over_c(UNEVEN), 4) == 8.2286
    kinetics = measured(UNEVEN)
    assert round(kinetics.day_c() or 0, 4) == 8.2286
    assert round(kinetics.month_c() or 0, 4) == 8.2286


def test_a_day_in_buckets_gives_the_golden_values() -> None:
    assert round(measured(every(600, (22, 5), (2, 14))).day_c() or 0, 4) == 6.2455
    assert round(measured(every(600, (18, 5), (6, 14))).day_c() or 0, 4) == 8.2852


def test_buckets_agree_with_the_whole_series_to_a_ten_thousandth() -> None:
    readings = [(at, 5 + 3 * ((at // 700) % 5)) for at in range(0, int(20.3 * HOUR_S), 137)]
    assert measured(readings).day_c() == pytest.approx(mkt_over_c(readings), abs=5e-5)


def test_after_a_day_the_hours_forget_and_the_days_do_not() -> None:
    kinetics = measured(every(600, (24, 20), (23.99, 5)))
    assert kinetics.day_c() == pytest.approx(5, abs=0.01)
    assert kinetics.month_c() == pytest.approx(mkt_c([(20, 1), (5, 1)]), abs=0.01)


def test_after_a_month_the_days_forget() -> None:
    kinetics = measured(every(1800, (24, 20), (29 * 24 - 0.01, 5)))
    assert kinetics.month_c() == pytest.approx(mkt_c([(20, 1), (5, 29)]), abs=0.01)
    assert measured(every(1800, (24, 20), (30 * 24, 5))).month_c() == pytest.approx(5, abs=0.01)


def test_silence_closes_hours_empty_and_a_month_of_it_forgets_all() -> None:
    kinetics = measured(every(600, (3, 8)))
    assert kinetics.moved_to(25).day_c() == pytest.approx(8)
    assert kinetics.moved_to(26).day_c() is None
    assert kinetics.moved_to(29 * 24).month_c() == pytest.approx(8)
    assert kinetics.moved_to(30 * 24).month_c() is None


def test_too_little_known_time_is_no_mkt() -> None:
    kinetics = measured([(0, 5), (0.75 * DAY_S - 1, 5)])
    assert kinetics.day_c(0.75) is None
    assert measured([(0, 5), (0.75 * DAY_S, 5)]).day_c(0.75) == pytest.approx(5)
    assert kinetics.day_c() == pytest.approx(5)


def test_it_stays_small_however_long_it_runs() -> None:
    kinetics = measured([(at * HOUR_S * 0.7, 5 + at % 3) for at in range(2000)])
    assert len(msgspec.msgpack.encode(kinetics)) <= 370


def test_readings_of_one_instant_weigh_nothing() -> None:
    kinetics = measured([(0, 5), (600, 5), (600, 30), (600, 5), (1200, 5)])
    assert kinetics.day_c() == pytest.approx(5)
