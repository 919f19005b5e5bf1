"""The rules on recorded data: what is printed by `python3 -m tests.replay_rules` holds, and why it may not."""

from typing import Any

import pytest

from tests.replay.recorded import needs_recordings
from tests.replay_rules import fridge, thermometers, workshop

pytestmark = needs_recordings


def test_operators_limits_find_every_labelled_window_and_the_clocks_step_none() -> None:
    machine, ambient = (thermometers.found(setting) for setting in thermometers.settings()[1::2])
    assert all(machine.windows)
    assert all(ambient.windows)
    assert machine.outside <= 11
    assert ambient.outside <= 2
    assert machine.at_clock_step == 0
    assert machine.faults == ambient.faults == 0


def test_limits_from_the_first_weeks_find_the_shutdown_and_the_failure() -> None:
    machine = thermometers.found(thermometers.first_weeks("machine", 900, 300))
    assert [bool(count) for count in machine.windows] == [False, True, False, True]
    assert machine.outside <= 5


def test_the_clock_set_back_an_hour_loses_no_reading() -> None:
    found = thermometers.found(thermometers.settings()[1])
    assert len(found.story.rows) == 22_695
    assert not any(row["late"] for row in found.story.rows.values())


def test_the_flatline_is_stuck_once() -> None:
    (alert,) = thermometers.flatline().kept()
    assert (alert["kind"], alert["details"], alert["status"]) == ("sensor_fault", {"fault": "stuck"}, "open")


def test_labelled_steam_lies_inside_one_episode_a_mote_and_there_is_none_where_there_was_none() -> None:
    motes = thermometers.motes(thermometers.OWN_LIMITS)
    assert [len(mote.episodes) for mote in motes] == [1, 0, 0, 1]
    assert sum(mote.labelled for mote in motes) == sum(mote.inside for mote in motes) == 149


def test_one_limit_for_indoors_and_one_for_outdoors_misses_the_edges_of_the_steam_by_a_reading() -> None:
    """Three of the 149 labelled rows are the first or last of their event and still, or again, as damp as unlabelled
    ones: no common limit has them inside without alerts on the motes that had no event."""
    motes = thermometers.motes(thermometers.HUMIDITY_LIMITS)
    assert [len(mote.episodes) for mote in motes] == [1, 0, 0, 1]
    assert sum(mote.labelled for mote in motes) == sum(mote.near for mote in motes) == 149
    assert sum(mote.inside for mote in motes) == 146


def test_the_fridge_tags_alarm_minutes_are_ours_day_by_day() -> None:
    minutes, story = fridge.told()
    assert len(minutes) == 60
    assert [round(one.ours) for one in minutes] == [one.day.warm_minutes for one in minutes]
    (alert,) = story.kept()
    assert (alert["kind"], alert["details"]["rule"]) == ("temperature_high", "> 8 for 10 h")
    opened = next(row for row in story.told if row["version"] == 1)
    assert opened["started_at"] == alert["started_at"]


def test_odometers_and_engine_replacements_cause_no_false_service_and_no_rollback() -> None:
    buses = workshop.buses()
    assert (len(buses), sum(bus.replacements for bus in buses)) == (67, 27)
    assert sum(bus.faults for bus in buses) == 0
    assert sum(bus.false for bus in buses) == 0
    assert sum(bus.told["done"] for bus in buses) == 27


def test_every_code_of_a_real_table_is_one_we_can_judge() -> None:
    taken, found = workshop.codes()
    assert taken == 3_071
    judged: list[Any] = [sum(levels.values()) for levels in found.values()]
    assert judged == [1_138, 1_147, 487, 299]


@pytest.mark.parametrize(("fahrenheit", "alerts"), [(90.0, 0), (90.1, 1)])
def test_the_sources_hot_hour(fahrenheit: float, alerts: int) -> None:
    assert len(thermometers.hot_hour(fahrenheit).kept("temperature_high")) == alerts
