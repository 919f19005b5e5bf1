"""The temperature line: what each probe of a vehicle measures, in °C whatever it was sent in."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from functions.core.ids import event_key
from functions.core.line import Decision, Line, Row
from functions.core.profile import Profile
from functions.core.reading import Event, Label, Reading, checked, event_at
from functions.errors import Malformed

NAME = "temperature"

POSSIBLE_C = (-90.0, 90.0)
"""What a probe of a transport cold chain can measure; beyond it the sensor is at fault."""
MOST_PROBES = 32
CONTRACT_S = 30 * 60.0


class TemperatureEvent(Event, frozen=True, kw_only=True):
    """A measurement as it is sent, in °C or in °F. Nothing is colder than absolute zero."""

    temperature_c: Annotated[float, Meta(ge=-273.15, le=2_000)] | None = None
    temperature_f: Annotated[float, Meta(ge=-459.67, le=3_632)] | None = None
    humidity_pct: Annotated[float, Meta(ge=0, le=100)] | None = None
    probe: Label = "main"
    door_open: bool | None = None


class TemperatureReading(Reading, frozen=True, array_like=True):
    """A checked measurement; °C, % relative humidity."""

    probe: str
    temperature_c: float
    humidity_pct: float | None
    door_open: bool | None


class Probe(msgspec.Struct, frozen=True, array_like=True):
    """What one probe said last."""

    measured_at: datetime
    temperature_c: float
    humidity_pct: float | None
    readings: int


class TemperatureState(msgspec.Struct, frozen=True, array_like=True):
    """Last values by probe. `filtered` counts readings that no probe of a cold chain can have measured."""

    probes: dict[str, Probe] = {}
    door_open: bool | None = None
    filtered: int = 0


def parse(payload: object) -> tuple[str, TemperatureReading]:
    event = checked(payload, TemperatureEvent)
    at = event_at(event)
    fields = (event.probe, _celsius(event), event.humidity_pct, event.door_open)
    return event.vehicle_id, TemperatureReading(
        at, event_key(NAME, event.vehicle_id, at, event.event_id, fields), *fields
    )


def step(state: TemperatureState, reading: TemperatureReading, profile: Profile) -> Decision[TemperatureState]:
    """Keep what the probe measured, if it can be true and there is room for the probe."""
    quality = _own_quality(reading)
    before = state.probes.get(reading.probe)
    if quality == "ok" and before is None and len(state.probes) == MOST_PROBES:
        quality = "too_many_probes"
    if quality != "ok":
        return Decision(msgspec.structs.replace(state, filtered=state.filtered + 1), _columns(reading, quality))
    count = before.readings + 1 if before else 1
    probe = Probe(reading.event_at, reading.temperature_c, reading.humidity_pct, count)
    door_open = reading.door_open if reading.door_open is not None else state.door_open
    after = TemperatureState({**state.probes, reading.probe: probe}, door_open, state.filtered)
    return Decision(after, _columns(reading, quality))


def history(reading: TemperatureReading) -> Row:
    return _columns(reading, _own_quality(reading))


def face(state: TemperatureState) -> Row:
    """The newest measurement of any probe, and the last one of each."""
    newest = max(state.probes.values(), key=lambda probe: probe.measured_at, default=None)
    return {
        "temperature_c": newest.temperature_c if newest else None,
        "humidity_pct": newest.humidity_pct if newest else None,
        "door_open": state.door_open,
        "probes": {name: msgspec.structs.asdict(probe) for name, probe in state.probes.items()},
        "filtered": state.filtered,
    }


def contract_s(state: TemperatureState, profile: Profile) -> float:
    return profile.contract_for(NAME, CONTRACT_S)


def _celsius(event: TemperatureEvent) -> float:
    if event.temperature_c is not None and event.temperature_f is not None:
        raise Malformed("temperature_f", event.temperature_f, "stands beside temperature_c: send one of them")
    if event.temperature_c is not None:
        return event.temperature_c
    if event.temperature_f is None:
        raise Malformed("temperature_c", None, "is required, or temperature_f")
    return (event.temperature_f - 32) * 5 / 9


def _own_quality(reading: TemperatureReading) -> str:
    low, high = POSSIBLE_C
    return "ok" if low <= reading.temperature_c <= high else "impossible"


def _columns(reading: TemperatureReading, quality: str) -> Row:
    return {
        "probe": reading.probe,
        "temperature_c": reading.temperature_c,
        "humidity_pct": reading.humidity_pct,
        "door_open": reading.door_open,
        "quality": quality,
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
    reading_bytes=46,
)
