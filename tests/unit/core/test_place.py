"""Where excursions began, peaked and ended: read from the GPS worker's face at the transition, kept ever after."""

import json
from datetime import timedelta
from typing import Any

from functions.core.cargo import TemperatureLimits
from functions.core.place import position_of
from functions.core.ports import Message, Write
from functions.core.profile import Profile
from functions.core.worker import worker_path
from functions.lines.temperature import LINE
from functions.roles.director import Director
from functions.tally import Tally
from tests.memory import MemoryBus, MemoryProfiles, MemoryStore
from tests.story import START, at

PROFILE = Profile(temperature_limits=TemperatureLimits(low_c=2, high_c=8), expected_interval_s=300)
GPS = worker_path("van", "gps")


class Trip:
    """A director of the temperature line beside a GPS worker's document that somebody else keeps."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.bus = MemoryBus()
        profiles = MemoryProfiles({"van": PROFILE})
        self.director: Director[Any, Any] = Director(LINE, self.store, self.bus, profiles, Tally(lambda: 0.0))

    async def drive(self, second: float, latitude: float) -> None:
        fields = {"latitude": latitude, "longitude": 8.0, "position_at": START + timedelta(seconds=second)}
        await self.store.write_one(Write(GPS, fields, expects=GPS in self.store.documents))

    async def measure(self, second: float, celsius: float, published_s: float | None = None) -> None:
        event = {"vehicle_id": "van", "event_time": at(second), "temperature_c": celsius}
        published_at = START + timedelta(seconds=second if published_s is None else published_s)
        await self.director.take(Message(f"{second}", json.dumps(event).encode(), published_at))

    @property
    def alerts(self) -> list[dict[str, Any]]:
        return [row for row in self.bus.rows if row.get("kind") == "temperature_high" and "alert_id" in row]

    @property
    def excursions(self) -> list[dict[str, Any]]:
        return [row for row in self.bus.rows if row.get("pclass") == "excursions"]


async def excursion() -> Trip:
    trip = Trip()
    for second, latitude, celsius in [(0, 50.0, 5), (300, 50.1, 9), (600, 50.2, 9.1), (900, 50.3, 12), (1200, 50.4, 6)]:
        await trip.drive(second - 20, latitude)
        await trip.measure(second, celsius)
    await trip.drive(1790, 50.5)
    await trip.measure(1500, 6.1)
    await trip.measure(1800, 6)
    return trip


async def test_an_alert_says_where_it_was_told_to_begin_to_peak_and_to_end() -> None:
    trip = await excursion()
    opened, peaked, closed = (row["details"] for row in trip.alerts)
    assert (opened["start_latitude"], opened["peak_latitude"]) == (50.2, 50.2)
    assert "end_latitude" not in opened
    assert (peaked["start_latitude"], peaked["peak_latitude"]) == (50.2, 50.3)
    assert (closed["peak_latitude"], closed["end_latitude"], closed["end_longitude"]) == (50.3, 50.5, 8.0)
    assert closed["rule"] == "> 8"


async def test_each_position_is_marked_with_its_age() -> None:
    trip = await excursion()
    closed = trip.alerts[-1]["details"]
    assert closed["start_position_age_s"] == 300 - 580
    assert closed["peak_position_age_s"] == 900 - 880
    assert closed["end_position_age_s"] == 1200 - 1790


async def test_the_excursions_row_has_them_when_it_is_final() -> None:
    trip = await excursion()
    for n in range(40):
        await trip.measure(2100 + n * 300, 5 + n / 100)
    (row,) = trip.excursions
    assert (row["start_latitude"], row["peak_latitude"], row["end_latitude"]) == (50.2, 50.3, 50.5)
    assert trip.director._held["van"].worker is not None
    assert not trip.director._held["van"].worker.places


async def test_a_contract_that_ends_records_them_as_far_as_they_are_known() -> None:
    trip = Trip()
    await trip.drive(0, 50.0)
    for second in (0, 300):
        await trip.measure(second, 9 + second / 1000)
    await trip.measure(86_400, 5)
    (row,) = trip.excursions
    assert (row["outcome"], row["start_latitude"], row["peak_latitude"]) == ("unknown", 50.0, 50.0)
    assert "end_latitude" not in row
    assert trip.alerts[-1]["details"]["start_latitude"] == 50.0


async def test_the_position_is_read_for_news_only() -> None:
    trip = Trip()
    await trip.drive(0, 50.0)
    reads = []
    for n, celsius in enumerate([5, 5.1, 9, 9, 9.1, 9.2, 11, 11]):
        before = trip.store.reads
        await trip.measure(n * 300, celsius)
        reads.append(trip.store.reads - before)
    assert reads == [1, 0, 0, 1, 0, 0, 1, 0]


async def test_a_vehicle_without_a_position_has_excursions_without_places() -> None:
    trip = Trip()
    for n, celsius in enumerate([9, 9, 9]):
        await trip.measure(n * 300, celsius)
    assert [row["details"] for row in trip.alerts] == [{"limit": 8, "rule": "> 8"}]
    assert position_of({"latitude": None, "longitude": None, "position_at": None}) is None


async def test_a_late_reading_revises_the_alert_and_not_where_it_was() -> None:
    trip = Trip()
    await trip.drive(600, 50.0)
    for second in (300, 600):
        await trip.measure(second, 9)
    await trip.drive(700, 51.0)
    await trip.measure(0, 9, published_s=700)
    revised = trip.alerts[-1]
    assert (revised["version"], revised["started_at"]) == (2, "2024-05-01T08:00:00Z")
    assert revised["details"]["start_latitude"] == 50.0
