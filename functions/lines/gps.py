"""The GPS line: where each vehicle is, which of its fixes can be believed, and how far it has come."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from functions.core.geo import distance_m
from functions.core.ids import event_key
from functions.core.line import Decision, Ending, Line, Row
from functions.core.profile import Profile
from functions.core.reading import Event, Reading, checked, event_at

NAME = "gps"

MAX_IMPLIED_KPH = 300.0
"""Faster than this from the last good fix, a fix is a jump: it counts neither for distance nor as a position."""
MAX_REPORTED_KPH = 300.0
SENTINELS_KPH = frozenset({255.0})
"""An 8-bit speed that is not known is sent as 255: in km/h it looks like a speed, in mph it is over the maximum."""
MAX_ACCURACY_M = 200.0
MOVING_KPH = 5.0
MOVING_CONTRACT_S = 15 * 60.0
STOPPED_CONTRACT_S = 26 * 3600.0


class GpsEvent(Event, frozen=True, kw_only=True):
    """A fix as it is sent. A negative speed, and one no road vehicle drives, is read as not known."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    speed_kph: Annotated[float, Meta(ge=-1, le=2_000)] | None = None
    heading_deg: Annotated[float, Meta(ge=0, le=360)] | None = None
    accuracy_m: Annotated[float, Meta(ge=0, le=1e7)] | None = None
    altitude_m: Annotated[float, Meta(ge=-12_000, le=100_000)] | None = None
    odometer_km: Annotated[float, Meta(ge=0, le=1e7)] | None = None
    ignition: bool | None = None


class GpsReading(Reading, frozen=True, array_like=True):
    """A checked fix; degrees (WGS 84), km/h, metres, kilometres."""

    latitude: float
    longitude: float
    speed_kph: float | None
    heading_deg: float | None
    accuracy_m: float | None
    altitude_m: float | None
    odometer_km: float | None
    ignition: bool | None


class GpsState(msgspec.Struct, frozen=True, array_like=True):
    """What the line knows of a vehicle. `filtered` counts readings that were not good fixes."""

    fix_at: datetime | None = None
    latitude: float = 0.0
    longitude: float = 0.0
    speed_kph: float | None = None
    heading_deg: float | None = None
    odometer_km: float | None = None
    ignition: bool | None = None
    moving: bool = False
    distance_m: float = 0.0
    filtered: int = 0


def parse(payload: object) -> tuple[str, GpsReading]:
    event = checked(payload, GpsEvent)
    at = event_at(event)
    fields = (
        event.latitude,
        event.longitude,
        event.speed_kph,
        event.heading_deg,
        event.accuracy_m,
        event.altitude_m,
        event.odometer_km,
        event.ignition,
    )
    return event.vehicle_id, GpsReading(at, event_key(NAME, event.vehicle_id, at, event.event_id, fields), *fields)


def step(state: GpsState, reading: GpsReading, profile: Profile) -> Decision[GpsState]:
    """Fold one fix, which is never older than those before it.

    `distance_m` of the row is what this fix added; it stays empty when the fix is not good.
    """
    quality = _own_quality(reading)
    leg_m = 0.0
    leg_kph: float | None = None
    if quality in ("ok", "speed_sentinel") and state.fix_at is not None:
        leg_m = distance_m(state.latitude, state.longitude, reading.latitude, reading.longitude)
        leg_s = (reading.event_at - state.fix_at).total_seconds()
        if leg_m * 3.6 > MAX_IMPLIED_KPH * leg_s:
            quality = "jump"
        elif leg_s > 0:
            leg_kph = leg_m * 3.6 / leg_s
    if quality not in ("ok", "speed_sentinel"):
        return Decision(_filtered(state), _columns(reading, quality, None, state.moving))
    speed_kph = reading.speed_kph if quality == "ok" else None
    ignition = reading.ignition if reading.ignition is not None else state.ignition
    pace_kph = speed_kph if speed_kph is not None else leg_kph
    moving = pace_kph is not None and pace_kph > MOVING_KPH and ignition is not False
    after = GpsState(
        reading.event_at,
        reading.latitude,
        reading.longitude,
        speed_kph,
        reading.heading_deg,
        reading.odometer_km if reading.odometer_km is not None else state.odometer_km,
        ignition,
        moving,
        state.distance_m + leg_m,
        state.filtered,
    )
    return Decision(after, _columns(reading, quality, leg_m, moving))


def history(reading: GpsReading) -> Row:
    return _columns(reading, _own_quality(reading), None, None)


def face(state: GpsState) -> Row:
    return {
        "position_at": state.fix_at,
        "latitude": state.latitude if state.fix_at else None,
        "longitude": state.longitude if state.fix_at else None,
        "speed_kph": state.speed_kph,
        "heading_deg": state.heading_deg,
        "odometer_km": state.odometer_km,
        "ignition": state.ignition,
        "moving": state.moving,
        "distance_km": state.distance_m / 1000,
        "filtered": state.filtered,
    }


def contract_s(state: GpsState, profile: Profile) -> float:
    return profile.contract_for(NAME, MOVING_CONTRACT_S if state.moving else STOPPED_CONTRACT_S)


def totals(state: GpsState) -> dict[str, float]:
    return {"distance_km": state.distance_m / 1000}


def at_work(state: GpsState) -> bool:
    return state.moving


def end(state: GpsState, at: datetime, profile: Profile) -> Ending[GpsState]:
    """Nobody knows any more whether it moves."""
    return Ending(msgspec.structs.replace(state, moving=False, speed_kph=None))


def _own_quality(reading: GpsReading) -> str:
    """What can be said of a fix without knowing any other."""
    if reading.latitude == 0 and reading.longitude == 0:
        return "zero"
    if reading.accuracy_m is not None and reading.accuracy_m > MAX_ACCURACY_M:
        return "inaccurate"
    speed = reading.speed_kph
    if speed is not None and (speed < 0 or speed > MAX_REPORTED_KPH or speed in SENTINELS_KPH):
        return "speed_sentinel"
    return "ok"


def _filtered(state: GpsState) -> GpsState:
    return msgspec.structs.replace(state, filtered=state.filtered + 1)


def _columns(reading: GpsReading, quality: str, leg_m: float | None, moving: bool | None) -> Row:
    return {
        "latitude": reading.latitude,
        "longitude": reading.longitude,
        "speed_kph": None if quality == "speed_sentinel" else reading.speed_kph,
        "heading_deg": reading.heading_deg,
        "accuracy_m": reading.accuracy_m,
        "altitude_m": reading.altitude_m,
        "odometer_km": reading.odometer_km,
        "ignition": reading.ignition,
        "distance_m": leg_m,
        "moving": moving,
        "quality": quality,
    }


LINE = Line(
    name=NAME,
    pclass="positions",
    event_type=GpsEvent,
    state_type=GpsState,
    reading_type=GpsReading,
    parse=parse,
    start=GpsState,
    step=step,
    history=history,
    face=face,
    contract_s=contract_s,
    totals=totals,
    at_work=at_work,
    end=end,
    reading_bytes=46,
)
