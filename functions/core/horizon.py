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

import msgspec

from functions.core.episode import Episode, seen
from functions.core.line import Line, Product, R, Row, S
from functions.core.product import HISTORY, KNOWN, reading_row
from functions.core.profile import Profile

HORIZON_READINGS = 32
HORIZON = timedelta(seconds=120)
MOST_READINGS = 256
MOST_BYTES = 12_000
CLOCK_AHEAD = timedelta(minutes=5)

_order = attrgetter("order")


class Past(msgspec.Struct, Generic[S, R], frozen=True, array_like=True):
    """What a worker knows of its readings.

    `settled` is the state after every reading that has left `recent`; `settled_count` is how many those are, and
    `settled_at`, `settled_key` the order of the last of them. `recent` holds the readings since then, in order, and
    `head` is `settled` with `recent` folded in. `former` are keys of readings from before the last contract ended.
    `settled_episodes` are the episodes open in the settled state; `episodes` those open at the head, and those that
    ended since the settled state.
    """

    head: S
    settled: S
    settled_count: int = 0
    settled_at: datetime | None = None
    settled_key: bytes = b""
    recent: list[R] = []
    former: list[bytes] = []
    settled_episodes: list[Episode] = []
    episodes: list[Episode] = []

    @property
    def readings(self) -> int:
        """How many distinct readings the state knows."""
        return self.settled_count + len(self.recent)

    @property
    def watermark(self) -> datetime | None:
        """The newest event time the state knows."""
        return self.recent[-1].event_at if self.recent else self.settled_at


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


class Made(NamedTuple):
    """A product that is final, with the key and the time of the reading that made it."""

    key: bytes
    event_at: datetime
    product: Product


class Absorbed(NamedTuple, Generic[S, R]):
    """A past with one commit's worth of arrivals in it.

    `new` are those it did not know, in order; `left` must wait for the next commit. `made` are products that became
    final, `ended` episodes that did.
    """

    past: Past[S, R]
    outcomes: list[Outcome[R]]
    new: list[Arrival[R]]
    left: list[Arrival[R]]
    made: list[Made]
    ended: list[Episode]


def most_readings(line: Line[S, R]) -> int:
    """How many readings a worker of this line keeps at most, which is also how many one commit may add."""
    return min(MOST_READINGS, MOST_BYTES // line.reading_bytes)


def absorb(
    line: Line[S, R], vehicle_id: str, past: Past[S, R], arrivals: Sequence[Arrival[R]], profile: Profile
) -> Absorbed[S, R]:
    """Fold arrivals, of any order and with any repeats, into a worker's past."""
    return _Absorption(line, vehicle_id, past, profile).run(arrivals)


class _Absorption(Generic[S, R]):
    """The work of one `absorb`, so that its steps can share what they know."""

    def __init__(self, line: Line[S, R], vehicle_id: str, past: Past[S, R], profile: Profile) -> None:
        self.line = line
        self.vehicle_id = vehicle_id
        self.past = past
        self.profile = profile
        self.most = most_readings(line)
        self.recent: list[R] = list(past.recent)
        self.known = {reading.key for reading in self.recent}
        self.floor = _floor(past, self.most)
        self.outcomes: list[Outcome[R]] = []

    def run(self, arrivals: Sequence[Arrival[R]]) -> Absorbed[S, R]:
        new, repeats, left = self._sorted_out(arrivals)
        past, columns, settled = self._folded(new, repeats)
        for fate, found in ((Fate.FOLDED, new), (Fate.REPEATED, repeats)):
            for arrival in found:
                row = self._row(arrival, KNOWN, columns[arrival.reading.key])
                self.outcomes.append(Outcome(arrival, fate, row))
        return Absorbed(past, self.outcomes, new, left, settled.made, settled.ended)

    def _sorted_out(
        self, arrivals: Sequence[Arrival[R]]
    ) -> tuple[list[Arrival[R]], list[Arrival[R]], list[Arrival[R]]]:
        """Arrivals that are new to the state, those it knows, and those that must wait; history is done at once."""
        new: list[Arrival[R]] = []
        repeats: list[Arrival[R]] = []
        left: list[Arrival[R]] = []
        former = set(self.past.former)
        room = self.most
        for arrival in sorted(arrivals, key=lambda arrival: arrival.reading.order):
            reading = arrival.reading
            if reading.key in self.known:
                repeats.append(arrival)
            elif reading.key in former:
                self._history(arrival, Fate.REPEATED)
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
        return max(1, self.most - newer)

    def _history(self, arrival: Arrival[R], fate: Fate) -> None:
        """A row for a reading that the state is not told of. A repeat from before the last contract's end is no news
        either, but its row may never have been published."""
        columns = self.line.history(arrival.reading, self.profile)
        if fate is Fate.CLOCK_AHEAD:
            columns["quality"] = "clock_ahead"
        self.outcomes.append(Outcome(arrival, fate, self._row(arrival, HISTORY, columns, late=fate is Fate.LATE)))

    def _row(self, arrival: Arrival[R], version: int, columns: Row, late: bool = False) -> Row:
        reading, line = arrival.reading, self.line
        row = reading_row(
            line.pclass, line.name, self.vehicle_id, reading.key, reading.event_at, arrival.published_at, version, late
        )
        row.update(columns)
        return row

    def _folded(
        self, new: list[Arrival[R]], repeats: list[Arrival[R]]
    ) -> tuple[Past[S, R], dict[bytes, Row], "Settled[S]"]:
        """The past with the new readings in it, the columns of every reading asked for, and what became final."""
        past, recent = self.past, self.recent
        if not new and not repeats:
            return past, {}, Settled(past.settled, [], [], [])
        in_order = not repeats and (not recent or new[0].reading.order > recent[-1].order)
        state, episodes, start = past.settled, past.settled_episodes, 0
        if in_order:
            state, episodes, start = past.head, past.episodes, len(recent)
        for arrival in new:
            if not recent or arrival.reading.order > recent[-1].order:
                recent.append(arrival.reading)
            else:
                insort(recent, arrival.reading, key=_order)
        columns: dict[bytes, Row] = {}
        step, profile = self.line.step, self.profile
        asked = {arrival.reading.key for arrival in repeats}
        for reading in recent[start:]:
            if not new and not asked:
                break  # nobody asks for what came after the newest repeat
            asked.discard(reading.key)
            state, columns[reading.key], _, sightings = step(state, reading, profile)
            if sightings:
                episodes = seen(episodes, sightings)
        if not new:
            return past, columns, Settled(past.settled, [], [], [])
        keep = min(horizon_start(recent, self.most), bisect_left(recent, new[0].reading.order, key=_order))
        keep = max(keep, len(recent) - self.most)
        settled = settle(self.line, past, recent[:keep], self.profile)
        return self._kept(state, episodes, keep, settled), columns, settled

    def _kept(self, head: S, episodes: list[Episode], keep: int, settled: "Settled[S]") -> Past[S, R]:
        """The past to write: what left the horizon is settled, unless this very commit added it."""
        past, recent = self.past, self.recent
        last = recent[keep - 1] if keep else None
        return Past(
            head=head,
            settled=settled.state,
            settled_count=past.settled_count + keep,
            settled_at=last.event_at if last else past.settled_at,
            settled_key=last.key if last else past.settled_key,
            recent=recent[keep:],
            former=past.former if len(recent) < HORIZON_READINGS else [],
            settled_episodes=settled.open,
            episodes=[one for one in episodes if one not in settled.ended] if settled.ended else episodes,
        )


class Settled(NamedTuple, Generic[S]):
    """The state after readings that nothing can come before any more, what they made, and their episodes."""

    state: S
    made: list[Made]
    open: list[Episode]
    ended: list[Episode]


def settle(line: Line[S, R], past: Past[S, R], leaving: Sequence[R], profile: Profile) -> Settled[S]:
    """Fold readings into the settled state; what they make is final."""
    state, episodes, made = past.settled, past.settled_episodes, []
    for reading in leaving:
        state, _, products, sightings = line.step(state, reading, profile)
        if products:
            made += [Made(reading.key, reading.event_at, product) for product in products]
        if sightings:
            episodes = seen(episodes, sightings)
    ended = [episode for episode in episodes if episode.ended_at]
    return Settled(state, made, [one for one in episodes if not one.ended_at] if ended else episodes, ended)


def horizon_start(recent: Sequence[Any], most: int) -> int:
    """Index of the first of these readings (in order) that the horizon still reaches."""
    if not recent:
        return 0
    by_time = bisect_left(recent, recent[-1].event_at - HORIZON, key=attrgetter("event_at"))
    return max(0, min(by_time, len(recent) - HORIZON_READINGS), len(recent) - most)


def _floor(past: Past[S, R], most: int) -> tuple[datetime, bytes] | None:
    """The order at and before which a new reading is history."""
    start = horizon_start(past.recent, most)
    if start > 0:
        floor: tuple[datetime, bytes] = past.recent[start - 1].order
        return floor
    return (past.settled_at, past.settled_key) if past.settled_at else None
