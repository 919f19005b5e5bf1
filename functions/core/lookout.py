"""The lookout on one side of a probe's range: what a run of values beyond it is told as, and recorded as."""

from datetime import datetime
from typing import NamedTuple

from functions.core.cargo import Cargo, Side
from functions.core.episode import Episode
from functions.core.excursion import MKT_RULE, Measured, Run, advance, record, said
from functions.core.row import Product, Row

HIGH, LOW, DAMP = "high", "low", "humidity"
KINDS = {HIGH: "temperature_high", LOW: "temperature_low", DAMP: "humidity_high"}


class News(NamedTuple):
    """What one reading led to, in the order it was found."""

    episodes: list[Episode]
    products: list[Product]


class Lookout(NamedTuple):
    """Which side of which probe is watched, and for which cargo; no side = nobody has set a limit there."""

    probe: str
    direction: str
    side: Side | None
    cargo: Cargo

    def after(self, run: Run | None, now: Measured, news: News) -> Run | None:
        """The run after one more value; what is worth telling goes to `news`."""
        if self.side is None:
            # Its limits were taken away: what is open has nothing to come back to.
            if run is not None and run.open:
                self._over(run, now.at, "limits_removed", news)
            return None
        turn = advance(run, self.side, now)
        if turn.ended is not None:
            self._over(turn.ended, turn.ended.recovering_at or now.at, "recovered", news)
        elif turn.news and turn.run is not None:
            news.episodes.append(self._episode(turn.run, None))
        return turn.run

    def at_the_end(self, run: Run | None, at: datetime, news: News) -> None:
        """The contract is over: an open run is recorded as far as it is known, and its last peak is told."""
        if run is not None and run.open:
            news.episodes.append(self._episode(run, None))
            self._record(run, at, "unknown", news)

    def _over(self, run: Run, ended_at: datetime, outcome: str, news: News) -> None:
        news.episodes.append(self._episode(run, ended_at))
        self._record(run, ended_at, outcome, news)

    def _record(self, run: Run, ended_at: datetime, outcome: str, news: News) -> None:
        if self.direction == DAMP:
            return
        columns = {
            "kind": KINDS[self.direction],
            **record(run, self.probe, self.direction, self.cargo.ages, ended_at),
            "cargo": self.cargo.name,
            "rule": self._rule(run)[1],
            "outcome": outcome,
        }
        subject = f"{self.probe}/{self.direction}"
        news.products.append(Product("excursions", subject, columns, run.started_at))

    def _episode(self, run: Run, ended_at: datetime | None) -> Episode:
        limit, rule = self._rule(run)
        details: Row = {"limit": limit, "rule": rule}
        if self.cargo.message is not None:
            details["message"] = self.cargo.message
        return Episode(KINDS[self.direction], self.probe, run.started_at, ended_at, run.peak, details)

    def _rule(self, run: Run) -> tuple[float | None, str]:
        """The limit that was broken, and the rule in words."""
        if run.rule == MKT_RULE:
            limit = self.cargo.mkt_limit_c or 0.0
            return limit, f"MKT of {self.cargo.mkt_days * 24} h > {limit:g}"
        if self.side is None or run.rule >= len(self.side.rules):
            return None, ""
        rule = self.side.rules[run.rule]
        return rule.limit, said(rule, self.side.sign)
