"""The maintenance line: what a vehicle says of itself, odometer, trouble codes, battery, fuel and services."""

from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from functions.core.ids import event_key
from functions.core.line import Decision, Line, Row
from functions.core.profile import Profile
from functions.core.reading import Event, Label, Reading, checked, event_at

NAME = "maintenance"
T = TypeVar("T")

CONTRACT_S = 48 * 3600.0

TroubleCode = Annotated[str, Meta(pattern=r"^[PBCU][0-9A-F]{4}\Z")]
"""Powertrain, body, chassis or network, and four hexadecimal digits (SAE J2012)."""


class Inspection(msgspec.Struct, frozen=True):
    """The result of an inspection."""

    passed: bool
    notes: Annotated[str, Meta(max_length=500)] = ""


class MaintenanceEvent(Event, frozen=True, kw_only=True):
    """A vehicle's own report as it is sent; `service_done` names the plan that was served."""

    odometer_km: Annotated[float, Meta(ge=0, le=1e7)] | None = None
    engine_hours: Annotated[float, Meta(ge=0, le=1e6)] | None = None
    dtcs: Annotated[tuple[TroubleCode, ...], Meta(max_length=32)] | None = None
    battery_v: Annotated[float, Meta(ge=0, le=1_000)] | None = None
    fuel_pct: Annotated[float, Meta(ge=0, le=100)] | None = None
    ignition: bool | None = None
    service_done: Label | None = None
    inspection: Inspection | None = None


class MaintenanceReading(Reading, frozen=True, array_like=True):
    """A checked report; km, hours, volts, %."""

    odometer_km: float | None
    engine_hours: float | None
    dtcs: tuple[str, ...] | None
    battery_v: float | None
    fuel_pct: float | None
    ignition: bool | None
    service_done: str | None
    inspection: Inspection | None


class MaintenanceState(msgspec.Struct, frozen=True, array_like=True):
    """The last value of each thing that was ever reported."""

    odometer_km: float | None = None
    engine_hours: float | None = None
    dtcs: tuple[str, ...] = ()
    battery_v: float | None = None
    fuel_pct: float | None = None
    ignition: bool | None = None
    service_done: str | None = None
    service_done_at: datetime | None = None
    inspection_passed: bool | None = None
    inspected_at: datetime | None = None


def parse(payload: object) -> tuple[str, MaintenanceReading]:
    event = checked(payload, MaintenanceEvent)
    at = event_at(event)
    fields = (
        event.odometer_km,
        event.engine_hours,
        tuple(sorted(set(event.dtcs))) if event.dtcs is not None else None,
        event.battery_v,
        event.fuel_pct,
        event.ignition,
        event.service_done,
        event.inspection,
    )
    return event.vehicle_id, MaintenanceReading(
        at, event_key(NAME, event.vehicle_id, at, event.event_id, fields), *fields
    )


def step(state: MaintenanceState, reading: MaintenanceReading, profile: Profile) -> Decision[MaintenanceState]:
    """Keep what was reported; what was not stays as it was."""
    inspection = reading.inspection
    after = MaintenanceState(
        _newer(reading.odometer_km, state.odometer_km),
        _newer(reading.engine_hours, state.engine_hours),
        _newer(reading.dtcs, state.dtcs) or (),
        _newer(reading.battery_v, state.battery_v),
        _newer(reading.fuel_pct, state.fuel_pct),
        _newer(reading.ignition, state.ignition),
        _newer(reading.service_done, state.service_done),
        reading.event_at if reading.service_done is not None else state.service_done_at,
        inspection.passed if inspection else state.inspection_passed,
        reading.event_at if inspection else state.inspected_at,
    )
    return Decision(after, history(reading, profile))


def history(reading: MaintenanceReading, profile: Profile) -> Row:
    inspection = reading.inspection
    return {
        "odometer_km": reading.odometer_km,
        "engine_hours": reading.engine_hours,
        "dtcs": " ".join(reading.dtcs) if reading.dtcs is not None else None,
        "battery_v": reading.battery_v,
        "fuel_pct": reading.fuel_pct,
        "ignition": reading.ignition,
        "service_done": reading.service_done,
        "inspection_passed": inspection.passed if inspection else None,
        "inspection_notes": inspection.notes if inspection else None,
        "quality": "ok",
    }


def face(state: MaintenanceState) -> Row:
    return {**msgspec.structs.asdict(state), "dtcs": list(state.dtcs)}


def contract_s(state: MaintenanceState, profile: Profile) -> float:
    return profile.contract_for(NAME, CONTRACT_S)


def _newer(said: T | None, known: T | None) -> T | None:
    return known if said is None else said


LINE = Line(
    name=NAME,
    pclass="diagnostics",
    event_type=MaintenanceEvent,
    state_type=MaintenanceState,
    reading_type=MaintenanceReading,
    parse=parse,
    start=MaintenanceState,
    step=step,
    history=history,
    face=face,
    contract_s=contract_s,
    reading_bytes=90,
)
