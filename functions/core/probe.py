"""One probe of a vehicle: what it measured last, what it is watched for, and what one more measurement means."""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from functions.core.cargo import MKT_KNOWN_SHARE, Cargo, Side
from functions.core.episode import Episode
from functions.core.excursion import MKT_RULE, Measured, Run, advance, record, said, spent
from functions.core.mkt import HOUR_S, Kinetics
from functions.core.row import Product, Row
from functions.core.sensor import IMPOSSIBLE, STUCK, Fault, Same, after_impossible, after_possible, possible, same

TEMPERATURE_KINDS = {"high": "temperature_high", "low": "temperature_low"}
HUMIDITY_KIND = "humidity_high"


class Door(msgspec.Struct, frozen=True, array_like=True):
    """A door that is open since then, for so many known seconds; `told` once that is too long."""

    since: datetime
    seconds: float = 0.0
    told: bool = False


class Probe(msgspec.Struct, frozen=True, array_like=True):
    """What a vehicle knows of one probe.

    `linked` tells that the time since the last measurement is this contract's. `out_s`, `spent_high`, `spent_low` are
    seconds out of the range and beyond each cumulative rule since the shipment began. `kinetics` and the highest
    temperature beside it are kept where the cargo limits the MKT.
    """

    measured_at: datetime | None = None
    temperature_c: float = 0.0
    humidity_pct: float | None = None
    linked: bool = False
    varied: bool = False
    out_s: float = 0.0
    same: Same | None = None
    fault: Fault | None = None
    door: Door | None = None
    high: Run | None = None
    low: Run | None = None
    damp: Run | None = None
    spent_high: tuple[float, ...] = ()
    spent_low: tuple[float, ...] = ()
    kinetics: Kinetics | None = None
    highest_c: float | None = None


class Sample(NamedTuple):
    """One measurement of a probe: °C, % relative humidity."""

    at: datetime
    celsius: float
    humidity_pct: float | None
    door_open: bool | None


class Watch(NamedTuple):
    """How a probe is watched: its cargo, the seconds after which silence is unknown, whether alerts must wait, and
    whether there is room to keep its MKT."""

    cargo: Cargo
    gap_s: float
    held: bool = False
    keeps_mkt: bool = False


class Seen(NamedTuple):
    """What one measurement led to."""

    probe: Probe
    quality: str
    episodes: list[Episode]
    products: list[Product]


def observe(name: str, probe: Probe, sample: Sample, watch: Watch) -> Seen:
    """One measurement later. An impossible one is a fault of the sensor and says nothing of the goods."""
    since_s = (sample.at - probe.measured_at).total_seconds() if probe.measured_at else 0.0
    known_s = since_s if probe.linked and since_s <= watch.gap_s else 0.0
    before_c = probe.temperature_c if probe.measured_at else None
    if not possible(sample.celsius, before_c, since_s):
        return _impossible(name, probe, sample)
    episodes: list[Episode] = []
    products: list[Product] = []
    equal = before_c is not None and sample.celsius == before_c
    varied = probe.varied or (before_c is not None and not equal)
    unchanged = same(probe.same, equal and probe.linked, probe.measured_at, known_s)
    fault = _fault(name, probe.fault, unchanged, varied, sample.at, episodes)
    door = _door(name, probe.door, sample, known_s, watch, episodes)
    now = Measured(sample.at, sample.celsius, before_c, known_s, held=watch.held)
    kinetics = _kinetics(probe, now) if watch.keeps_mkt else None
    high, low, spent_high, spent_low = _sides(name, probe, now, kinetics, watch.cargo, episodes, products)
    damp = _damp(name, probe, sample, known_s, watch, episodes)
    out = known_s > 0 and before_c is not None and watch.cargo.status(before_c) in ("high", "low")
    after = Probe(
        sample.at,
        sample.celsius,
        sample.humidity_pct if sample.humidity_pct is not None else probe.humidity_pct,
        True,
        varied,
        probe.out_s + (known_s if out else 0.0),
        unchanged,
        fault,
        door,
        high,
        low,
        damp,
        spent_high,
        spent_low,
        kinetics,
        max(sample.celsius, -300.0 if probe.highest_c is None else probe.highest_c) if kinetics else None,
    )
    return Seen(after, STUCK if fault is not None and fault.reason == STUCK else "ok", episodes, products)


def last_words(name: str, probe: Probe, cargo: Cargo, at: datetime) -> tuple[Probe, list[Episode], list[Product]]:
    """A probe once the contract has ended: excursions that were open are recorded as far as they are known."""
    episodes: list[Episode] = []
    products: list[Product] = []
    for direction, run, side in (("high", probe.high, cargo.high), ("low", probe.low, cargo.low)):
        if run is not None and run.open:
            episodes.append(_episode(TEMPERATURE_KINDS[direction], name, run, side, cargo, None))
            products.append(_product(name, direction, run, side, cargo, at, "unknown"))
    after = msgspec.structs.replace(
        probe, linked=False, same=None, fault=None, door=None, high=None, low=None, damp=None
    )
    return after, episodes, products


def fault_episode(name: str, fault: Fault, ended_at: datetime | None = None) -> Episode:
    return Episode("sensor_fault", name, fault.started_at, ended_at, None, {"fault": fault.reason})


def mkts(probe: Probe) -> Row:
    """MKT of the last day and the last month, never without the highest temperature and the time out of the range."""
    if probe.kinetics is None:
        return {}
    return {
        "mkt_24h_c": probe.kinetics.day_c(),
        "mkt_30d_c": probe.kinetics.month_c(),
        "highest_c": probe.highest_c,
        "minutes_out": probe.out_s / 60,
    }


def _impossible(name: str, probe: Probe, sample: Sample) -> Seen:
    fault = after_impossible(probe.fault, sample.at)
    news = [fault_episode(name, fault)] if probe.fault is None else []
    return Seen(msgspec.structs.replace(probe, fault=fault), IMPOSSIBLE, news, [])


def _fault(
    name: str, before: Fault | None, unchanged: Same | None, varied: bool, at: datetime, episodes: list[Episode]
) -> Fault | None:
    if before is None and unchanged is None:
        return None
    fault, ended_at = after_possible(before, unchanged, varied, at)
    if before is not None and ended_at is not None:
        episodes.append(fault_episode(name, before, ended_at))
    if fault is not None and (before is None or ended_at is not None):
        episodes.append(fault_episode(name, fault))
    return fault


def _door(
    name: str, before: Door | None, sample: Sample, known_s: float, watch: Watch, episodes: list[Episode]
) -> Door | None:
    if sample.door_open is False or (before is None and not sample.door_open):
        if before is not None and before.told:
            episodes.append(Episode("door_open", name, before.since, sample.at))
        return None
    if before is None:
        return Door(sample.at)
    seconds = before.seconds + known_s
    told = before.told or (seconds >= watch.cargo.door_open_s and not watch.held)
    if told and not before.told:
        episodes.append(Episode("door_open", name, before.since))
    return Door(before.since, seconds, told)


def _kinetics(probe: Probe, now: Measured) -> Kinetics:
    to_s = now.at.timestamp()
    hour = int(to_s // HOUR_S)
    if probe.kinetics is None:
        return Kinetics(hour)
    if now.before is None or now.known_s <= 0:
        return probe.kinetics.moved_to(hour)
    return probe.kinetics.after(to_s - now.known_s, to_s, now.before, now.value)


def _sides(
    name: str,
    probe: Probe,
    now: Measured,
    kinetics: Kinetics | None,
    cargo: Cargo,
    episodes: list[Episode],
    products: list[Product],
) -> tuple[Run | None, Run | None, tuple[float, ...], tuple[float, ...]]:
    """Both ways out of the range, one after the other: at most one of them is news of the same instant."""
    runs: list[Run | None] = []
    all_spent: list[tuple[float, ...]] = []
    over = kinetics is not None and cargo.mkt_limit_c is not None and _mkt_over(kinetics, cargo)
    for direction, side, run, spent_s in (
        ("high", cargo.high, probe.high, probe.spent_high),
        ("low", cargo.low, probe.low, probe.spent_low),
    ):
        if side is None:
            # Its limits were taken away: what was open has nothing to come back to.
            if run is not None and run.open:
                episodes.append(_episode(TEMPERATURE_KINDS[direction], name, run, None, cargo, now.at))
                products.append(_product(name, direction, run, None, cargo, now.at, "limits_removed"))
            runs.append(None)
            all_spent.append(())
            continue
        spent_s = spent(side, spent_s, now)
        turn = advance(run, side, now._replace(spent_s=spent_s, mkt_over=over and direction == "high"))
        _tell(name, TEMPERATURE_KINDS[direction], direction, side, cargo, turn, episodes, products)
        runs.append(turn.run)
        all_spent.append(spent_s)
    return runs[0], runs[1], all_spent[0], all_spent[1]
