"""Overspeed: above the limit for as long as it must be held; one episode with begin, end and peak."""

from datetime import datetime

import msgspec

from functions.core.episode import Episode
from functions.core.fix import Fix
from functions.core.row import Product


class Overspeed(msgspec.Struct, frozen=True, array_like=True):
    """Over the limit since then; `told` once it was held long enough."""

    since: datetime
    peak_kph: float
    limit_kph: float
    told: bool


def follow(
    state: Overspeed | None, fix: Fix, limit_kph: float | None, hold_s: float
) -> tuple[Overspeed | None, list[Product], list[Episode]]:
    """A fix without a speed changes nothing; at the limit is not over it."""
    if fix.speed_kph is None:
        return state, [], []
    if limit_kph is None or fix.speed_kph <= limit_kph:
        return _over(state, fix.at)
    since = state.since if state else fix.at
    peak_kph = max(fix.speed_kph, state.peak_kph) if state else fix.speed_kph
    told = (fix.at - since).total_seconds() >= hold_s
    after = Overspeed(since, peak_kph, state.limit_kph if state else limit_kph, told)
    news = told and (state is None or not state.told or peak_kph > state.peak_kph)
    return after, [], [_episode(after, None)] if news else []


def silenced(state: Overspeed | None, at: datetime) -> list[Product]:
    """The event of an episode that nobody saw the end of."""
    return _over(state, at)[1]


def _over(state: Overspeed | None, at: datetime) -> tuple[None, list[Product], list[Episode]]:
    if state is None or not state.told:
        return None, [], []
    columns = {
        "kind": "overspeed",
        "started_at": state.since,
        "ended_at": at,
        "duration_s": (at - state.since).total_seconds(),
        "peak_kph": state.peak_kph,
        "limit_kph": state.limit_kph,
    }
    return None, [Product("events", "overspeed", columns, at)], [_episode(state, at)]


def _episode(state: Overspeed, ended_at: datetime | None) -> Episode:
    return Episode("overspeed", "", state.since, ended_at, state.peak_kph, {"limit_kph": state.limit_kph})
