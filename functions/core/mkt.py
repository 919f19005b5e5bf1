"""Mean kinetic temperature: the one constant temperature that would have aged goods as much as the real ones did.

MKT = (ΔH/R) / −ln(Σ wᵢ·e^(−ΔH/(R·Tᵢ)) / Σ wᵢ) with T in kelvin: Haynes 1971, as USP <1079.2> states it.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import exp, log
from struct import Struct

import msgspec

DELTA_H_OVER_R_K = 9_999.91
"""Activation energy over the gas constant, kelvin: 83.144 kJ/mol (USP) over 8.314472 J/(mol·K)."""
KELVIN = 273.15
HOUR_S = 3_600
HOURS = 24
DAYS = 30

_bucket = Struct("<fH")
_FULL = 65_535
"""A closed bucket takes 6 bytes: its mean rate in 24 bits of precision (1e-6 °C) and how much of it is known."""


def rate(celsius: float) -> float:
    """How fast goods age at a temperature, without unit: only ratios of rates mean anything."""
    return exp(-DELTA_H_OVER_R_K / (celsius + KELVIN))


def celsius_of(mean_rate: float) -> float:
    """The temperature in °C at which goods age at this rate."""
    return DELTA_H_OVER_R_K / -log(mean_rate) - KELVIN


def mkt_c(weighted: Iterable[tuple[float, float]]) -> float:
    """MKT in °C of (temperature in °C, weight) pairs; the weights are lengths of time in any unit."""
    pairs = list(weighted)
    return celsius_of(sum(weight * rate(celsius) for celsius, weight in pairs) / sum(weight for _, weight in pairs))


def mkt_over_c(measured: Sequence[tuple[float, float]]) -> float:
    """MKT in °C of (seconds, °C) in order of time, at any intervals: the rate runs straight between two readings."""
    total_s = measured[-1][0] - measured[0][0]
    aged = sum((b - a) * (rate(at_a) + rate(at_b)) / 2 for (a, at_a), (b, at_b) in pairwise(measured))
    return celsius_of(aged / total_s)


class Kinetics(msgspec.Struct, frozen=True, array_like=True):
    """Ageing of one probe over the last day and the last month, in buckets: Unix hours and Unix days (UTC).

    `known_s` and `aged` (rate × seconds) are of the running `hour`; `today_s` and `today_aged` of the closed hours of
    the running day. `hours` and `days` are the closed buckets before those, newest last. A window is the running bucket
    and those before it, hence 23 to 24 hours and 29 to 30 days long.
    """

    hour: int
    known_s: float = 0.0
    aged: float = 0.0
    hours: bytes = b""
    today_s: float = 0.0
    today_aged: float = 0.0
    days: bytes = b""

    def after(self, from_s: float, to_s: float, from_c: float, to_c: float) -> "Kinetics":
        """With the time from one reading (Unix seconds, °C) to the next added; what crosses an hour is shared out."""
        at, now = rate(from_c), rate(to_c)
        found, span_s = self.moved_to(int(from_s // HOUR_S)), to_s - from_s
        while found.hour < to_s // HOUR_S:
            edge_s = (found.hour + 1) * float(HOUR_S)
            there = at + (now - at) * (edge_s - from_s) / (to_s - from_s)
            found = found._plus(edge_s - from_s, (at + there) / 2).moved_to(found.hour + 1)
            from_s, at = edge_s, there
        return found._plus(to_s - from_s, (at + now) / 2) if span_s > 0 else found

    def moved_to(self, hour: int) -> "Kinetics":
        """With every hour before this one closed; hours nobody knows anything of are closed empty."""
        if hour <= self.hour:
            return self
        hours = _closed(self.hours, self.known_s, self.aged, HOUR_S, hour - self.hour, HOURS)
        today_s, today_aged, days = self.today_s + self.known_s, self.today_aged + self.aged, self.days
        if midnights := hour // 24 - self.hour // 24:
            days = _closed(days, today_s, today_aged, 24 * HOUR_S, midnights, DAYS)
            today_s = today_aged = 0.0
        return Kinetics(hour, 0.0, 0.0, hours, today_s, today_aged, days)

    def day_c(self, least: float = 0.0) -> float | None:
        """MKT in °C of the last 24 hours; None when less than the `least` share of them is known."""
        known_s, aged = _sums(self.hours, HOUR_S)
        return _mean_c(known_s + self.known_s, aged + self.aged, least * 24 * HOUR_S)

    def month_c(self, least: float = 0.0) -> float | None:
        """MKT in °C of the last 30 days; None when less than the `least` share of them is known."""
        known_s, aged = _sums(self.days, 24 * HOUR_S)
        known_s, aged = known_s + self.today_s + self.known_s, aged + self.today_aged + self.aged
        return _mean_c(known_s, aged, least * DAYS * 24 * HOUR_S)

    def _plus(self, span_s: float, mean_rate: float) -> "Kinetics":
        return msgspec.structs.replace(self, known_s=self.known_s + span_s, aged=self.aged + span_s * mean_rate)


def _closed(buckets: bytes, known_s: float, aged: float, length_s: int, moved: int, most: int) -> bytes:
    """Buckets after the running one and then `moved` − 1 empty ones were closed; the running one makes it `most`."""
    share = round(_FULL * min(1.0, known_s / length_s))
    closed = _bucket.pack(aged / known_s if known_s > 0 else 0.0, share)
    empty = _bucket.pack(0.0, 0) * min(moved - 1, most)
    return (buckets + closed + empty)[-(most - 1) * _bucket.size :]


def _sums(buckets: bytes, length_s: int) -> tuple[float, float]:
    known = aged = 0.0
    for mean_rate, share in _bucket.iter_unpack(buckets):
        known += share
        aged += share * mean_rate
    return known * length_s / _FULL, aged * length_s / _FULL


def _mean_c(known_s: float, aged: float, least_s: float) -> float | None:
    return celsius_of(aged / known_s) if known_s > 0 and known_s >= least_s else None
