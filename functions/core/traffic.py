"""How a line fares: what flows, what waits and what fails; limits with a way back; and a bounded history to draw."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from functions.core.episode import Episode
from functions.core.row import Row

BACKLOG, FAILURES = "line_backlog", "line_failures"


class Traffic(NamedTuple):
    """One line over the last `window_s` seconds. Messages; `oldest_s` is the age of the oldest unanswered one, and
    `quarantined` the events that could not be read."""

    window_s: float
    backlog: int
    oldest_s: float
    answered: int
    failed: int
    quarantined: int

    @property
    def failed_share(self) -> float:
        return self.failed / max(1, self.answered + self.failed)

    @property
    def quarantined_share(self) -> float:
        """Of what was answered; a list of many events that cannot be read makes it more than all of it."""
        return min(1.0, self.quarantined / max(1, self.answered))


class Limit(NamedTuple):
    """An episode begins above `over` and is over at `under`, so that it does not flicker."""

    over: float
    under: float


OLDEST_S = Limit(300.0, 60.0)
FAILED = Limit(0.05, 0.01)
QUARANTINED = Limit(0.05, 0.01)
FEWEST = 20
"""Messages in a window below which shares say nothing."""


def judged(line: str, traffic: Traffic, now: datetime, open_since: Sequence[Episode]) -> list[Episode]:
    """The line's episodes now: those that go on (with their peak), those that ended, those that began."""
    enough = traffic.answered + traffic.failed >= FEWEST
    judgements = (
        (BACKLOG, line, traffic.oldest_s, OLDEST_S, True),
        (FAILURES, line, traffic.failed_share, FAILED, enough),
        (FAILURES, f"{line} quarantine", traffic.quarantined_share, QUARANTINED, enough),
    )
    known = {(episode.kind, episode.subject): episode for episode in open_since if episode.ended_at is None}
    found = []
    for kind, subject, share, limit, says in judgements:
        value = round(share, 4)
        episode = known.get((kind, subject))
        if episode is None and says and value > limit.over:
            waited = timedelta(seconds=traffic.oldest_s if kind == BACKLOG else 0)
            found.append(Episode(kind, subject, now - waited, None, value, {"limit": limit.over, "line": line}))
        elif episode is not None:
            ended_at = now if value <= limit.under and (says or not traffic.backlog) else None
            peak = max(value, episode.peak or 0.0)
            found.append(Episode(kind, subject, episode.started_at, ended_at, peak, episode.details))
    return found


MINUTES, HOURS = 180, 168
"""Samples kept: three hours by the minute, a week by the hour; about 50 kB a line."""


def sample(traffic: Traffic, workers: int, now: datetime) -> Row:
    """One point of the history; per second and as shares, so that points of any window compare."""
    return {
        "at": now,
        "workers": workers,
        "backlog": traffic.backlog,
        "oldest_s": round(traffic.oldest_s, 1),
        "per_s": round(traffic.answered / traffic.window_s, 2) if traffic.window_s else 0.0,
        "failed_share": round(traffic.failed_share, 4),
        "quarantined_share": round(traffic.quarantined_share, 4),
    }


def remembered(minutes: Sequence[Row], hours: Sequence[Row], latest: Row) -> tuple[list[Row], list[Row]]:
    """The history with one more sample: the newest of each minute, and of each hour."""
    return _with(minutes, latest, "%Y%m%d%H%M")[-MINUTES:], _with(hours, latest, "%Y%m%d%H")[-HOURS:]


def _with(samples: Sequence[Row], latest: Row, unit: str) -> list[Row]:
    same = bool(samples) and samples[-1]["at"].strftime(unit) == latest["at"].strftime(unit)
    return [*(samples[:-1] if same else samples), latest]
