"""Overspeed: above the limit for as long as it must be held; one episode with begin, end and peak."""

from datetime import datetime, timedelta

import msgspec

from functions.core.episode import Episode
from functions.core.fix import Fix
from functions.core.row import Product

GAP_S = 3600.0
"""Over so long a gap nobody knows how fast it was: the episode ends at the last fix before it."""
RISE_KPH = 5.0
"""A peak is told again when it has risen by this, and in any case when the episode ends."""


class Overspeed(msgspec.Struct, frozen=True, array_like=True):
    """Over the limit since then; `told_kph` is the peak that was told, 0 until it was held long enough."""

    since: datetime
    peak_kph: float
    limit_kph: float
    told_kph: float


Told = tuple[Overspeed | None, list[Product], list[Episode]]


def follow(state: Overspeed | None, fix: Fix, limit_kph: float | None, hold_s: float) -> Told:
    """A fix without a speed changes nothing; at the limit is not over it."""
    if state and fix.leg_s > GAP_S:
        _, products, episodes = _over(state, fix.at - timedelta(seconds=fix.leg_s))
        state, more, further = follow(None, fix, limit_kph, hold_s)
        return state, [*products, *more], [*episodes, *further]
    if fix.speed_kph is None:
        return state, [], []
    if limit_kph is None or fix.speed_kph <= limit_kph:
        return _over(state, fix.at) if state else (None, [], [])
    state = state or Overspeed(fix.at, fix.speed_kph, limit_kph, 0.0)
    peak_kph = max(fix.speed_kph, state.peak_kph)
    held = (fix.at - state.since).total_seconds() >= hold_s
    news = held and (not state.told_kph or peak_kph >= state.told_kph + RISE_KPH)
    after = Overspeed(state.since, peak_kph, state.limit_kph, peak_kph if news else state.told_kph)
    return after, [], [_episode(after, None)] if news else []


def silenced(state: Overspeed | None, last_at: datetime) -> tuple[list[Product], list[Episode]]:
    """The event of an episode that nobody saw the end of: it is known until the last good fix."""
    return _over(state, last_at, "unknown")[1:] if state else ([], [])


def _over(state: Overspeed, at: datetime, outcome: str = "over") -> Told:
    if not state.told_kph:
        return None, [], []
    columns = {
        "kind": "overspeed",
        "started_at": state.since,
        "ended_at": at,
        "duration_s": (at - state.since).total_seconds(),
        "peak_kph": state.peak_kph,
        "limit_kph": state.limit_kph,
        "outcome": outcome,
    }
    return None, [Product("events", "overspeed", columns, at)], [_episode(state, at)]


def _episode(state: Overspeed, ended_at: datetime | None) -> Episode:
    return Episode("overspeed", "", state.since, ended_at, state.peak_kph, {"limit_kph": state.limit_kph})
