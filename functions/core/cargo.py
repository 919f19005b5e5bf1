"""Cargo profiles: which temperatures goods bear, for how long, and what must be told when they do not get them.

Sources of the built-in ones: WHO PQS Q-tag sheets (vaccine_*), USP <1079.2> (pharma_*), 89/108/EEC (frozen). Inputs to
a design, no claim of compliance.
"""

from functools import lru_cache
from math import inf
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

HYSTERESIS_C = 0.5
CLOSE_S = 600.0
HUMIDITY_HYSTERESIS_PCT = 3.0
DOOR_OPEN_S = 600.0
MKT_KNOWN_SHARE = 0.75
"""An MKT is held against its limit once so much of its window is known: an hour at 9 °C is no day at 9 °C."""

HOUR_S = 3_600.0

CargoName = Literal[
    "vaccine_fridge", "vaccine_ship_1", "vaccine_ship_2", "pharma_2_8", "pharma_20_25", "frozen", "demo_90f"
]
Celsius = Annotated[float, Meta(ge=-273.15, le=2_000)]


class TemperatureLimits(msgspec.Struct, frozen=True):
    """Limits of a vehicle's own: out of `low_c`…`high_c` for `hold_s` is an excursion, over once the temperature was
    `hysteresis_c` inside for `close_s`. A door open for `door_open_s` is news as well."""

    low_c: Celsius | None = None
    high_c: Celsius | None = None
    hold_s: Annotated[float, Meta(ge=0, le=30 * 86_400)] = 0.0
    hysteresis_c: Annotated[float, Meta(ge=0, le=50)] = HYSTERESIS_C
    close_s: Annotated[float, Meta(ge=0, le=86_400)] = CLOSE_S
    humidity_high_pct: Annotated[float, Meta(ge=0, le=100)] | None = None
    door_open_s: Annotated[float, Meta(ge=0, le=86_400)] = DOOR_OPEN_S

    def __post_init__(self) -> None:
        if self.low_c is not None and self.high_c is not None and self.low_c > self.high_c:
            raise ValueError(f"low_c {self.low_c:g} is above high_c {self.high_c:g}")


class Rule(NamedTuple):
    """Beyond `limit` (or at it, where `reached`) for `hold_s`: in one go, or `cumulative` since the shipment began."""

    limit: float
    hold_s: float = 0.0
    reached: bool = False
    cumulative: bool = False


class Side(NamedTuple):
    """One way out of a range: above it (`sign` 1) or below it (−1).

    Beyond `limit` a value is out, and one of the `rules` decides when that is an excursion: at least `readings` of them
    must say so. Within `inside` for `close_s` the value has recovered. `cumulative` tells that a rule is.
    """

    sign: int
    limit: float
    rules: tuple[Rule, ...]
    inside: tuple[float, float]
    reached: bool = False
    close_s: float = CLOSE_S
    readings: int = 2
    cumulative: bool = False

    def beyond(self, value: float) -> bool:
        return self.past(value, self.limit, self.reached)

    def breaks(self, rule: Rule, value: float) -> bool:
        return self.past(value, rule.limit, rule.reached)

    def past(self, value: float, limit: float, reached: bool) -> bool:
        if value == limit:
            return reached
        return value > limit if self.sign > 0 else value < limit

    def excess(self, value: float) -> float:
        """By how much a value is out of the range, 0 inside."""
        return max(0.0, self.sign * (value - self.limit))


class Cargo(NamedTuple):
    """What is watched for one kind of goods. Frozen goods have no MKT (`ages` is false): they age by thawing.

    `mkt_limit_c` holds for the MKT of the last 24 hours, or 30 days where `mkt_days` is 30.
    """

    name: str
    high: Side | None
    low: Side | None
    humidity: Side | None = None
    ages: bool = True
    mkt_limit_c: float | None = None
    mkt_days: int = 1
    door_open_s: float = DOOR_OPEN_S
    message: str | None = None

    def out(self, celsius: float) -> bool:
        return (self.high is not None and self.high.beyond(celsius)) or (
            self.low is not None and self.low.beyond(celsius)
        )

    def status(self, celsius: float) -> str:
        """What can be said of one temperature at once, whatever came before it."""
        if self.high is not None and self.high.beyond(celsius):
            return "high"
        if self.low is not None and self.low.beyond(celsius):
            return "low"
        return "ok" if self.high or self.low else NO_LIMITS


NO_LIMITS = "no_limits"
NO_CARGO = Cargo("", None, None)


def _cargo(name: str, low: float, high: float, lows: tuple[Rule, ...], highs: tuple[Rule, ...], reached: bool) -> Cargo:
    """A built-in cargo: its range, which `reached` leaves out the limits of, and the rules on either side of it."""
    inside = (low + HYSTERESIS_C, high - HYSTERESIS_C)
    counted = any(rule.cumulative for rule in highs)
    return Cargo(name, Side(1, high, highs, inside, reached, cumulative=counted), Side(-1, low, lows, inside, reached))


_FREEZING = (Rule(-0.5, HOUR_S, reached=True),)
_HOT = (Rule(45, HOUR_S, reached=True), Rule(30, 10 * HOUR_S, reached=True, cumulative=True))
_WARM = Rule(10, 20 * HOUR_S, reached=True, cumulative=True)

_DEMO_C = (90 - 32) * 5 / 9

CARGOS: dict[str, Cargo] = {
    cargo.name: cargo
    for cargo in (
        _cargo("vaccine_fridge", 2, 8, _FREEZING, (Rule(8, 10 * HOUR_S),), reached=False),
        _cargo("vaccine_ship_1", -0.5, 30, _FREEZING, _HOT, reached=True),
        _cargo("vaccine_ship_2", -0.5, 10, _FREEZING, (*_HOT, _WARM), reached=True),
        _cargo("pharma_2_8", 2, 8, (Rule(2),), (Rule(15), Rule(8, 24 * HOUR_S)), reached=False)._replace(
            mkt_limit_c=8.0
        ),
        _cargo("pharma_20_25", 15, 30, (Rule(15),), (Rule(40), Rule(30, 24 * HOUR_S)), reached=False)._replace(
            mkt_limit_c=25.0, mkt_days=30
        ),
        # "Briefly" up to −15 °C is 30 min here, about one defrost; the directive gives no length.
        _cargo("frozen", -inf, -18, (), (Rule(-15), Rule(-18, HOUR_S / 2)), reached=False)._replace(
            low=None, ages=False
        ),
        # Its source alerts on every single reading, so one is enough here as well.
        Cargo(
            "demo_90f",
            Side(1, _DEMO_C, (Rule(_DEMO_C),), (-inf, _DEMO_C - HYSTERESIS_C), readings=1),
            None,
            message="High temperature detected!",
        ),
    )
}


def own(limits: TemperatureLimits) -> Cargo:
    """Limits of a vehicle's own as a cargo. The hysteresis never takes more than half of a narrow range."""
    low, high = limits.low_c, limits.high_c
    give = limits.hysteresis_c
    if low is not None and high is not None:
        give = min(give, max(0.0, high - low) / 4)
    inside = (-inf if low is None else low + give, inf if high is None else high - give)
    damp = limits.humidity_high_pct

    def side(sign: int, limit: float | None, within: tuple[float, float]) -> Side | None:
        rules = (Rule(limit, limits.hold_s),) if limit is not None else ()
        return Side(sign, limit, rules, within, close_s=limits.close_s) if limit is not None else None

    dry = (-inf, damp - HUMIDITY_HYSTERESIS_PCT) if damp is not None else (-inf, inf)
    # What never warms above freezing does not age the way MKT means.
    ages = high is None or high > 0
    return Cargo(
        "own", side(1, high, inside), side(-1, low, inside), side(1, damp, dry), ages, door_open_s=limits.door_open_s
    )


@lru_cache(maxsize=1_024)
def cargo_of(name: str | None, limits: TemperatureLimits | None) -> Cargo:
    """What a vehicle carries. Temperatures of its own win over those of a built-in cargo; humidity and door stand
    beside either. Neither is a cargo without limits."""
    named = CARGOS[name] if name is not None else NO_CARGO
    if limits is None:
        return named
    stated = own(limits)
    if stated.high is None and stated.low is None:
        return named._replace(humidity=stated.humidity, door_open_s=stated.door_open_s)
    return stated
