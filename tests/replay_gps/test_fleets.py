"""City fleets: bad fixes trigger nothing, repeats add nothing, order does not matter, distances are true."""

import pytest

from functions.core.profile import DEFAULTS
from tests.replay.recorded import needs_recordings
from tests.replay_gps import fleets

pytestmark = needs_recordings

DAYS = [
    "buses-2015-12-30",
    *(pytest.param(name, marks=pytest.mark.full) for name in ("buses-2016-05-30", "buses-2017-04-18")),
]
BIG = "buses-2017-04-18"


def ordered(name: str, profile: object = None) -> fleets.Yard:
    return fleets.told(fleets.one_by_one(fleets.in_order(name)), profile or fleets.city_profile()).close()  # type: ignore[arg-type]


@pytest.mark.parametrize("name", DAYS)
def test_a_bus_day_in_any_disorder_makes_what_it_makes_in_order(name: str) -> None:
    expected = ordered(name).outcome()
    assert all(expected[:2])
    for number, disorder in enumerate(fleets.DISORDERS.values()):
        reads = disorder(fleets.in_order(name), number)
        assert fleets.told(reads, fleets.city_profile()).close().outcome() == expected


def test_zero_coordinates_and_sentinel_speeds_trigger_nothing() -> None:
    """Only the buses that sent one of them: what is made is the same as if the zeros had never been sent, and no speed
    of 255 mph is anywhere in it."""
    bad = {
        vehicle_id
        for vehicle_id, one in fleets.readings(BIG)
        if one.latitude == 0 or (one.speed_kph and one.speed_kph > 400)
    }
    assert sum(one.latitude == 0 and one.longitude == 0 for _, one in fleets.readings(BIG)) == 22
    assert sum((one.speed_kph or 0) > 400 for _, one in fleets.readings(BIG)) == 44
    reads = [read for read in fleets.in_order(BIG) if read[0] in bad]
    yard = fleets.told(fleets.one_by_one(reads), fleets.city_profile()).close()
    without = [read for read in reads if read[1].latitude != 0]
    assert yard.outcome() == fleets.told(fleets.one_by_one(without), fleets.city_profile()).close().outcome()
    rows = yard.rows["positions"].values()
    assert all(row["distance_m"] is None for row in rows if row["quality"] == "zero")
    assert all(row["speed_kph"] is None for row in rows if row["quality"] == "speed_sentinel")
    assert max(row["max_kph"] for row in yard.made("trips")) < 300
    assert all(peak < 300 for *_, peak in yard.episodes())


def test_3_757_repeats_add_no_distance() -> None:
    name = "buses-2016-05-30"
    reads = fleets.readings(name)
    distinct = list({read[1].key: read for read in reads}.values())
    assert len(reads) - len(distinct) == 3_757
    both = [fleets.told(fleets.one_by_one(every), DEFAULTS) for every in (reads, distinct)]
    assert both[0].distances_m() == both[1].distances_m()
    assert both[0].close().outcome() == both[1].close().outcome()


@pytest.mark.full
def test_stale_repeats_of_refuse_trucks_produce_nothing() -> None:
    with_repeats, without = fleets.polled(repeats=True), fleets.polled(repeats=False)
    assert len(with_repeats.made("events")) > 100
    assert with_repeats.outcome() == without.outcome()
    assert with_repeats.told == without.told


@pytest.mark.parametrize("name", ["buses-2015-12-30", "limerick", "visnjan", "trucks-distinct"])
def test_distances_agree_with_exact_geodesics_within_half_a_percent(name: str) -> None:
    said_m, exact_m = fleets.geodesic_m(ordered(name, DEFAULTS))
    assert exact_m > 2_500
    assert said_m == pytest.approx(exact_m, rel=0.005)


@pytest.mark.full
def test_trips_of_a_bus_day_turn_where_its_timetable_does() -> None:
    """Three quarters of the timetable's changes of trip are at one of our stops; at the others the bus did not stand
    three minutes within 200 m, so that it drove on as the definition has it."""
    day = fleets.timetable(BIG, ordered(BIG))
    assert day.at_stop + day.gap + day.driven_on == day.changes
    assert day.at_stop > 0.7 * day.changes
    assert day.turns > 0.6 * day.stops
    assert day.trips == pytest.approx(day.timetable, rel=0.15)
