"""The temperature line: what each probe of a vehicle measures, and whether its goods can bear it; °C throughout."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from functions.core.cargo import Cargo, cargo_of
from functions.core.ids import event_key
from functions.core.line import Decision, Ending, Line, Row
from functions.core.lookout import HIGH, KINDS, LOW, News
from functions.core.probe import Probe, Sample, Watch, fault_episode, mkts, observe, rest, shipped_anew
from functions.core.profile import Profile
from functions.core.reading import Event, Reading, checked, event_at, text
from functions.core.sensor import IMPOSSIBLE, MISSING, Fault, possible
from functions.core.window import held
from functions.errors import NOT_SENT, Malformed

NAME = "temperature"

MOST_PROBES = 28
MOST_MKTS = 8
"""Probes of one vehicle whose MKT is kept: each takes 0.35 kB of the state, which the document holds twice."""
CONTRACT_S = 30 * 60.0
EXPECTED_INTERVAL_S = CONTRACT_S / 2
"""Silence is unknown time after twice this, hence when the contract ends, unless the profile says otherwise."""
REMEMBERED = timedelta(days=31)
NO_ROOM = "too_many_probes"

ProbeName = Annotated[str, text(32)]


class TemperatureEvent(Event, frozen=True, kw_only=True):
    """A measurement as it is sent, in °C or in °F. Nothing is colder than absolute zero."""

    temperature_c: Annotated[float, Meta(ge=-273.15, le=2_000)] | None = None
    temperature_f: Annotated[float, Meta(ge=-459.67, le=3_632)] | None = None
    humidity_pct: Annotated[float, Meta(ge=0, le=100)] | None = None
    probe: ProbeName = "main"
    door_open: bool | None = None


class TemperatureReading(Reading, frozen=True, array_like=True):
    """A checked measurement; °C, % relative humidity."""

    probe: str
    temperature_c: float
    humidity_pct: float | None
    door_open: bool | None


class TemperatureState(msgspec.Struct, frozen=True, array_like=True):
    """Probes by name. `filtered` counts readings that say nothing of the goods. `on_at` is the first reading of the
    contract, `shipped_at` the start of the shipment that the probes' totals count from."""

    probes: dict[str, Probe] = {}
    door_open: bool | None = None
    filtered: int = 0
    on_at: datetime | None = None
    shipped_at: datetime | None = None


def parse(payload: object) -> tuple[str, TemperatureReading]:
    event = checked(payload, TemperatureEvent)
    at = event_at(event)
    fields = (event.probe, _celsius(event), event.humidity_pct, event.door_open)
    return event.vehicle_id, TemperatureReading(
        at, event_key(NAME, event.vehicle_id, at, event.event_id, fields), *fields
    )


def step(state: TemperatureState, reading: TemperatureReading, profile: Profile) -> Decision[TemperatureState]:
    """Fold one measurement into its probe. Its instant status is a column of its row, whatever an alert waits for."""
    at, name = reading.event_at, reading.probe
    cargo = cargo_of(profile.cargo_profile, profile.temperature_limits)
    probes, shipped_at = _shipped(state, at, profile)
    probe = probes.get(name)
    if probe is None:
        if len(probes) == MOST_PROBES:
            after = msgspec.structs.replace(state, filtered=state.filtered + 1)
            return Decision(after, _columns(reading, NO_ROOM, cargo))
        probe = Probe()
    on_at = state.on_at or at
    news = News([], [])
    gap_s = 2 * profile.interval_for(NAME, EXPECTED_INTERVAL_S)
    wait = bool(profile.startup_s or profile.alert_windows) and held(
        at, profile.alert_windows, on_at, profile.startup_s
    )
    watch = Watch(name, cargo, gap_s, wait, cargo.mkt_limit_c is not None and _keeps_mkt(probes, probe))
    sample = Sample(at, reading.temperature_c, reading.humidity_pct, reading.door_open)
    observed, quality = observe(watch, probe, sample, news)
    after = TemperatureState(
        _missing({**probes, name: observed}, at, gap_s, news),
        state.door_open if reading.door_open is None else reading.door_open,
        state.filtered + (quality == IMPOSSIBLE),
        on_at,
        shipped_at,
    )
    return Decision(after, _columns(reading, quality, cargo), news.products, news.episodes)


def _shipped(state: TemperatureState, at: datetime, profile: Profile) -> tuple[dict[str, Probe], datetime | None]:
    """The probes, counting from nought where a shipment has begun."""
    began_at = profile.shipment_started_at
    if began_at is None or at < began_at or began_at == state.shipped_at:
        return state.probes, state.shipped_at
    return {name: shipped_anew(probe) for name, probe in state.probes.items()}, began_at


def _keeps_mkt(probes: dict[str, Probe], probe: Probe) -> bool:
    return probe.kinetics is not None or sum(one.kinetics is not None for one in probes.values()) < MOST_MKTS


def _missing(probes: dict[str, Probe], at: datetime, gap_s: float, news: News) -> dict[str, Probe]:
    """The probes, those at fault that have said nothing for too long while another still speaks."""
    if len(probes) == 1:
        return probes
    gap = timedelta(seconds=gap_s)
    latest = at - gap
    for name, probe in probes.items():
        if probe.linked and probe.fault is None and probe.measured_at is not None and probe.measured_at < latest:
            fault = Fault(MISSING, probe.measured_at + gap)
            news.episodes.append(fault_episode(name, fault))
            probes[name] = msgspec.structs.replace(probe, fault=fault)
    return probes


def history(reading: TemperatureReading, profile: Profile) -> Row:
    cargo = cargo_of(profile.cargo_profile, profile.temperature_limits)
    quality = "ok" if possible(reading.temperature_c, None, 0.0) else IMPOSSIBLE
    return _columns(reading, quality, cargo)


def face(state: TemperatureState) -> Row:
    """The newest measurement of any probe, the last one of each, and the excursions that are open."""
    measured = {probe.measured_at: probe for probe in state.probes.values() if probe.measured_at is not None}
    newest = measured[max(measured)] if measured else None
    return {
        "temperature_c": newest.temperature_c if newest else None,
        "humidity_pct": newest.humidity_pct if newest else None,
        "door_open": state.door_open,
        "probes": {name: _probe_face(probe) for name, probe in state.probes.items()},
        "excursions": [one for name, probe in state.probes.items() for one in _open_excursions(name, probe)],
        "filtered": state.filtered,
    }


def end(state: TemperatureState, at: datetime, profile: Profile) -> Ending[TemperatureState]:
    """Excursions that were open are recorded; totals and MKT outlive the contract."""
    cargo = cargo_of(profile.cargo_profile, profile.temperature_limits)
    news = News([], [])
    probes = {name: rest(name, probe, cargo, at, news) for name, probe in state.probes.items()}
    after = msgspec.structs.replace(state, probes=probes, door_open=None, on_at=None)
    return Ending(after, news.products, news.episodes)


def remembers(state: TemperatureState) -> timedelta:
    """MKT reaches back a month, and so may a shipment whose hours are counted."""
    counted = any(probe.kinetics is not None or probe.spent is not None for probe in state.probes.values())
    return REMEMBERED if counted else timedelta(0)


def _probe_face(probe: Probe) -> Row:
    return {
        "measured_at": probe.measured_at,
        "temperature_c": probe.temperature_c if probe.measured_at else None,
        "humidity_pct": probe.humidity_pct,
        "minutes_out": probe.out_s / 60,
        "fault": probe.fault.reason if probe.fault else None,
        **mkts(probe),
    }


def _open_excursions(name: str, probe: Probe) -> list[Row]:
    return [
        {"kind": KINDS[direction], "probe": name, "started_at": run.started_at, "peak_c": run.peak}
        for direction, run in ((HIGH, probe.high), (LOW, probe.low))
        if run is not None and run.open
    ]


def contract_s(state: TemperatureState, profile: Profile) -> float:
    return profile.contract_for(NAME, CONTRACT_S)


def _celsius(event: TemperatureEvent) -> float:
    if event.temperature_c is not None and event.temperature_f is not None:
        raise Malformed("temperature_f", event.temperature_f, "stands beside temperature_c: send one of them")
    if event.temperature_c is not None:
        return event.temperature_c
    if event.temperature_f is None:
        raise Malformed("temperature_c", NOT_SENT, "is required, or temperature_f")
    return (event.temperature_f - 32) * 5 / 9


def _columns(reading: TemperatureReading, quality: str, cargo: Cargo) -> Row:
    return {
        "probe": reading.probe,
        "temperature_c": reading.temperature_c,
        "humidity_pct": reading.humidity_pct,
        "door_open": reading.door_open,
        "quality": quality,
        "status": "fault" if quality == IMPOSSIBLE else cargo.status(reading.temperature_c),
    }


LINE = Line(
    name=NAME,
    pclass="temperatures",
    event_type=TemperatureEvent,
    state_type=TemperatureState,
    reading_type=TemperatureReading,
    parse=parse,
    start=TemperatureState,
    step=step,
    history=history,
    face=face,
    contract_s=contract_s,
    end=end,
    remembers=remembers,
    placed=frozenset({KINDS[HIGH], KINDS[LOW]}),
    reading_bytes=90,  # 50 in fact: 133 readings, a probe at 1 Hz for the horizon's 120 s, leave room for 28 probes
)
