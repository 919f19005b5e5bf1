"""What a simulated fleet is asked for, and what leaves it."""

from dataclasses import dataclass
from typing import NamedTuple

GPS_PER_S = 1.0
"""Fixes of one vehicle at the pace that all other intervals are given for."""


@dataclass(frozen=True)
class Plan:
    """How large a fleet, for how long, how often each vehicle sends a fix (the other lines keep their proportion to
    that), and with which chance.

    `contract_s` is how long a vehicle may be silent: silences last longer than that. Goods, fuel and batteries change
    `haste` times as fast as real ones, so that a minute shows what else takes an hour.
    """

    vehicles: int = 50
    seconds: float = 60.0
    interval_s: float = 1.0
    seed: int = 1
    contract_s: float = 20.0
    haste: float = 30.0

    @property
    def pace(self) -> float:
        """By what the intervals of every line are multiplied."""
        return self.interval_s * GPS_PER_S


class Departure(NamedTuple):
    """One message that leaves a vehicle `at_s` seconds after the start; `fault` is what is wrong with it, or with the
    vehicle just now. A fault without a payload only says that it happens."""

    at_s: float
    line: str
    vehicle_id: str
    payload: bytes | None
    fault: str | None
