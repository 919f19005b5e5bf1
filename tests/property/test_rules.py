"""What holds for the cold chain, maintenance and stock whatever arrives, in any order and in any grouping."""

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.cargo import TemperatureLimits
from functions.core.mkt import Kinetics, mkt_c, mkt_over_c
from functions.core.profile import Profile
from functions.core.service import ServicePlan
from functions.core.stock import StockRule
from functions.core.window import AlertWindow
from functions.lines import inventory, maintenance, temperature
from tests.story import START, Story, at, grouped

ENOUGH = settings(max_examples=60, deadline=None)
COLD = Profile(
    temperature_limits=TemperatureLimits(
        low_c=2, high_c=8, hold_s=60, close_s=120, humidity_high_pct=70, door_open_s=120
    ),
    expected_interval_s=60,
    alert_windows=[AlertWindow("defrost", START, 300, 1_800)],
)
WORKSHOP = Profile(service_plans=[ServicePlan("oil", every_km=100, last_km=0), ServicePlan("mot", every_days=0.02)])
SHELVES = Profile(stock={"milk": StockRule(10), "eggs": StockRule(5)})

randoms = st.randoms(use_true_random=False)
celsius = st.sampled_from([1.0, 1.9, 5.0, 5.0, 7.4, 7.6, 8.0, 8.1, 9.0, 12.0, 30.0, 95.0])
steps = st.sampled_from([1.0, 20.0, 30.0, 60.0, 60.0, 130.0])


@st.composite
def climates(draw: Any) -> list[dict[str, Any]]:
    second, events = 0.0, []
    for _ in range(draw(st.integers(1, 50))):
        second += draw(steps)
        event = {
            "vehicle_id": "van",
            "event_time": at(second),
            "temperature_c": draw(celsius),
            "probe": draw(st.sampled_from(["front", "rear"])),
            "humidity_pct": draw(st.sampled_from([None, 50, 66, 69, 75])),
            "door_open": draw(st.sampled_from([None, None, True, False])),
        }
        events.append(event)
    return events


@st.composite
def reports(draw: Any) -> list[dict[str, Any]]:
    second, km, events = 0.0, 0.0, []
    for _ in range(draw(st.integers(1, 40))):
        second += draw(st.sampled_from([60.0, 300.0, 900.0]))
        km += draw(st.sampled_from([0.0, 1.0, 5.0, -20.0, 500.0]))
        event = {
            "vehicle_id": "van",
            "event_time": at(second),
            "odometer_km": draw(st.sampled_from([None, max(0.0, km)])),
            "dtcs": draw(st.sampled_from([None, [], ["P0301"], ["P0420", "C0035"]])),
            "battery_v": draw(st.sampled_from([None, 12.5, 11.5])),
            "fuel_pct": draw(st.sampled_from([None, 60, 45, 9])),
            "ignition": draw(st.sampled_from([None, True, False])),
            "service_done": draw(st.sampled_from([None, None, None, "oil", "tyres"])),
            "inspection": draw(st.sampled_from([None, None, {"passed": True}, {"passed": False}])),
        }
        events.append(event)
    return events


@st.composite
def counts(draw: Any) -> list[dict[str, Any]]:
    sku, quantity = st.sampled_from(["milk", "eggs", "oats"]), st.sampled_from([0, 4, 5, 6, 10, 11, 30])
    return [
        {"vehicle_id": "van", "event_time": at(n * 70), "sku": draw(sku), "quantity": draw(quantity)}
        for n in range(draw(st.integers(1, 40)))
    ]


def in_order(line: Any, profile: Profile, events: list[dict[str, Any]]) -> Story:
    story = Story(line, profile)
    for event in events:
        story.tell(event)
    story.end()
    return story


def mixed(line: Any, profile: Profile, events: list[dict[str, Any]], random: Any, size: int) -> Story:
    """The same events, some repeated, none further than the horizon from its place, in messages of that size."""
    again = events + random.choices(events, k=4)
    places = sorted(range(len(again)), key=lambda place: place % len(events) + random.uniform(0, 12))
    story = Story(line, profile)
    for message in grouped([again[place] for place in places], size):
        story.tell(*message)
    story.end()
    return story


def finals(story: Story) -> list[dict[str, Any]]:
    """Every product that became final, whenever that was."""
    found = [{**row, "received_at": None} for row in story.products.values() if row["pclass"] != "shifts"]
    return sorted(found, key=lambda row: str(row["product_id"]))


def assert_the_same(one: Story, other: Story) -> None:
    assert other.episodes() == one.episodes()
    assert finals(other) == finals(one)
    assert other.worker is not None
    assert one.worker is not None
    assert other.worker.past.head == one.worker.past.head


@ENOUGH
@given(climates(), randoms, st.integers(1, 9))
def test_excursions_do_not_depend_on_order_grouping_or_repetition(
    events: list[dict[str, Any]], random: Any, size: int
) -> None:
    line = temperature.LINE
    assert_the_same(in_order(line, COLD, events), mixed(line, COLD, events, random, size))


@ENOUGH
@given(reports(), randoms, st.integers(1, 9))
def test_services_codes_and_gauges_do_not_either(events: list[dict[str, Any]], random: Any, size: int) -> None:
    line = maintenance.LINE
    assert_the_same(in_order(line, WORKSHOP, events), mixed(line, WORKSHOP, events, random, size))


@ENOUGH
@given(counts(), randoms, st.integers(1, 9))
def test_nor_do_shortages(events: list[dict[str, Any]], random: Any, size: int) -> None:
    line = inventory.LINE
    assert_the_same(in_order(line, SHELVES, events), mixed(line, SHELVES, events, random, size))


@ENOUGH
@given(climates())
def test_an_excursions_record_makes_sense(events: list[dict[str, Any]]) -> None:
    for row in in_order(temperature.LINE, COLD, events).of("excursions"):
        assert row["started_at"] <= row["peak_at"]
        assert 0 <= row["minutes_out"] * 60 <= row["known_s"] + 1e-6
        assert row["known_s"] <= row["duration_s"] + 1e-6
        assert row["degree_minutes"] >= 0
        if row["direction"] == "high":
            assert row["mean_c"] - 1e-9 <= row["mkt_c"] <= row["peak_c"] + 1e-9
        else:
            assert row["peak_c"] - 1e-9 <= row["mean_c"] <= row["mkt_c"] + 1e-9


weighted = st.lists(st.tuples(st.floats(-40, 60), st.floats(0.1, 1e5)), min_size=1, max_size=50)


@given(weighted)
def test_mkt_lies_between_minimum_and_maximum_and_at_or_above_the_mean(pairs: list[tuple[float, float]]) -> None:
    mean = sum(value * weight for value, weight in pairs) / sum(weight for _, weight in pairs)
    mkt = mkt_c(pairs)
    assert min(value for value, _ in pairs) - 1e-6 <= mkt <= max(value for value, _ in pairs) + 1e-6
    assert mkt >= mean - 1e-6


@given(st.lists(st.tuples(st.floats(1, 3_000), st.floats(-40, 60)), min_size=2, max_size=40))
def test_buckets_agree_with_the_series_while_it_is_shorter_than_they_reach(steps: list[tuple[float, float]]) -> None:
    second, measured = 0.0, []
    for step, value in steps:
        second = min(second + step, 23 * 3_600 - 1 + len(measured) / 1_000)
        measured.append((second, value))
    kinetics = Kinetics(int(measured[0][0] // 3_600))
    for (before_s, before_c), (now_s, now_c) in pairwise(measured):
        kinetics = kinetics.after(before_s, now_s, before_c, now_c)
    whole = mkt_over_c(measured)
    known = kinetics.day_c()
    assert known is not None
    assert abs(known - whole) < 1e-3
