"""One probe of a vehicle: what it measured last, what it is watched for, and what one more measurement means."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from functions.core.cargo import MKT_KNOWN_SHARE, Cargo
from functions.core.episode import Episode
from functions.core.excursion import Measured, Run, spent
from functions.core.lookout import DAMP, HIGH, LOW, Lookout, News
from functions.core.mkt import HOUR_S, Kinetics
from functions.core.row import Row
from functions.core.sensor import IMPOSSIBLE, STUCK, Fault, Same, after_impossible, after_possible, possible, same


class Door(msgspec.Struct, frozen=True, array_like=True):
    """A door that is open since then, for so many known seconds; `told` once that is too long."""

    since: datetime
    seconds: float = 0.0
    told: bool = False


class Probe(msgspec.Struct, frozen=True, array_like=True):
    """What a vehicle knows of one probe.

    `linked` tells that the time since the last measurement is this contract's. `out_s` and `spent` are seconds out of
    the range and beyond each cumulative rule (high, low) since the shipment began. `kinetics`, and the highest
    temperature beside it, are kept where the cargo limits the MKT.
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
    spent: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    kinetics: Kinetics | None = None
    highest_c: float | None = None


class Sample(NamedTuple):
    """One measurement of a probe: °C, % relative humidity."""

    at: datetime
    celsius: float
    humidity_pct: float | None
    door_open: bool | None


class Watch(NamedTuple):
    """How a probe is watched: its name and cargo, the seconds after which silence is unknown, whether alerts must
    wait, and whether there is room to keep its MKT."""

    name: str
    cargo: Cargo
    gap_s: float
    held: bool = False
    keeps_mkt: bool = False


def observe(watch: Watch, probe: Probe, sample: Sample, news: News) -> tuple[Probe, str]:
    """The probe after one more measurement, and the quality of it; what is worth telling goes to `news`.

    A measurement that cannot be is a fault of the sensor, and says nothing of the goods.
    """
    since_s = (sample.at - probe.measured_at).total_seconds() if probe.measured_at else 0.0
    before_c = probe.temperature_c if probe.measured_at else None
    if not possible(sample.celsius, before_c, since_s):
        return _disbelieved(watch, probe, sample, news), IMPOSSIBLE
    known_s = since_s if probe.linked and since_s <= watch.gap_s else 0.0
    now = Measured(sample.at, sample.celsius, before_c, known_s, held=watch.held)
    equal = before_c == sample.celsius
    varied = probe.varied or not (equal or before_c is None)
    unchanged = same(probe.same, equal and probe.linked, probe.measured_at, known_s)
    fault = _fault(watch.name, probe.fault, unchanged, varied, sample.at, news)
    door = _door(watch, probe.door, sample, known_s, news)
    kinetics = _kinetics(probe.kinetics, now) if watch.keeps_mkt else None
    high, low, spent_s = _sides(watch, probe, now, kinetics, news)
    out = known_s > 0 and before_c is not None and watch.cargo.out(before_c)
    after = Probe(
        sample.at,
        sample.celsius,
        probe.humidity_pct if sample.humidity_pct is None else sample.humidity_pct,
        True,
        varied,
        probe.out_s + (known_s if out else 0.0),
        unchanged,
        fault,
        door,
        high,
        low,
        _damp(watch, probe, sample, known_s, news),
        spent_s,
        kinetics,
        max(sample.celsius, sample.celsius if probe.highest_c is None else probe.highest_c) if kinetics else None,
    )
    return after, STUCK if fault is not None and fault.reason == STUCK else "ok"


def rest(name: str, probe: Probe, cargo: Cargo, at: datetime, news: News) -> Probe:
    """The probe once the contract has ended; what must outlive it stays."""
    Lookout(name, HIGH, cargo.high, cargo).at_the_end(probe.high, at, news)
    Lookout(name, LOW, cargo.low, cargo).at_the_end(probe.low, at, news)
    Lookout(name, DAMP, cargo.humidity, cargo).at_the_end(probe.damp, at, news)
    return msgspec.structs.replace(
        probe, linked=False, same=None, fault=None, door=None, high=None, low=None, damp=None
    )


def shipped_anew(probe: Probe) -> Probe:
    """The probe at the start of a shipment: what counts since then is nought."""
    return msgspec.structs.replace(probe, out_s=0.0, spent=None, highest_c=None)


def fault_episode(name: str, fault: Fault, ended_at: datetime | None = None) -> Episode:
    return Episode("sensor_fault", name, fault.started_at, ended_at, None, {"fault": fault.reason})


def mkts(probe: Probe) -> Row:
    """MKT of the last day and the last month, never without the highest temperature and the minutes out."""
    if probe.kinetics is None:
        return {}
    return {
        "mkt_24h_c": probe.kinetics.day_c(),
        "mkt_30d_c": probe.kinetics.month_c(),
        "highest_c": probe.highest_c,
        "minutes_out": probe.out_s / 60,
    }


def _disbelieved(watch: Watch, probe: Probe, sample: Sample, news: News) -> Probe:
    fault = after_impossible(probe.fault, sample.at)
    if probe.fault is None:
        news.episodes.append(fault_episode(watch.name, fault))
    return msgspec.structs.replace(probe, fault=fault)


def _fault(
    name: str, before: Fault | None, unchanged: Same | None, varied: bool, at: datetime, news: News
) -> Fault | None:
    if before is None and unchanged is None:
        return None
    fault, ended_at = after_possible(before, unchanged, varied, at)
    if before is not None and ended_at is not None:
        news.episodes.append(fault_episode(name, before, ended_at))
    if fault is not None and (before is None or ended_at is not None):
        news.episodes.append(fault_episode(name, fault))
    return fault


def _door(watch: Watch, before: Door | None, sample: Sample, known_s: float, news: News) -> Door | None:
    if before is None:
        return Door(sample.at) if sample.door_open else None
    if sample.door_open is False:
        if before.told:
            news.episodes.append(Episode("door_open", watch.name, before.since, sample.at))
        return None
    seconds = before.seconds + known_s
    told = before.told or (seconds >= watch.cargo.door_open_s and not watch.held)
    if told and not before.told:
        news.episodes.append(Episode("door_open", watch.name, before.since))
    return Door(before.since, seconds, told)


def _kinetics(before: Kinetics | None, now: Measured) -> Kinetics:
    to_s = now.at.timestamp()
    hour = int(to_s // HOUR_S)
    if before is None:
        return Kinetics(hour)
    if now.before is None or now.known_s <= 0:
        return before.moved_to(hour)
    return before.after(to_s - now.known_s, to_s, now.before, now.value)


def _sides(
    watch: Watch, probe: Probe, now: Measured, kinetics: Kinetics | None, news: News
) -> tuple[Run | None, Run | None, tuple[tuple[float, ...], tuple[float, ...]] | None]:
    """Both ways out of the range, and the seconds spent beyond their cumulative rules."""
    cargo = watch.cargo
    if cargo.high is None and cargo.low is None and probe.high is None and probe.low is None:
        return None, None, None
    over = kinetics is not None and _mkt_over(kinetics, cargo)
    before_high, before_low = probe.spent or ((), ())
    spent_high = spent(cargo.high, before_high, now)
    spent_low = spent(cargo.low, before_low, now)
    high = Lookout(watch.name, HIGH, cargo.high, cargo).after(
        probe.high, now._replace(spent_s=spent_high, mkt_over=over) if spent_high or over else now, news
    )
    low = Lookout(watch.name, LOW, cargo.low, cargo).after(
        probe.low, now._replace(spent_s=spent_low) if spent_low else now, news
    )
    return high, low, (spent_high, spent_low) if spent_high or spent_low else None


def _mkt_over(kinetics: Kinetics, cargo: Cargo) -> bool:
    if cargo.mkt_limit_c is None:
        return False
    window = kinetics.day_c if cargo.mkt_days == 1 else kinetics.month_c
    celsius = window(MKT_KNOWN_SHARE)
    return celsius is not None and celsius > cargo.mkt_limit_c


def _damp(watch: Watch, probe: Probe, sample: Sample, known_s: float, news: News) -> Run | None:
    side = watch.cargo.humidity
    if sample.humidity_pct is None or (side is None and probe.damp is None):
        return probe.damp
    now = Measured(sample.at, sample.humidity_pct, probe.humidity_pct, known_s, held=watch.held)
    return Lookout(watch.name, DAMP, side, watch.cargo).after(probe.damp, now, news)
