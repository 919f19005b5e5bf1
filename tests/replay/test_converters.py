"""The converters: units, zones and the defects that the recordings are known for (data/SOURCE.md)."""

import json
from collections import Counter
from datetime import datetime, timedelta

import pytest

from tests.replay import oracle, trucks
from tests.replay.feed import event_times
from tests.replay.recorded import FOLDER, Event, needs_recordings
from tests.replay.sources import SOURCES

pytestmark = needs_recordings


def events_of(name: str) -> list[Event]:
    return SOURCES[name].events()


@pytest.mark.parametrize(
    ("name", "rows", "vehicles"),
    [
        ("buses-2015-03-08", 12_354, 140),
        ("buses-2015-12-30", 679, 39),
        ("buses-2016-05-30", 11_071, 16),
        ("buses-2016-09-01", 548, 307),
        ("buses-2017-04-18", 44_300, 320),
        ("trucks-distinct", 7_971, 68),
        ("machine", 22_695, 1),
        ("ambient", 7_267, 1),
        ("flatline", 4_032, 1),
        ("motes", 18_914, 4),
        ("motes-by-site", 18_914, 2),
        ("twizy-1", 3 * 6_189, 1),
        ("twizy-3", 3 * 2_517, 1),
        ("madison", 15 * 25 + 4 * 49 + 48 * 70 + 27, 67),
        ("visnjan", 104, 1),
        ("limerick", 2_144, 1),
    ],
)
def test_every_row_of_a_recording_becomes_an_event(name: str, rows: int, vehicles: int) -> None:
    events = events_of(name)
    assert len(events) == rows
    assert len({event["vehicle_id"] for event in events}) == vehicles
    assert len(json.dumps(events)) > 0


def test_bus_speeds_were_miles_an_hour_in_march_2015_and_metres_a_second_later() -> None:
    fastest = {
        name: max(event["speed_kph"] for event in events_of(f"buses-{name}")) for name in ("2015-03-08", "2015-12-30")
    }
    assert fastest == {"2015-03-08": pytest.approx(70 * 1.609344), "2015-12-30": pytest.approx(50 * 1.609344)}


def test_a_bus_speed_that_is_not_known_is_255_miles_an_hour() -> None:
    sentinels = [event for event in events_of("buses-2017-04-18") if event["speed_kph"] > 400]
    assert len(sentinels) == 44
    assert {event["speed_kph"] for event in sentinels} == {round(255 * 1.609344, 4)}


def test_bus_times_keep_their_offset_on_the_day_the_clocks_changed() -> None:
    events = events_of("buses-2015-03-08")
    assert Counter(event["event_time"][-6:] for event in events) == {"-06:00": 174, "-05:00": 12_180}
    assert min(event_times(events)).tzinfo is not None
    assert max(event_times(events)) - min(event_times(events)) < timedelta(hours=25)


@pytest.mark.parametrize(
    ("name", "distinct"),
    [
        ("buses-2015-03-08", 12_348),
        ("buses-2016-05-30", 7_314),
        ("buses-2016-09-01", 307),
        ("buses-2017-04-18", 44_300),
        ("trucks", 9_744),
    ],
)
def test_repeated_fixes_are_the_same_event(name: str, distinct: int) -> None:
    fixes = oracle.distinct(events_of(name), "gps")
    assert len(fixes) == distinct
    assert fixes["key"].nunique() == distinct


def test_trucks_were_polled_no_sooner_than_three_seconds_after_their_own_time() -> None:
    source = SOURCES["trucks"]
    events = source.events()
    polled = trucks.poll_times(FOLDER / source.files[0])
    ages = polled - polled.__class__(event_times(events))
    assert len(events) == 198_075
    assert ages.min() == timedelta(seconds=3)
    assert len({event["vehicle_id"] for event in events}) == 139
    assert {type(event["vehicle_id"]) for event in events} == {str}


def test_no_truck_was_heard_in_an_hour_that_occurs_twice_or_never() -> None:
    sent = {event["event_time"] for event in events_of("trucks")}
    for text in sent:
        at = datetime.fromisoformat(text)
        local = at.replace(tzinfo=trucks.EASTERN)
        assert local.utcoffset() == local.replace(fold=1).utcoffset() == at.utcoffset()


def test_trucks_in_summer_and_in_winter_have_their_own_offset() -> None:
    offsets = Counter(event["event_time"][-6:] for event in events_of("trucks"))
    assert set(offsets) == {"-04:00", "-05:00"}


def test_the_machines_clock_went_back_an_hour_and_twelve_times_occur_twice() -> None:
    events = events_of("machine")
    at = event_times(events)
    back = [place for place in range(1, len(at)) if at[place] < at[place - 1]]
    assert len(back) == 1
    assert len(at) - len(set(at)) == 12
    assert len(oracle.distinct(events, "temperature")) == len(events)


def test_motes_speak_every_five_seconds_with_their_humidity() -> None:
    events = events_of("motes")
    assert events[0]["event_time"] == "2010-05-09T00:00:05+00:00"
    assert (events[0]["temperature_c"], events[0]["humidity_pct"]) == (27.97, 45.93)
    by_site = oracle.distinct(events_of("motes-by-site"), "temperature")
    assert by_site.groupby("vehicle_id")["probe"].unique().map(set).to_dict() == {
        "site-indoor": {"mote-1", "mote-2"},
        "site-outdoor": {"mote-3", "mote-4"},
    }


def test_an_impossible_date_is_sent_as_it_stands() -> None:
    events = events_of("twizy-1")
    broken = Counter(event["line"] for event in events if str(event["event_time"]).startswith("90/02/2032"))
    assert broken == {"gps": 10, "temperature": 10, "maintenance": 10}
    first = next(event for event in events if event["event_time"] == "90/02/2032 12:08:07")
    assert (first["latitude"], first["speed_kph"]) == (33.982014, 7.1)


def test_openxc_messages_are_joined_into_fixes_and_reports() -> None:
    events = events_of("openxc")
    fixes = [event for event in events if event["line"] == "gps"]
    reports = [event for event in events if event["line"] == "maintenance"]
    assert len(fixes) == 3
    assert fixes[0] == {
        "line": "gps",
        "vehicle_id": "ford-openxc",
        "event_time": 1364323939.478,
        "latitude": 40.77092,
        "longitude": -73.953773,
        "speed_kph": fixes[0]["speed_kph"],
        "odometer_km": 13966.579102,
    }
    assert len(reports) == 6 + 23
    assert reports[5].keys() == {"line", "vehicle_id", "event_time", "odometer_km"}
    assert all(report["odometer_km"] == 13966.579102 for report in reports)


def test_madisons_miles_are_kilometres_and_its_months_are_dates() -> None:
    events = events_of("madison")
    chance = [event for event in events if event["vehicle_id"] == "madison-2386"]
    assert chance[0]["event_time"] == "1981-07-01T00:00:00Z"
    assert chance[0]["odometer_km"] == pytest.approx(2_208 * 1.609344, abs=1e-3)
    assert chance[-1]["event_time"] == "1985-07-01T00:00:00Z"
    replaced = [event for event in events if event.get("service_done")]
    first = next(event for event in replaced if event["vehicle_id"] == "madison-4338")
    assert (len(replaced), first["event_time"]) == (27, "1984-03-15T00:00:00Z")
    assert first["odometer_km"] == pytest.approx(220_900 * 1.609344, abs=1e-3)


def test_tracks_keep_time_place_and_height() -> None:
    events = events_of("limerick")
    assert events[0] == {
        "line": "gps",
        "vehicle_id": "bus304_limerick_2019-02-18",
        "event_time": "2019-02-18T07:45:50Z",
        "latitude": 52.629151,
        "longitude": -8.661746,
        "altitude_m": 19.5,
    }
