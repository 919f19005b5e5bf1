"""What a worker still knows of its latest readings: their rows, made again as they were exported."""

from collections.abc import Iterator
from datetime import datetime

from functions.core.horizon import Past
from functions.core.line import Line, R, Row, S
from functions.core.profile import Profile


def recent_rows(line: Line[S, R], past: Past[S, R], profile: Profile) -> Iterator[tuple[datetime, Row]]:
    """The event time and the line's columns of every reading that has not left the horizon, in order."""
    state = past.settled
    for reading in past.recent:
        state, row, _, _ = line.step(state, reading, profile)
        yield reading.event_at, row
