"""Whether the goods of a trip may be used: derived when somebody asks, from exported rows and alerts, never stored.

An aid to whoever decides, no decision: nothing here knows the goods' stability data.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from functions.core.row import Row

RELEASE, REVIEW, HOLD = "release", "review", "hold"
COLD_CHAIN = frozenset({"temperature_high", "temperature_low", "humidity_high", "sensor_fault"})


class Verdict(NamedTuple):
    """`hold` while something goes on, `review` when somebody must look at what happened, else `release`; and why."""

    decision: str
    reasons: list[str]


def verdict(
    trip: Row, measured_at: Sequence[datetime], excursions: Iterable[Row], alerts: Iterable[Row], gap_s: float
) -> Verdict:
    """The verdict on a trip (its row: started_at, and ended_at or None while it lasts).

    `measured_at` are times of its temperature readings in order, `excursions` the vehicle's exported excursions and
    `alerts` its alerts, of any time; more than `gap_s` seconds without a reading are unknown.
    """
    start, end = trip["started_at"], trip["ended_at"]
    touching = [alert for alert in alerts if alert["kind"] in COLD_CHAIN and _touches(alert, start, end)]
    ongoing = [_said(alert) for alert in touching if alert["ended_at"] is None and alert["status"] == "open"]
    if end is None:
        return Verdict(HOLD, ["the trip has not ended", *ongoing])
    if ongoing:
        return Verdict(HOLD, ongoing)
    out = [row for row in excursions if _touches(row, start, end)]
    recorded = {(row["kind"], row["probe"], row["started_at"]) for row in out}
    # An excursion is exported some readings after its end; until then its alert speaks for it.
    rest = [alert for alert in touching if (alert["kind"], alert["subject"], alert["started_at"]) not in recorded]
    reasons = [_out(row) for row in out] + [_said(alert) for alert in rest]
    if unknown := _longest_gap_s([start, *(at for at in measured_at if start <= at <= end), end], gap_s):
        reasons.append(f"not measured for {unknown / 60:.0f} min")
    return Verdict(REVIEW if reasons else RELEASE, reasons)


def _touches(row: Row, start: datetime, end: datetime | None) -> bool:
    """Whether something that began and perhaps ended has a moment in common with the trip; withdrawn, it never was."""
    if row.get("status") == "withdrawn" or (end is not None and row["started_at"] > end):
        return False
    return row["ended_at"] is None or bool(row["ended_at"] >= start)


def _longest_gap_s(times: Sequence[datetime], gap_s: float) -> float:
    longest = max(((after - before).total_seconds() for before, after in pairwise(times)), default=0.0)
    return longest if longest > gap_s else 0.0


def _out(row: Row) -> str:
    return (
        f"{row['probe']}: {row['minutes_out']:.0f} min too {'warm' if row['direction'] == 'high' else 'cold'}, "
        f"at most {row['peak_c']:.1f} °C ({row['outcome']})"
    )


def _said(alert: Row) -> str:
    return f"{alert['subject']}: {alert['kind'].replace('_', ' ')}" + ("" if alert["ended_at"] else ", still open")
