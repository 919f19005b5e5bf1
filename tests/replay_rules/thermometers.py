"""NAB's machine and ambient series against their labelled windows, the flatline, and the labelled motes."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd

from functions.core.cargo import TemperatureLimits
from functions.core.profile import Profile
from tests.replay.recorded import FOLDER
from tests.replay.sensors import MOTES_EVERY, MOTES_START
from tests.replay_rules.played import by_vehicle, instant, overlaps, played
from tests.story import Story

CLOCK_STEP = (instant("2014-01-07 01:00"), instant("2014-01-07 04:00"))
HUMIDITY_LIMITS = {1: 50.0, 2: 50.0, 3: 60.0, 4: 60.0}
"""Indoors (motes 1 and 2) and outdoors: the next ten per cent above what the motes without events ever measure."""
OWN_LIMITS = HUMIDITY_LIMITS | {1: 49.0, 4: 51.5}
"""A limit of its own for each mote with an event, just low enough for the first and last damp reading of it."""


class Setting(NamedTuple):
    """Limits in °F, and how long beyond them is an excursion."""

    name: str
    source: str
    low_f: float
    high_f: float
    hold_s: float
    every_s: float

    @property
    def profile(self) -> Profile:
        limits = TemperatureLimits(
            low_c=(self.low_f - 32) * 5 / 9, high_c=(self.high_f - 32) * 5 / 9, hold_s=self.hold_s
        )
        return Profile(temperature_limits=limits, expected_interval_s=self.every_s)


def first_weeks(source: str, hold_s: float, every_s: float) -> Setting:
    """Limits learnt as NAB lets a detector learn: 0.1 % and 99.9 % of the first 15 % of the series."""
    values = pd.Series([event["temperature_f"] for event in next(iter(by_vehicle(source).values()))])
    low, high = values[: int(len(values) * 0.15)].quantile([0.001, 0.999])
    return Setting("first 15 %", source, round(low, 1), round(high, 1), hold_s, every_s)


def settings() -> list[Setting]:
    return [
        first_weeks("machine", 900, 300),
        Setting("65–105 °F", "machine", 65, 105, 3_600, 300),
        first_weeks("ambient", 7_200, 3_600),
        Setting("60–80 °F", "ambient", 60, 80, 7_200, 3_600),
    ]


class Found(NamedTuple):
    """One series under one setting: alerts in each labelled window, outside of all, and near the clock's step."""

    setting: Setting
    story: Story
    windows: list[int]
    outside: int
    faults: int
    at_clock_step: int


def nab_windows(source: str) -> list[tuple[datetime, datetime]]:
    labels = json.loads((FOLDER / "nab/combined_windows.json").read_text())
    return [
        (instant(start), instant(end))
        for start, end in labels[f"realKnownCause/{source}_temperature_system_failure.csv"]
    ]


def found(setting: Setting) -> Found:
    (events,) = by_vehicle(setting.source).values()
    story = played("temperature", events, setting.profile)
    alerts, windows = story.kept(), nab_windows(setting.source)
    inside = [sum(overlaps(alert, *window) for alert in alerts) for window in windows]
    outside = sum(not any(overlaps(alert, *window) for window in windows) for alert in alerts)
    return Found(
        setting,
        story,
        inside,
        outside,
        len(story.kept("sensor_fault")),
        sum(overlaps(alert, *CLOCK_STEP) for alert in alerts),
    )


def flatline() -> Story:
    (events,) = by_vehicle("flatline").values()
    return played("temperature", events, Profile(expected_interval_s=300))


class Mote(NamedTuple):
    """A mote and its limit: labelled rows, those inside an episode, those within one interval of one, its episodes."""

    mote: int
    limit_pct: float
    labelled: int
    inside: int
    near: int
    episodes: list[dict[str, Any]]


def motes(humidity_limits: Mapping[int, float]) -> list[Mote]:
    rows = pd.read_csv(FOLDER / "lwsndr_single_hop/data.csv")
    events = by_vehicle("motes")
    measured = []
    for mote, limit in humidity_limits.items():
        limits = TemperatureLimits(humidity_high_pct=limit, hold_s=0, close_s=600)
        episodes = played(
            "temperature", events[f"mote-{mote}"], Profile(temperature_limits=limits, expected_interval_s=5)
        ).kept()
        labelled = rows[(rows.mote_id == mote) & (rows.label == 1)]
        times = [MOTES_START + reading * MOTES_EVERY for reading in labelled.reading]
        inside = sum(any(overlaps(one, at, at) for one in episodes) for at in times)
        near = sum(any(overlaps(one, at - MOTES_EVERY, at + MOTES_EVERY) for one in episodes) for at in times)
        measured.append(Mote(mote, limit, len(times), inside, near, episodes))
    return measured


def hot_hour(fahrenheit: float, every: timedelta = timedelta(seconds=5)) -> Story:
    """An hour at one temperature under the source's own limit."""
    events = [
        {"vehicle_id": "van", "event_time": (MOTES_START + n * every).isoformat(), "temperature_f": fahrenheit}
        for n in range(720)
    ]
    return played("temperature", events, Profile(cargo_profile="demo_90f"))
