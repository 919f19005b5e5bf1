"""The temperature line: excursions from first breach to recovery, sensors at fault, doors, windows and totals."""

from datetime import timedelta
from typing import Any, get_args

import pytest

from functions.core.cargo import CARGOS, CargoName, TemperatureLimits, cargo_of
from functions.core.profile import DEFAULTS, Profile
from functions.core.window import AlertWindow
from functions.errors import Malformed
from functions.lines.temperature import LINE, MOST_MKTS, MOST_PROBES
from tests.story import START, Story, at, span

MINUTE, HOUR = 60.0, 3600.0
FRIDGE = Profile(temperature_limits=TemperatureLimits(low_c=2, high_c=8, hold_s=600), expected_interval_s=300)
AT_ONCE = Profile(temperature_limits=TemperatureLimits(low_c=2, high_c=8), expected_interval_s=300)


def measured(second: float, celsius: float, **more: object) -> dict[str, Any]:
    return {"vehicle_id": "van", "event_time": at(second), "temperature_c": celsius, **more}


def story(profile: Profile, *points: tuple[float, float], **more: object) -> Story:
    """Points are (minutes, °C), one message each."""
    told = Story(LINE, profile)
    for minute, celsius in points:
        told.tell(measured(minute * MINUTE, celsius, **more))
    return told


def series(*stretches: tuple[float, float], step: float = 5.0) -> list[tuple[float, float]]:
    """(minutes, °C) every `step` minutes; stretches are (how many readings, °C), wobbling so that no sensor looks
    stuck."""
    celsius = [value + 0.01 * (n % 2) for readings, value in stretches for n in range(int(readings))]
    return [(n * step, value) for n, value in enumerate(celsius)]


def statuses(told: Story) -> list[str]:
    return [row["status"] for row in sorted(told.rows.values(), key=lambda row: row["event_at"])]


# What is sent


def test_fahrenheit_is_celsius_times_nine_fifths_plus_32() -> None:
    reading = LINE.parse({"vehicle_id": "van", "event_time": at(0), "temperature_f": 212})[1]
    assert reading.temperature_c == pytest.approx(100)


@pytest.mark.parametrize(
    "more",
    [{}, {"temperature_c": 5, "temperature_f": 41}, {"temperature_c": -274}, {"temperature_c": 5, "probe": "x" * 33}],
)
def test_what_cannot_be_read_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        LINE.parse({"vehicle_id": "van", "event_time": at(0), **more})


# The instant status of every reading


@pytest.mark.parametrize(
    ("celsius", "status"), [(1.99, "low"), (2.0, "ok"), (8.0, "ok"), (8.01, "high"), (90.01, "fault")]
)
def test_every_reading_has_its_instant_status(celsius: float, status: str) -> None:
    assert statuses(story(FRIDGE, (0, celsius))) == [status]


def test_without_limits_nothing_is_judged_and_nothing_alerts() -> None:
    told = story(DEFAULTS, *series((20, 60), (20, -60)))
    assert set(statuses(told)) == {"no_limits"}
    assert not told.kept()


def test_a_late_reading_has_its_status_too_and_changes_nothing() -> None:
    told = story(FRIDGE, *series((100, 5)))
    before = told.worker
    told.tell(measured(3, 20))
    late = next(row for row in told.rows.values() if row["late"])
    assert late["status"] == "high"
    assert told.worker == before
    assert not told.kept()


# The excursion


def test_an_excursion_opens_when_the_hold_has_passed_and_starts_at_the_first_breach() -> None:
    told = story(FRIDGE, (0, 5), (5, 9), (10, 9.1), (14.9, 9.2))
    assert not told.kept()
    told.tell(measured(15 * MINUTE, 9.1))
    (alert,) = told.kept()
    assert (alert["kind"], alert["subject"], alert["status"]) == ("temperature_high", "main", "open")
    assert span(alert) == (5 * MINUTE, None)
    assert alert["peak"] == 9.2
    assert alert["details"] == {"limit": 8, "rule": "> 8 for 10 min"}


def test_a_breach_shorter_than_the_hold_is_no_excursion() -> None:
    told = story(FRIDGE, (0, 5), (5, 9), (10, 9), (14, 8), (15, 9), (20, 9), (24.9, 9))
    assert not told.kept()
    assert statuses(told) == ["ok", "high", "high", "ok", "high", "high", "high"]


def test_the_limits_themselves_are_inside() -> None:
    assert not story(AT_ONCE, *series((4, 7.99))).kept()
    assert not story(AT_ONCE, (0, 8), (5, 8), (10, 2), (15, 2)).kept()
    assert story(AT_ONCE, (0, 8.01), (5, 8.01)).kept("temperature_high")
    assert story(AT_ONCE, (0, 1.99), (5, 1.99)).kept("temperature_low")


def test_one_reading_is_never_an_excursion_without_a_hold_either() -> None:
    told = story(AT_ONCE, (0, 5), (5, 9))
    assert not told.kept()
    told.tell(measured(6 * MINUTE, 9))
    assert len(told.kept()) == 1


@pytest.mark.parametrize(("inside_for", "closed"), [(9.9, False), (10, True)])
def test_it_closes_after_the_close_time_and_ends_at_the_first_reading_well_inside(
    inside_for: float, closed: bool
) -> None:
    told = story(FRIDGE, (0, 9), (5, 9), (10, 9), (15, 7.6), (20, 7.5), (25, 7.4), (20 + inside_for, 7.4))
    (alert,) = told.kept()
    assert (alert["status"] == "closed") is closed
    assert span(alert)[1] == (20 * MINUTE if closed else None)


def test_between_limit_and_hysteresis_it_goes_on() -> None:
    told = story(FRIDGE, (0, 9), (5, 9), (10, 9), *((15 + n, 7.6) for n in range(0, 60, 5)))
    assert [alert["status"] for alert in told.kept()] == ["open"]


def test_a_recovery_that_does_not_last_is_none() -> None:
    told = story(FRIDGE, (0, 9), (5, 9), (10, 9), (15, 6), (20, 6), (24, 7.8), (29, 6), (34, 6), (39, 6))
    (alert,) = told.kept()
    assert span(alert) == (0, 29 * MINUTE)


def test_the_other_side_of_the_range_is_no_recovery() -> None:
    told = story(FRIDGE, *((n * 5, 9) for n in range(4)), *((20 + n * 5, 1) for n in range(4)))
    assert {(alert["kind"], alert["status"]) for alert in told.kept()} == {
        ("temperature_high", "open"),
        ("temperature_low", "open"),
    }


def test_its_row_says_what_the_goods_went_through() -> None:
    told = story(FRIDGE, (0, 5), (5, 9), (10, 10), (20, 12), (30, 7), (35, 6), (40, 6))
    told.end()
    (row,) = told.of("excursions")
    assert (row["probe"], row["direction"], row["outcome"], row["cargo"]) == ("main", "high", "recovered", "own")
    assert (row["started_at"], row["ended_at"]) == (START + timedelta(minutes=5), START + timedelta(minutes=30))
    assert (row["peak_c"], row["peak_at"]) == (12, START + timedelta(minutes=20))
    assert row["duration_s"] == row["known_s"] == 25 * MINUTE
    assert row["minutes_out"] == 25
    assert row["degree_minutes"] == pytest.approx(5 * 1.5 + 10 * 3 + 10 * 2)
    assert row["mean_c"] == pytest.approx((5 * 9.5 + 10 * 11 + 10 * 9.5) / 25)
    assert row["mean_c"] < row["mkt_c"] < row["peak_c"]


def test_a_relapse_counts_what_looked_like_a_recovery() -> None:
    told = story(FRIDGE, (0, 10), (5, 10), (10, 10), (15, 6), (20, 6), (24, 10), (29, 6), (34, 6), (39, 6))
    told.end()
    (row,) = told.of("excursions")
    assert row["known_s"] == 29 * MINUTE
    assert row["minutes_out"] == 15 + 5
    assert row["mean_c"] == pytest.approx((10 * 10 + 5 * 8 + 5 * 6 + 4 * 8 + 5 * 8) / 29)


def test_frozen_goods_have_no_mkt() -> None:
    told = story(Profile(cargo_profile="frozen"), *series((3, -14), (9, -20)))
    told.end()
    assert [(row["mkt_c"], row["direction"]) for row in told.of("excursions")] == [(None, "high")]


def test_a_peak_is_told_again_when_it_has_grown_by_half_a_degree() -> None:
    told = story(AT_ONCE, *((n, 9 + n / 10) for n in range(20)))
    assert [row["peak"] for row in told.told] == [9.1, 9.6, 10.1, 10.6]
    told.end()
    (alert,) = told.kept("temperature_high")
    assert alert["peak"] == pytest.approx(10.9)


def test_an_excursion_open_at_the_contracts_end_is_recorded_as_unknown() -> None:
    told = story(AT_ONCE, (0, 9), (5, 11), (10, 10))
    told.end()
    (row,) = told.of("excursions")
    (alert,) = told.kept("temperature_high")
    assert (row["outcome"], row["minutes_out"], row["peak_c"]) == ("unknown", 10, 11)
    assert (alert["status"], alert["details"]["outcome"], alert["ended_at"]) == ("closed", "unknown", row["ended_at"])


def test_a_pending_breach_at_the_contracts_end_is_nothing() -> None:
    told = story(FRIDGE, (0, 9), (5, 9))
    told.end()
    assert not told.kept("temperature_high")
    assert not told.of("excursions")


# Unknown time


def test_a_gap_neither_breaches() -> None:
    told = story(FRIDGE, (0, 9), (10.1, 9), (20.2, 9), (30.3, 9))
    assert not told.kept()
    told = story(FRIDGE, (0, 9), (10, 9))
    assert told.kept()


def test_nor_closes() -> None:
    told = story(FRIDGE, (0, 9), (5, 9), (10, 9), (15, 6), (25.1, 6), (35.2, 6))
    assert [alert["status"] for alert in told.kept()] == ["open"]
    told.tell(measured(45.2 * MINUTE, 6))
    assert span(told.kept()[0])[1] == 15 * MINUTE


def test_nor_counts_as_minutes_out() -> None:
    told = story(FRIDGE, (0, 9), (5, 9), (10, 9), (60, 9), (65, 6), (70, 6), (75, 6))
    told.end()
    (row,) = told.of("excursions")
    assert (row["duration_s"], row["known_s"], row["minutes_out"]) == (65 * MINUTE, 15 * MINUTE, 15)


# Cargo profiles


def test_the_sources_own_example_is_silent_at_90_and_alerts_at_90_1() -> None:
    told = Story(LINE, Profile(cargo_profile="demo_90f"))
    told.tell({"vehicle_id": "van", "event_time": at(0), "temperature_f": 90.0})
    assert not told.kept()
    told.tell({"vehicle_id": "van", "event_time": at(5), "temperature_f": 90.1})
    (alert,) = told.kept()
    assert (alert["kind"], alert["details"]["message"]) == ("temperature_high", "High temperature detected!")


def test_a_hot_hour_at_5_seconds_is_one_alert_and_not_720() -> None:
    told = Story(LINE, Profile(cargo_profile="demo_90f"))
    for n in range(720):
        told.tell({"vehicle_id": "van", "event_time": at(n * 5), "temperature_f": 95 + n % 2})
    assert len(told.kept()) == 1
    assert len(told.told) == 2
    assert len(told.rows) == 720


@pytest.mark.parametrize(
    ("cargo", "celsius", "hours", "kind"),
    [
        ("vaccine_fridge", 8.1, 10, "temperature_high"),
        ("vaccine_fridge", -0.5, 1, "temperature_low"),
        ("vaccine_ship_1", 45, 1, "temperature_high"),
        ("vaccine_ship_1", 30, 10, "temperature_high"),
        ("vaccine_ship_1", -0.5, 1, "temperature_low"),
        ("vaccine_ship_2", 10, 20, "temperature_high"),
        ("vaccine_ship_2", -0.6, 1, "temperature_low"),
        ("pharma_2_8", 15.1, 1 / 12, "temperature_high"),
        ("pharma_2_8", 1.9, 1 / 12, "temperature_low"),
        ("pharma_20_25", 14.9, 1 / 12, "temperature_low"),
        ("pharma_20_25", 40.1, 1 / 12, "temperature_high"),
        ("pharma_20_25", 39, 24, "temperature_high"),
        ("frozen", -14.9, 1 / 12, "temperature_high"),
        ("frozen", -16, 0.5, "temperature_high"),
    ],
)
def test_each_cargo_alerts_when_its_time_is_up_and_not_before(
    cargo: Any, celsius: float, hours: float, kind: str
) -> None:
    readings = round(hours * 12) + 1
    away = 0.01 if kind == "temperature_high" else -0.01
    points = [(n * 5, celsius + away * (n % 2)) for n in range(readings)]
    assert not story(Profile(cargo_profile=cargo), *points[:-1]).kept()
    assert [alert["kind"] for alert in story(Profile(cargo_profile=cargo), *points).kept()] == [kind]


@pytest.mark.parametrize(
    ("cargo", "celsius"),
    [
        ("vaccine_fridge", 8.0),
        ("vaccine_fridge", -0.4),
        ("vaccine_ship_1", 29.9),
        ("vaccine_ship_1", -0.4),
        ("vaccine_ship_2", 9.9),
        ("pharma_20_25", 24.9),
        ("pharma_20_25", 15.0),
        ("frozen", -18.0),
    ],
)
def test_what_a_cargo_bears_it_bears_for_days(cargo: Any, celsius: float) -> None:
    points = [(n * 15, celsius - 0.01 * (n % 2) * (1 if celsius > 0 else -1)) for n in range(200)]
    if cargo == "frozen":
        points = [(n * 15, -18.0 - 0.01 * (n % 2)) for n in range(200)]
    if celsius == 15.0:
        points = [(n * 15, 15.0 + 0.01 * (n % 2)) for n in range(200)]
    assert not story(Profile(cargo_profile=cargo), *points).kept()


def test_cumulative_hours_add_up_over_days_in_range_and_over_contracts() -> None:
    told = Story(LINE, Profile(cargo_profile="vaccine_ship_1"))
    minute = 0.0
    for stretch in range(2):
        for n in range(5 * 12 + 1):
            told.tell(measured((minute + n * 5) * MINUTE, 31 + 0.01 * (n % 2)))
        assert bool(told.kept("temperature_high")) is (stretch == 1)
        told.end()
        minute += 24 * 60


def test_cumulative_hours_start_anew_with_a_shipment() -> None:
    shipped = Profile(cargo_profile="vaccine_ship_1", shipment_started_at=START + timedelta(days=1))
    told = Story(LINE, shipped)
    for n in range(9 * 12 + 1):
        told.tell(measured(n * 5 * MINUTE, 31 + 0.01 * (n % 2)))
    assert told.worker is not None
    assert told.worker.head.probes["main"].out_s == 9 * HOUR
    for n in range(9 * 12 + 1):
        told.tell(measured(86_400 + n * 5 * MINUTE, 31 + 0.01 * (n % 2)))
    assert told.worker.head.probes["main"].out_s == 9 * HOUR
    assert not told.kept()


def test_a_day_whose_mkt_is_over_its_limit_is_an_excursion_before_its_24_hours_are_up() -> None:
    warm = Profile(cargo_profile="pharma_2_8")
    points = series((17 * 12 + 12, 5), (9 * 12, 14))
    told = story(warm, *points)
    (alert,) = told.kept()
    assert alert["details"]["rule"] == "MKT of 24 h > 8"
    assert span(alert)[0] == 18 * HOUR
    opened = next(row for row in told.told if row["version"] == 1)
    assert opened["peak"] == 14.01


def test_a_month_whose_mkt_is_over_its_limit_is_an_excursion_though_it_never_left_the_range() -> None:
    room = Profile(cargo_profile="pharma_20_25", expected_interval_s=3 * HOUR)
    told = story(room, *series((29 * 8, 26), step=180))
    (alert,) = told.kept()
    assert alert["details"]["rule"] == "MKT of 720 h > 25"
    assert set(statuses(told)) == {"ok"}


def test_mkt_is_kept_for_some_probes_only_and_never_shown_without_peak_and_minutes_out() -> None:
    told = Story(LINE, Profile(cargo_profile="pharma_2_8"))
    for n in range(12):
        for second in (0, 60):
            told.tell(measured(n + second, 5 + second / 60, probe=f"p{n:02}"))
    assert told.worker is not None
    shown = [one for one in LINE.face(told.worker.head)["probes"].values() if "mkt_24h_c" in one]
    assert len(shown) == MOST_MKTS
    assert {(one["highest_c"], one["minutes_out"]) for one in shown} == {(6, 0)}


def test_the_highest_temperature_beside_an_mkt_may_be_0() -> None:
    told = story(Profile(cargo_profile="pharma_2_8"), (0, 0), (5, -1))
    assert told.worker is not None
    assert LINE.face(told.worker.head)["probes"]["main"]["highest_c"] == 0


# Humidity, doors, windows


def test_humidity_is_an_episode_with_its_own_hysteresis() -> None:
    damp = Profile(temperature_limits=TemperatureLimits(humidity_high_pct=70, hold_s=600), expected_interval_s=300)
    told = Story(LINE, damp)
    for n, humidity in enumerate([60, 71, 75, 72, 70, 68, 66.9, 66, 66]):
        told.tell(measured(n * 5 * MINUTE, 5 + n / 100, humidity_pct=humidity))
    (alert,) = told.kept()
    assert (alert["kind"], alert["peak"]) == ("humidity_high", 75)
    assert span(alert) == (5 * MINUTE, 30 * MINUTE)
    assert not told.of("excursions")


@pytest.mark.parametrize(("minutes", "alerts"), [(9.9, 0), (10, 1)])
def test_a_door_is_open_too_long_after_ten_minutes(minutes: float, alerts: int) -> None:
    told = Story(LINE)
    for minute in (0, 5, minutes):
        told.tell(measured(minute * MINUTE, 5 + minute / 100, door_open=True))
    assert len(told.kept("door_open")) == alerts
    told.tell(measured(11 * MINUTE, 6))
    told.tell(measured(12 * MINUTE, 5, door_open=False))
    assert [span(alert) for alert in told.kept("door_open")] == [(0, 12 * MINUTE)]


def test_a_door_closed_in_time_is_no_episode() -> None:
    told = Story(LINE)
    for minute, door_open in ((0, True), (5, True), (9, False), (10, True), (15, True)):
        told.tell(measured(minute * MINUTE, 5 + minute / 100, door_open=door_open))
    assert not told.kept()


def test_a_defrost_window_holds_the_alert_and_not_the_reading() -> None:
    defrost = AlertWindow("defrost", START - timedelta(days=1), 30 * MINUTE, 86_400)
    limits = TemperatureLimits(high_c=8, hold_s=600)
    held = Profile(temperature_limits=limits, alert_windows=[defrost], expected_interval_s=300)
    told = story(held, *((n * 5, 12 + n / 100) for n in range(6)))
    assert set(statuses(told)) == {"high"}
    assert not told.kept()
    recovered = story(held, *((n * 5, 12 + n / 100) for n in range(6)), (30, 7), (35, 7))
    assert not recovered.kept()
    told.tell(measured(30 * MINUTE, 12))
    assert span(told.kept()[0]) == (0, None)


def test_start_up_holds_the_alert_from_the_first_reading_of_a_contract() -> None:
    cooling = Profile(temperature_limits=TemperatureLimits(high_c=8), startup_s=1800, expected_interval_s=300)
    told = story(cooling, *((n * 5, 20 - n / 10) for n in range(6)))
    assert not told.kept()
    told.tell(measured(30 * MINUTE, 19))
    assert told.kept()


# Sensors at fault


@pytest.mark.parametrize(("celsius", "quality"), [(90, "ok"), (90.1, "impossible"), (-90, "ok"), (-90.1, "impossible")])
def test_beyond_90_degrees_either_way_a_value_is_impossible(celsius: float, quality: str) -> None:
    told = story(AT_ONCE, (0, celsius))
    assert [row["quality"] for row in told.rows.values()] == [quality]
    assert [alert["details"] for alert in told.kept()] == ([{"fault": "impossible"}] if quality != "ok" else [])


@pytest.mark.parametrize(
    ("second", "celsius", "quality"),
    [(10, 15, "ok"), (10, 15.1, "impossible"), (5, 15.1, "impossible"), (20, 25, "ok"), (20, 25.1, "impossible")],
)
def test_more_than_10_degrees_in_10_seconds_is_impossible(second: float, celsius: float, quality: str) -> None:
    told = story(AT_ONCE, (0, 5), (second / 60, celsius))
    assert [row["quality"] for row in told.rows.values()][-1] == quality


def test_impossible_values_are_no_excursion_and_one_fault_until_ten_good_minutes() -> None:
    told = story(AT_ONCE, (0, 5), (5, 100), (6, 100), (7, 5.1), (10, 100), (11, 5.2), (16, 5.3), (20.9, 5.1))
    (alert,) = told.kept()
    assert (alert["kind"], alert["status"]) == ("sensor_fault", "open")
    told.tell(measured(21 * MINUTE, 5))
    assert span(told.kept()[0]) == (5 * MINUTE, 11 * MINUTE)
    assert told.worker is not None
    assert LINE.face(told.worker.head)["temperature_c"] == 5


def test_stuck_is_twelve_equal_readings_over_an_hour_where_the_probe_has_varied() -> None:
    told = story(AT_ONCE, (0, 5), *((5 + n * 5.5, 4.9) for n in range(11)))
    assert not told.kept()
    told.tell(measured((5 + 11 * 5.5) * MINUTE, 4.9))
    (alert,) = told.kept()
    assert (alert["details"], span(alert)) == ({"fault": "stuck"}, (5 * MINUTE, None))
    told.tell(measured(70 * MINUTE, 4.8))
    assert span(told.kept()[0]) == (5 * MINUTE, 70 * MINUTE)


def test_twelve_equal_readings_in_less_than_an_hour_are_not_stuck() -> None:
    assert not story(AT_ONCE, (0, 5), *((5 + n * 5, 4.9) for n in range(12))).kept()
    assert story(AT_ONCE, (0, 5), *((5 + n * 5, 4.9) for n in range(13))).kept()


def test_a_probe_that_never_varied_is_given_a_day() -> None:
    points = [(n * 10, 5.0) for n in range(145)]
    assert not story(DEFAULTS, *points[:-1]).kept()
    assert [alert["details"] for alert in story(DEFAULTS, *points).kept()] == [{"fault": "stuck"}]


def test_a_probe_is_missing_when_another_still_speaks() -> None:
    told = Story(LINE, AT_ONCE)
    told.tell(measured(0, 5, probe="rear"), measured(0, 5, probe="front"))
    told.tell(measured(10 * MINUTE, 5.1, probe="front"))
    assert not told.kept()
    told.tell(measured(10 * MINUTE + 1, 5.2, probe="front"))
    (alert,) = told.kept()
    assert (alert["subject"], alert["details"], span(alert)) == ("rear", {"fault": "missing"}, (10 * MINUTE, None))
    told.tell(measured(15 * MINUTE, 5, probe="rear"))
    assert span(told.kept()[0])[1] == 15 * MINUTE


def test_a_probe_that_was_taken_away_is_missed_in_one_contract_only() -> None:
    told = Story(LINE, AT_ONCE)
    told.tell(measured(0, 5, probe="rear"), measured(0, 5, probe="front"))
    told.tell(measured(11 * MINUTE, 5.1, probe="front"))
    told.end()
    for n in range(5):
        told.tell(measured(86_400 + n * 5 * MINUTE, 5 + n / 10, probe="front"))
    assert len(told.kept("sensor_fault")) == 1


# Several probes, bounds, disorder


def test_probes_are_watched_one_by_one() -> None:
    told = Story(LINE, AT_ONCE)
    for minute in range(0, 20, 5):
        told.tell(measured(minute * MINUTE, 9 + minute / 100, probe="rear"))
        told.tell(measured(minute * MINUTE, 5 + minute / 100, probe="front"))
    assert [alert["subject"] for alert in told.kept()] == ["rear"]
    assert told.worker is not None
    face = LINE.face(told.worker.head)
    assert [one["probe"] for one in face["excursions"]] == ["rear"]
    assert set(face["probes"]) == {"rear", "front"}


def test_there_is_room_for_so_many_probes() -> None:
    told = Story(LINE)
    for n in range(MOST_PROBES + 1):
        told.tell(measured(n, 5, probe=f"p{n}"))
    assert [row["quality"] for row in told.rows.values()].count("too_many_probes") == 1
    assert told.worker is not None
    assert len(told.worker.head.probes) == MOST_PROBES


def test_limits_that_are_taken_away_end_the_excursion() -> None:
    told = story(AT_ONCE, *series((40, 9)))
    told.profile = DEFAULTS
    for minute, celsius in series((40, 9)):
        told.tell(measured((200 + minute) * MINUTE, celsius))
    assert [alert["status"] for alert in told.kept()] == ["closed"]
    assert [row["outcome"] for row in told.of("excursions")] == ["limits_removed"]


def test_a_late_reading_inside_the_horizon_revises_the_excursion() -> None:
    told = story(AT_ONCE, (0, 5), (10, 9), (15, 9))
    told.tell(measured(5 * MINUTE, 12))
    (alert,) = told.kept()
    assert (span(alert)[0], alert["peak"], alert["version"]) == (5 * MINUTE, 12, 2)


def test_a_repeat_changes_nothing() -> None:
    told = story(AT_ONCE, (0, 9), (5, 9), (10, 9))
    before, versions = told.worker, len(told.told)
    told.tell(measured(5 * MINUTE, 9))
    assert told.worker == before
    assert len(told.told) == versions


@pytest.mark.parametrize(("cargo", "days"), [("vaccine_fridge", 7), ("vaccine_ship_1", 31), ("pharma_2_8", 31)])
def test_what_counts_over_a_month_is_remembered_so_long(cargo: Any, days: int) -> None:
    told = story(Profile(cargo_profile=cargo), (0, 5), (5, 5.1))
    told.end()
    assert told.worker is not None
    document = told.codec.write("van", told.worker, False).fields
    assert document is not None
    assert document["forget_at"] - document["expires_at"] == timedelta(days=days)


@pytest.mark.parametrize(("minute", "held"), [(-0.1, False), (0, True), (9.9, True), (10, False)])
def test_a_window_holds_from_its_start_until_just_before_its_end(minute: float, held: bool) -> None:
    window = AlertWindow("loading", START, 10 * MINUTE)
    assert window.covers(START + timedelta(minutes=minute)) is held
    assert not window.covers(START + timedelta(days=1, minutes=minute))
    daily = AlertWindow("defrost", START, 10 * MINUTE, 86_400)
    assert daily.covers(START + timedelta(days=1, minutes=minute)) is held


def test_humidity_and_door_stand_beside_a_cargo_and_temperatures_of_its_own_replace_it() -> None:
    beside = cargo_of("frozen", TemperatureLimits(humidity_high_pct=60, door_open_s=60))
    assert (beside.name, beside.high, beside.door_open_s) == ("frozen", CARGOS["frozen"].high, 60)
    assert beside.humidity is not None
    instead = cargo_of("frozen", TemperatureLimits(high_c=-10))
    assert (instead.status(-15), instead.status(-9), instead.ages) == ("ok", "high", False)


def test_a_narrow_range_leaves_room_to_recover() -> None:
    narrow = cargo_of(None, TemperatureLimits(low_c=4, high_c=5))
    assert narrow.high is not None
    assert narrow.high.inside == (4.25, 4.75)


def test_every_cargo_has_a_name_that_a_profile_may_say() -> None:
    assert set(CARGOS) == set(get_args(CargoName))
