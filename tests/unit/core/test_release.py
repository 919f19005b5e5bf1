"""Whether a trip's goods may be used, and which goods are withheld: derived from what others stored."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.core.cargo import TemperatureLimits
from functions.core.profile import Profile
from functions.core.release import verdict
from functions.core.withheld import withheld
from functions.lines import inventory, temperature
from tests.story import START, Story, at

GAP_S = 600.0
FRIDGE = Profile(temperature_limits=TemperatureLimits(low_c=2, high_c=8), expected_interval_s=300)
TRIP = {"started_at": START + timedelta(minutes=30), "ended_at": START + timedelta(minutes=90)}


def measured(celsius: dict[int, float], until: int = 240) -> Story:
    """A reading every 5 min: 5 °C, but as told from those minutes on."""
    story, value = Story(temperature.LINE, FRIDGE), 5.0
    for minute in range(0, until, 5):
        value = celsius.get(minute, value)
        story.tell({"vehicle_id": "van", "event_time": at(minute * 60), "temperature_c": value + minute / 10_000})
    return story


def judged(story: Story, trip: dict[str, Any] = TRIP, without: tuple[int, ...] = ()) -> tuple[str, list[str]]:
    times: list[datetime] = sorted(row["event_at"] for row in story.rows.values())
    kept = [time for time in times if (time - START) / timedelta(minutes=1) not in without]
    return verdict(trip, kept, story.of("excursions"), story.alerts.values(), GAP_S)


def test_a_trip_measured_throughout_and_without_excursion_is_released() -> None:
    assert judged(measured({})) == ("release", [])


def test_an_excursion_during_the_trip_must_be_looked_at() -> None:
    decision, reasons = judged(measured({40: 9, 50: 5}))
    assert (decision, reasons) == ("review", ["main: 10 min too warm, at most 9.0 °C (recovered)"])


def test_one_that_is_not_exported_yet_as_well() -> None:
    story = measured({40: 9, 50: 5}, until=95)
    assert not story.of("excursions")
    assert judged(story) == ("review", ["main: temperature high"])


@pytest.mark.parametrize(("hot", "decision"), [({5: 9, 20: 5}, "release"), ({5: 9, 30: 5}, "review")])
def test_only_what_touches_the_trip_counts(hot: dict[int, float], decision: str) -> None:
    assert judged(measured(hot))[0] == decision
    assert judged(measured({95: 9, 110: 5}))[0] == "release"


def test_while_an_excursion_is_open_the_goods_are_on_hold() -> None:
    decision, reasons = judged(measured({60: 9}, until=90))
    assert (decision, reasons) == ("hold", ["main: temperature high, still open"])


def test_a_trip_that_has_not_ended_is_on_hold() -> None:
    assert judged(measured({}), {**TRIP, "ended_at": None}) == ("hold", ["the trip has not ended"])


@pytest.mark.parametrize(("without", "decision"), [((40,), "release"), ((40, 45), "review")])
def test_unknown_time_must_be_looked_at(without: tuple[int, ...], decision: str) -> None:
    assert judged(measured({}), without=without)[0] == decision


def test_a_sensor_at_fault_must_be_looked_at() -> None:
    assert judged(measured({40: 99, 45: 5})) == ("review", ["main: sensor fault"])


def test_an_alert_that_was_withdrawn_never_was() -> None:
    story = measured({})
    alert = {"kind": "sensor_fault", "subject": "main", "status": "withdrawn", "started_at": START, "ended_at": None}
    story.alerts["x"] = alert
    assert judged(story)[0] == "release"


def test_goods_are_withheld_while_an_excursion_is_open_and_not_after() -> None:
    shelves = Story(inventory.LINE)
    for sku, quantity in (("milk", 12), ("eggs", 0)):
        shelves.tell({"vehicle_id": "van", "event_time": at(0), "sku": sku, "quantity": quantity})
    assert shelves.worker is not None
    stock = inventory.LINE.face(shelves.worker.head)
    hot = measured({60: 9}, until=90).worker
    cold = measured({60: 9, 75: 5}).worker
    assert hot is not None
    assert cold is not None
    (milk,) = withheld(stock, temperature.LINE.face(hot.head))
    assert (milk["sku"], milk["quantity"], milk["since"]) == ("milk", 12, START + timedelta(minutes=60))
    assert milk["excursions"] == ["main: temperature_high"]
    assert withheld(stock, temperature.LINE.face(cold.head)) == []
    assert withheld({}, {}) == []
