"""The Fridge-tag's alarm minutes, from what its report tells of each day: lowest, highest, average."""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from functions.core.profile import Profile
from functions.lines import LINES
from tests.replay.recorded import FOLDER
from tests.replay_rules.played import instant
from tests.story import Story

REPORT = "fridge_tag/sample-fridge-tag.txt"
EVERY = timedelta(minutes=1)


class Day(NamedTuple):
    """One day of the report; °C, and minutes in alarm 0 (too cold) and alarm 1 (too warm)."""

    date: datetime
    low_c: float
    high_c: float
    cold_minutes: int
    warm_minutes: int


def days() -> list[Day]:
    """The report's days, oldest first."""
    text = (FOLDER / REPORT).read_text()
    found = re.findall(
        r"Date: (\S+)\n\s+Min T: ([-+\d.]+).*\n\s+Max T: ([-+\d.]+)[\s\S]*?0:\s+t Acc: (\d+)[\s\S]*?1:\s+t Acc: (\d+)",
        text,
    )
    return sorted(
        Day(instant(date), float(low), float(high), int(cold), int(warm)) for date, low, high, cold, warm in found
    )


class Minutes(NamedTuple):
    """Per day, what the logger and what our probe says; and the alerts."""

    day: Day
    ours: float


def told() -> tuple[list[Minutes], Story]:
    """Each day as a reading a minute between its lowest and its highest, for as long as it was recorded.

    The report does not tell when within a day the device was where: the first and the last day are as long as their
    alarm minutes, and every day swings once between its two extremes.
    """
    story = Story(LINES["temperature"], Profile(cargo_profile="vaccine_fridge"))
    minutes: list[Minutes] = []
    report = days()
    for number, day in enumerate(report):
        length = day.warm_minutes if number in (0, len(report) - 1) else 1_440
        start = day.date + timedelta(minutes=1_440 - length if number == 0 else 0)
        before_s = _out_s(story)
        for first in range(0, length + 1, 120):
            story.tell(*(_event(day, start, n, length) for n in range(first, min(first + 120, length + 1))))
        minutes.append(Minutes(day, (_out_s(story) - before_s) / 60))
    return minutes, story


def _out_s(story: Story) -> float:
    return float(story.worker.head.probes["main"].out_s) if story.worker else 0.0


def _event(day: Day, start: datetime, minute: int, length: int) -> dict[str, object]:
    swing = 1 - abs(2 * minute / max(1, length) - 1)
    celsius = day.low_c + swing * (day.high_c - day.low_c)
    at = start + minute * EVERY
    return {"vehicle_id": "fridge", "event_time": at.isoformat(), "temperature_c": round(celsius, 3)}
