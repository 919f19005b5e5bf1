"""Excursions: a value leaves its range, stays out for long enough to matter, and comes back to stay.

NORMAL → PENDING at the first value out of the range → OPEN once a rule is broken → RECOVERING once well inside →
CLOSED when it stayed there. Time between readings that are too far apart is unknown: it neither breaches nor closes.
"""

from datetime import datetime
from typing import NamedTuple

import msgspec

from functions.core.cargo import Rule, Side
from functions.core.mkt import celsius_of, rate
from functions.core.row import Row

PENDING = -1
MKT_RULE = 99
"""Stands for the limit of the mean kinetic temperature among the numbers of a side's rules."""
TELL_PEAK_C = 0.5
"""A peak is told again when it has grown by so much: a load that warms slowly is not news every five seconds."""


class Measured(NamedTuple):
    """One good value, and the one before it. `known_s` is the time between them, 0 where nobody knows what happened.

    `spent_s` are the seconds each rule of the side has been broken in all (used where the rule is cumulative).
    `mkt_over` tells that the MKT is over its limit, `held` that alerts must wait.
    """

    at: datetime
    value: float
    before: float | None
    known_s: float
    spent_s: tuple[float, ...] = ()
    mkt_over: bool = False
    held: bool = False


class Sums(msgspec.Struct, frozen=True, array_like=True):
    """Integrals over the known time of an excursion; seconds, °C·s, and rate·s for the MKT."""

    known_s: float = 0.0
    out_s: float = 0.0
    excess_cs: float = 0.0
    value_cs: float = 0.0
    aged: float = 0.0

    def plus(self, side: Side, now: Measured) -> "Sums":
        """With the time since the reading before: trapezoids, and out of the range when it began out of it."""
        span_s, before, value = now.known_s, now.before, now.value
        if before is None or span_s <= 0:
            return self
        return Sums(
            self.known_s + span_s,
            self.out_s + (span_s if side.beyond(before) else 0.0),
            self.excess_cs + span_s * (side.excess(before) + side.excess(value)) / 2,
            self.value_cs + span_s * (before + value) / 2,
            self.aged + span_s * (rate(before) + rate(value)) / 2,
        )

    def and_(self, more: "Sums") -> "Sums":
        return Sums(
            self.known_s + more.known_s,
            self.out_s + more.out_s,
            self.excess_cs + more.excess_cs,
            self.value_cs + more.value_cs,
            self.aged + more.aged,
        )


class Clock(msgspec.Struct, frozen=True, array_like=True):
    """How long and by how many readings in a row a rule has been broken."""

    seconds: float = 0.0
    readings: int = 0


class Run(msgspec.Struct, frozen=True, array_like=True):
    """A value out of its range since `started_at`; `rule` is the number of the rule that made it an excursion.

    `told` is the peak that people know. While recovering, `sums` stand still at the first value inside, and `aside`
    counts on in case it was no recovery.
    """

    started_at: datetime
    peak: float
    peak_at: datetime
    readings: int = 0
    rule: int = PENDING
    told: float = 0.0
    clocks: list[Clock] = []
    sums: Sums = Sums()
    recovering_at: datetime | None = None
    aside: Sums | None = None

    @property
    def open(self) -> bool:
        return self.rule != PENDING


class Turn(NamedTuple):
    """A run after one value (None = the value is where it should be), and whether that is worth telling; `ended` is
    the run that is over, at its `recovering_at`."""

    run: Run | None
    news: bool = False
    ended: Run | None = None


def advance(run: Run | None, side: Side, now: Measured) -> Turn:
    """One value later."""
    out = side.beyond(now.value) or now.mkt_over
    if run is None:
        return _waited(Run(now.at, now.value, now.at), side, now) if out else Turn(None)
    if not run.open:
        return _waited(msgspec.structs.replace(run, sums=run.sums.plus(side, now)), side, now) if out else Turn(None)
    low, high = side.inside
    if low <= now.value <= high and not now.mkt_over:
        return _recovering(run, side, now)
    return _going_on(run, side, now)


def _waited(run: Run, side: Side, now: Measured) -> Turn:
    """A pending run with one more value out of the range: an excursion, if a rule says so and nothing holds it."""
    peak, peak_at = _peak(run, side, now)
    clocks = _clocks(run.clocks, side, now)
    readings = run.readings + 1
    rule = PENDING if now.held else _broken(side, clocks, readings, now)
    if rule == PENDING:
        after = msgspec.structs.replace(run, peak=peak, peak_at=peak_at, clocks=clocks, readings=readings)
        return Turn(after)
    return Turn(Run(run.started_at, peak, peak_at, readings, rule, peak, [], run.sums), news=True)


def _recovering(run: Run, side: Side, now: Measured) -> Turn:
    """An open run with a value well inside: over, when it has been there for long enough."""
    if run.recovering_at is None or run.aside is None:
        run = msgspec.structs.replace(run, sums=run.sums.plus(side, now), recovering_at=now.at, aside=Sums())
    else:
        run = msgspec.structs.replace(run, aside=run.aside.plus(side, now))
    if run.aside is not None and run.aside.known_s >= side.close_s:
        return Turn(None, ended=run)
    return Turn(run)


def _going_on(run: Run, side: Side, now: Measured) -> Turn:
    """An open run with a value that is not well inside; whatever recovery there was, was none."""
    sums = run.sums.and_(run.aside) if run.aside is not None else run.sums
    peak, peak_at = _peak(run, side, now)
    news = side.sign * (peak - run.told) >= TELL_PEAK_C
    told = peak if news else run.told
    readings = run.readings + side.beyond(now.value)
    return Turn(Run(run.started_at, peak, peak_at, readings, run.rule, told, [], sums.plus(side, now)), news)


def _peak(run: Run, side: Side, now: Measured) -> tuple[float, datetime]:
    further = side.sign * (now.value - run.peak) > 0
    return (now.value, now.at) if further else (run.peak, run.peak_at)


def _clocks(clocks: list[Clock], side: Side, now: Measured) -> list[Clock]:
    """How long each rule has been broken in a row, after this value."""
    before = clocks if len(clocks) == len(side.rules) else [Clock()] * len(side.rules)
    return [
        Clock(clock.seconds + (now.known_s if clock.readings else 0.0), clock.readings + 1)
        if side.breaks(rule, now.value)
        else Clock()
        for rule, clock in zip(side.rules, before, strict=True)
    ]


def _broken(side: Side, clocks: list[Clock], readings: int, now: Measured) -> int:
    """The number of the first rule that this run has broken, MKT_RULE, or PENDING."""
    for number, (rule, clock) in enumerate(zip(side.rules, clocks, strict=True)):
        lasted_s = now.spent_s[number] if rule.cumulative else clock.seconds
        if clock.readings >= side.readings and lasted_s >= rule.hold_s:
            return number
    return MKT_RULE if now.mkt_over and readings >= side.readings else PENDING


def spent(side: Side | None, before: tuple[float, ...], now: Measured) -> tuple[float, ...]:
    """Seconds each rule of a side has been broken since the shipment began; () where no rule is cumulative."""
    if side is None or not side.cumulative:
        return ()
    known = before if len(before) == len(side.rules) else (0.0,) * len(side.rules)
    if now.before is None or now.known_s <= 0:
        return known
    value = now.before
    return tuple(
        seconds + (now.known_s if side.breaks(rule, value) else 0.0)
        for rule, seconds in zip(side.rules, known, strict=True)
    )


def said(rule: Rule, sign: int) -> str:
    """A rule as people say it: "> 8 for 10 h"."""
    test = (("≥" if rule.reached else ">") if sign > 0 else ("≤" if rule.reached else "<")) + f" {rule.limit:.4g}"
    if not rule.hold_s:
        return test
    lasting = f"{rule.hold_s / 3_600:g} h" if rule.hold_s >= 3_600 else f"{rule.hold_s / 60:g} min"
    return f"{test} for {lasting}" + (" in all" if rule.cumulative else "")


def record(run: Run, probe: str, direction: str, ages: bool, ended_at: datetime) -> Row:
    """The columns of an excursion's row; lengths in minutes, °C and °C·min. MKT of its own time, beside its peak."""
    sums = run.sums
    known_s = sums.known_s
    return {
        "probe": probe,
        "direction": direction,
        "started_at": run.started_at,
        "ended_at": ended_at,
        "duration_s": (ended_at - run.started_at).total_seconds(),
        "known_s": known_s,
        "readings": run.readings,
        "peak_c": run.peak,
        "peak_at": run.peak_at,
        "mean_c": sums.value_cs / known_s if known_s else run.peak,
        "minutes_out": sums.out_s / 60,
        "degree_minutes": sums.excess_cs / 60,
        "mkt_c": (celsius_of(sums.aged / known_s) if known_s else run.peak) if ages else None,
    }
