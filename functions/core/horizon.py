"""Disorder: readings of one worker that arrive out of order within a horizon end in the same state as in order.

The horizon reaches back over the last 32 readings or 120 s of event time, whichever is further, but never over more
than 256 readings or about 12 kB. A reading in order is folded once; one inside the horizon is put in its place and
everything since the settled state is folded again; one from before it is history, and changes nothing.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from operator import attrgetter
from typing import Any, Generic, NamedTuple

from functions.core.contract import renewed, signed
from functions.core.line import Line, R, Row, S
from functions.core.product import HISTORY, KNOWN, reading_row
from functions.core.profile import Profile
from functions.core.reading import Reading
from functions.core.worker import WorkerState

HORIZON_READINGS = 32
HORIZON = timedelta(seconds=120)
MOST_READINGS = 256
MOST_BYTES = 12_000
CLOCK_AHEAD = timedelta(minutes=5)

_order = attrgetter("order")


class Arrival(NamedTuple, Generic[R]):
    """A reading as it came: with the publish time of the message that brought it, and whatever the caller needs to
    find that message again (`origin`)."""

    reading: R
    published_at: datetime
    origin: Any = None


class Fate(Enum):
    """What became of an arrival."""

    FOLDED = "folded"
    REPEATED = "repeated"
    LATE = "late"
    CLOCK_AHEAD = "clock_ahead"


class Outcome(NamedTuple, Generic[R]):
    """One arrival's fate and the row it is exported as."""

    arrival: Arrival[R]
    fate: Fate
    row: Row


class Absorbed(NamedTuple, Generic[S, R]):
    """The worker after one commit's worth of arrivals; `worker` is None when a vehicle never seen had only a clock
    that ran ahead. `changed` tells whether there is anything to write; `left` waits for the next commit."""

    worker: WorkerState[S, R] | None
    outcomes: list[Outcome[R]]
    left: list[Arrival[R]]
    changed: bool


def most_readings(line: Line[S, R]) -> int:
    """How many readings a worker of this line keeps at most, which is also how many one commit may add."""
    return min(MOST_READINGS, MOST_BYTES // line.reading_bytes)


def absorb(
    line: Line[S, R],
    vehicle_id: str,
    worker: WorkerState[S, R] | None,
    arrivals: Sequence[Arrival[R]],
    profile: Profile,
) -> Absorbed[S, R]:
    """Fold arrivals, of any order and with any repeats, into a worker (None = never seen before)."""
    return _Absorption(line, vehicle_id, worker, profile).run(arrivals)


class _Absorption(Generic[S, R]):
    """The work of one `absorb`, so that its steps can share what they know."""

    def __init__(self, line: Line[S, R], vehicle_id: str, worker: WorkerState[S, R] | None, profile: Profile) -> None:
        self.line = line
        self.vehicle_id = vehicle_id
        self.worker = worker
        self.profile = profile
        self.recent: list[R] = list(worker.recent) if worker else []
        self.known = {reading.key for reading in self.recent}
        self.floor = _floor(worker, most_readings(line)) if worker else None
        self.outcomes: list[Outcome[R]] = []

    def run(self, arrivals: Sequence[Arrival[R]]) -> Absorbed[S, R]:
        new, repeats, left = self._sorted_out(arrivals)
        worker, columns = self._folded(new, repeats)
        for fate, found in ((Fate.FOLDED, new), (Fate.REPEATED, repeats)):
            for arrival in found:
                row = self._row(arrival, KNOWN, columns[arrival.reading.key])
                self.outcomes.append(Outcome(arrival, fate, row))
        return Absorbed(worker, self.outcomes, left, bool(new))

    def _sorted_out(
        self, arrivals: Sequence[Arrival[R]]
    ) -> tuple[list[Arrival[R]], list[Arrival[R]], list[Arrival[R]]]:
        """Arrivals that are new to the state, those it knows, and those that must wait; history is done at once."""
        new: list[Arrival[R]] = []
        repeats: list[Arrival[R]] = []
        left: list[Arrival[R]] = []
        room = most_readings(self.line)
        for arrival in sorted(arrivals, key=lambda arrival: arrival.reading.order):
            reading = arrival.reading
            if reading.key in self.known:
                repeats.append(arrival)
            elif reading.event_at > arrival.published_at + CLOCK_AHEAD:
                self._history(arrival, Fate.CLOCK_AHEAD)
            elif self.floor is not None and reading.order <= self.floor:
                self._history(arrival, Fate.LATE)
            elif left or len(new) >= (room := room if new else self._room(reading)):
                left.append(arrival)
            else:
                new.append(arrival)
                self.known.add(reading.key)
        return new, repeats, left

    def _room(self, first: R) -> int:
        """How many readings may join when `first` is the earliest: all of them stay in memory until the next commit,
        and so does everything after it, so that a redelivery finds each of them again."""
        newer = len(self.recent) - bisect_left(self.recent, first.order, key=_order)
        return max(1, most_readings(self.line) - newer)

    def _history(self, arrival: Arrival[R], fate: Fate) -> None:
        columns = self.line.history(arrival.reading)
        if fate is Fate.CLOCK_AHEAD:
            columns["quality"] = "clock_ahead"
        self.outcomes.append(Outcome(arrival, fate, self._row(arrival, HISTORY, columns, late=fate is Fate.LATE)))

    def _row(self, arrival: Arrival[R], version: int, columns: Row, late: bool = False) -> Row:
        reading = arrival.reading
        line = self.line
        row = reading_row(
            line.pclass, line.name, self.vehicle_id, reading.key, reading.event_at, arrival.published_at, version, late
        )
        row.update(columns)
        return row

    def _folded(
        self, new: list[Arrival[R]], repeats: list[Arrival[R]]
    ) -> tuple[WorkerState[S, R] | None, dict[bytes, Row]]:
        """The worker with the new readings in it, and the columns of every reading that was asked for."""
        worker = self.worker
        if not new and not repeats:
            return worker, {}
        in_order = (
            worker is not None and not repeats and (not self.recent or new[0].reading.order > self.recent[-1].order)
        )
        if in_order:
            assert worker is not None
            state, start = worker.head, len(self.recent)
        else:
            state, start = worker.settled if worker else self.line.start(), 0
        for arrival in new:
            if not self.recent or arrival.reading.order > self.recent[-1].order:
                self.recent.append(arrival.reading)
            else:
                insort(self.recent, arrival.reading, key=_order)
        head, columns = self._fold(state, self.recent[start:])
        if not new:
            return worker, columns
        return self._kept(head, new), columns

    def _fold(self, state: S, readings: Sequence[R]) -> tuple[S, dict[bytes, Row]]:
        columns: dict[bytes, Row] = {}
        step, profile = self.line.step, self.profile
        for reading in readings:
            state, columns[reading.key] = step(state, reading, profile)
        return state, columns

    def _kept(self, head: S, new: list[Arrival[R]]) -> WorkerState[S, R]:
        """The worker to write: what left the horizon is settled, unless this very commit added it."""
        worker = self.worker
        settled = worker.settled if worker else self.line.start()
        keep = min(
            horizon_start(self.recent, most_readings(self.line)),
            bisect_left(self.recent, new[0].reading.order, key=_order),
        )
        keep = max(keep, len(self.recent) - most_readings(self.line))
        leaving = self.recent[:keep]
        if leaving:
            settled, _ = self._fold(settled, leaving)
        last = leaving[-1] if leaving else None
        length_s = self.line.contract_s(head, self.profile)
        published_at = max(arrival.published_at for arrival in new)
        return WorkerState(
            contract=renewed(worker.contract, published_at, length_s) if worker else signed(published_at, length_s),
            head=head,
            settled=settled,
            settled_count=(worker.settled_count if worker else 0) + len(leaving),
            settled_at=last.event_at if last else worker.settled_at if worker else None,
            settled_key=last.key if last else worker.settled_key if worker else b"",
            recent=self.recent[keep:],
            unpublished=worker.unpublished if worker else [],
        )


def horizon_start(recent: Sequence[Reading], most: int) -> int:
    """Index of the first of these readings (in order) that the horizon still reaches."""
    if not recent:
        return 0
    by_time = bisect_left(recent, recent[-1].event_at - HORIZON, key=attrgetter("event_at"))
    return max(0, min(by_time, len(recent) - HORIZON_READINGS), len(recent) - most)


def _floor(worker: WorkerState[S, R], most: int) -> tuple[datetime, bytes] | None:
    """The order at and before which a new reading is history."""
    start = horizon_start(worker.recent, most)
    if start > 0:
        return worker.recent[start - 1].order
    return (worker.settled_at, worker.settled_key) if worker.settled_at else None
