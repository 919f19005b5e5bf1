"""The maintenance line: what a vehicle says of itself, odometer, trouble codes, battery, fuel and services."""

from datetime import datetime, timedelta
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from functions.core.episode import Episode
from functions.core.gauge import FUEL_GIVE_PCT, Limit, Low, Parked, battery_limit, fuel, gauge
from functions.core.ids import event_key
from functions.core.line import Decision, Ending, Line, Product, Row
from functions.core.meter import ENGINE_HOURS, ODOMETER, Meter, on_card, read
from functions.core.meter import silenced as silenced_meter
from functions.core.profile import Profile
from functions.core.reading import Event, Reading, checked, event_at
from functions.core.service import STATUSES, PlanId, Service, ServicePlan, Use, done, look
from functions.core.service import silenced as silenced_service
from functions.core.trouble import Trouble, Troubles, awaits_inspection, inspected, report
from functions.core.trouble import silenced as silenced_troubles

NAME = "maintenance"
T = TypeVar("T")

CONTRACT_S = 48 * 3600.0
REMEMBERED = timedelta(days=800)
MOST_SERVICES = 24
"""Plans and services one worker remembers."""

TroubleCode = Annotated[
    str, Meta(pattern=r"^[PBCU][0-9A-F]{4}\Z", description="P, B, C or U and four digits 0-9 or A-F, such as P0301")
]
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
    service_done: PlanId | None = None
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
    """What a vehicle last said of itself, how far it is believed, and what each rule remembers."""

    odometer: Meter | None = None
    engine: Meter | None = None
    dtcs: tuple[str, ...] = ()
    battery_v: float | None = None
    highest_v: float | None = None
    fuel_pct: float | None = None
    ignition: bool | None = None
    service_done: str | None = None
    service_done_at: datetime | None = None
    inspection_passed: bool | None = None
    inspected_at: datetime | None = None
    troubles: dict[str, Trouble] = {}
    services: dict[str, Service] = {}
    battery: Low | None = None
    tank: Low | None = None
    parked: Parked | None = None


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
    """Every rule in turn. What was not reported stays as it was."""
    at, inspection = reading.event_at, reading.inspection
    carded = reading.service_done is not None
    shown_km = None if carded and state.odometer else reading.odometer_km
    odometer, odometer_fault, turned = read(state.odometer, shown_km, at, ODOMETER)
    shown_hours = None if carded and state.engine else reading.engine_hours
    engine, engine_fault, ran = read(state.engine, shown_hours, at, ENGINE_HOURS)
    ignition = _newer(reading.ignition, state.ignition)
    highest_v = max(reading.battery_v or 0.0, state.highest_v or 0.0) or None
    battery, drained = gauge(state.battery, reading.battery_v, at, battery_limit(highest_v, profile.battery_low_v))
    tank_limit = Limit("fuel_low", profile.fuel_low_pct, FUEL_GIVE_PCT, reached=True)
    tank, emptied = gauge(state.tank, reading.fuel_pct, at, tank_limit)
    odometer_km = odometer.value if odometer else None
    parked, stolen = fuel(state.parked, reading.fuel_pct, ignition, odometer_km, at)
    troubles, found = _troubles(state.troubles, reading)
    use = Use(at, odometer_km, engine.value if engine else None)
    card = Use(
        at,
        on_card(odometer, reading.odometer_km, at, ODOMETER),
        on_card(engine, reading.engine_hours, at, ENGINE_HOURS),
    )
    services, products, due = _services(state.services, reading.service_done, profile, use, card)
    after = MaintenanceState(
        odometer,
        engine,
        _newer(reading.dtcs, state.dtcs) or (),
        _newer(reading.battery_v, state.battery_v),
        highest_v,
        _newer(reading.fuel_pct, state.fuel_pct),
        ignition,
        _newer(reading.service_done, state.service_done),
        at if reading.service_done is not None else state.service_done_at,
        inspection.passed if inspection else state.inspection_passed,
        at if inspection else state.inspected_at,
        troubles,
        services,
        battery,
        tank,
        parked,
    )
    row = _columns(reading, _quality(odometer_fault, engine_fault), odometer_km)
    return Decision(after, row, products, [*turned, *ran, *drained, *emptied, *stolen, *found, *due])


def _troubles(troubles: Troubles, reading: MaintenanceReading) -> tuple[Troubles, list[Episode]]:
    """An inspection answers what was ordered before it; the codes beside its result are those that are left."""
    news: list[Episode] = []
    if reading.inspection is not None and troubles:
        troubles, news = inspected(troubles, reading.inspection.passed, reading.event_at)
    if reading.dtcs is not None and (reading.dtcs or troubles):
        troubles, seen = report(troubles, reading.dtcs, reading.event_at)
        news += seen
    return troubles, news


def _services(
    services: dict[str, Service], served: str | None, profile: Profile, use: Use, card: Use
) -> tuple[dict[str, Service], list[Product], list[Episode]]:
    """The life of every plan by the vehicle's `use`, from where its job `card` says it was served. Services that no
    plan is known for are kept, and a plan that is no more ends its episode."""
    plans = {plan.id: plan for plan in profile.service_plans}
    after: dict[str, Service] = {}
    products: list[Product] = []
    episodes: list[Episode] = []
    if served is not None and served not in plans and (served in services or len(services) < MOST_SERVICES):
        plans[served] = ServicePlan(served)
    for name in sorted(plans.keys() | services.keys()):
        service, plan = services.get(name), plans.get(name) or ServicePlan(name)
        if name == served:
            service, made, closed = done(service, plan, card)
            products += made
            episodes += closed
        after[name], made, told = look(service, plan, use)
        products += made
        episodes += told
    return after, products, episodes


def _quality(odometer_fault: str | None, engine_fault: str | None) -> str:
    if odometer_fault:
        return f"odometer_{odometer_fault}"
    return f"engine_hours_{engine_fault}" if engine_fault else "ok"


def history(reading: MaintenanceReading, profile: Profile) -> Row:
    return _columns(reading, "ok", None)


def _columns(reading: MaintenanceReading, quality: str, believed_km: float | None) -> Row:
    """The odometer both as it was sent and as it is believed."""
    inspection = reading.inspection
    return {
        "odometer_km": reading.odometer_km,
        "believed_km": believed_km,
        "engine_hours": reading.engine_hours,
        "dtcs": " ".join(reading.dtcs) if reading.dtcs is not None else None,
        "battery_v": reading.battery_v,
        "fuel_pct": reading.fuel_pct,
        "ignition": reading.ignition,
        "service_done": reading.service_done,
        "inspection_passed": inspection.passed if inspection else None,
        "inspection_notes": inspection.notes if inspection else None,
        "quality": quality,
    }


def face(state: MaintenanceState) -> Row:
    """The believed meters, what is active or due, and the last of everything else."""
    return {
        "odometer_km": state.odometer.value if state.odometer else None,
        "engine_hours": state.engine.value if state.engine else None,
        "dtcs": list(state.dtcs),
        "inspection_ordered": any(awaits_inspection(code, known) for code, known in state.troubles.items()),
        "battery_v": state.battery_v,
        "fuel_pct": state.fuel_pct,
        "ignition": state.ignition,
        "service_done": state.service_done,
        "service_done_at": state.service_done_at,
        "services": {name: STATUSES[service.status] for name, service in state.services.items()},
        "inspection_passed": state.inspection_passed,
        "inspected_at": state.inspected_at,
    }


def end(state: MaintenanceState, at: datetime, profile: Profile) -> Ending[MaintenanceState]:
    """What was open is closed by the caller, and opened again by the first reading that still shows it. History of
    services, meters and orders outlive the contract."""
    return Ending(
        msgspec.structs.replace(
            state,
            odometer=silenced_meter(state.odometer),
            engine=silenced_meter(state.engine),
            troubles=silenced_troubles(state.troubles),
            services={name: silenced_service(service) for name, service in state.services.items()},
            battery=None,
            tank=None,
            parked=None,
        )
    )


def remembers(state: MaintenanceState) -> timedelta:
    """Long enough for a plan of two years to find its last service."""
    return REMEMBERED if state.services or state.odometer else timedelta(0)


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
    end=end,
    remembers=remembers,
    reading_bytes=100,
)
