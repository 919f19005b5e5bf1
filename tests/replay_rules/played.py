"""A recording played through a line: what a vehicle's worker told, whatever its clock did."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from functions.core.profile import Profile
from functions.lines import LINES
from tests.replay.recorded import Event
from tests.replay.sources import SOURCES
from tests.story import Story, grouped

MESSAGE = 60
"""Events a message: what they are grouped in changes nothing, but a commit each would take minutes."""


def played(line: str, events: Iterable[Event], profile: Profile) -> Story:
    """One vehicle's events in the order given, under one contract, which ends with the last of them."""
    story = Story(LINES[line], profile)
    for message in grouped(list(events), MESSAGE):
        story.tell(*message)
    return story


def by_vehicle(source: str) -> dict[str, list[Event]]:
    """A recording's events, vehicle by vehicle."""
    found: dict[str, list[Event]] = {}
    for event in SOURCES[source].events():
        found.setdefault(event["vehicle_id"], []).append(event)
    return found


def instant(text: str) -> datetime:
    """A recording's time without a zone, read as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def overlaps(alert: dict[str, Any], start: datetime, end: datetime) -> bool:
    return alert["started_at"] <= end and (alert["ended_at"] is None or alert["ended_at"] >= start)
