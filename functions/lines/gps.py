"""The GPS line: where each vehicle is, which of its fixes can be believed, and what its way adds up to."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from functions.core.compact import Packed, packed, unpacked
from functions.core.delivery import Tour
from functions.core.delivery import follow as follow_tour
from functions.core.delivery import silenced as silenced_tour
from functions.core.episode import Episode
from functions.core.fence import Visits, inside
from functions.core.fence import follow as follow_fences
from functions.core.fence import limit_kph as fence_limit_kph
from functions.core.fix import Fix, Place, place
from functions.core.geo import distance_m
from functions.core.harsh import harsh
from functions.core.ids import event_key
from functions.core.line import Decision, Ending, Line, Product, Row
from functions.core.motion import Motion
from functions.core.motion import follow as follow_motion
from functions.core.motion import silenced as silenced_motion
from functions.core.overspeed import Overspeed
from functions.core.overspeed import follow as follow_overspeed
from functions.core.overspeed import silenced as silenced_overspeed
from functions.core.profile import Profile
from functions.core.quality import BELIEVED, alone, jumped
from functions.core.reading import Event, Reading, checked, event_at
from functions.core.route import Deviation
from functions.core.route import follow as follow_route
from functions.core.route import silenced as silenced_route

NAME = "gps"

MOVING_CONTRACT_S = 15 * 60.0
STOPPED_CONTRACT_S = 26 * 3600.0


_json = msgspec.json.encode


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
    """A checked fix; degrees (WGS 84), km/h, metres, kilometres. What most fixes have is packed (compact)."""

    packed_latitude: Packed
    packed_longitude: Packed
    packed_speed_kph: Packed | None
    heading_deg: float | None
    accuracy_m: float | None
    altitude_m: float | None
    odometer_km: float | None
    ignition: bool | None

    @property
    def latitude(self) -> float:
        return unpacked(self.packed_latitude)

    @property
    def longitude(self) -> float:
        return unpacked(self.packed_longitude)

    @property
    def speed_kph(self) -> float | None:
        return None if self.packed_speed_kph is None else unpacked(self.packed_speed_kph)


class GpsState(msgspec.Struct, frozen=True, array_like=True):
    """What the line knows of a vehicle: its last good fix, the way it came, and what each rule remembers.

    `filtered` counts readings that were not good fixes; `visits` is None until a first good fix.
    """

    fix_at: datetime | None = None
    latitude: float = 0.0
    longitude: float = 0.0
    speed_kph: float | None = None
    heading_deg: float | None = None
    odometer_km: float | None = None
    ignition: bool | None = None
    distance_m: float = 0.0
    filtered: int = 0
    motion: Motion | None = None
    overspeed: Overspeed | None = None
    visits: Visits | None = None
    deviation: Deviation | None = None
    tour: Tour | None = None


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
    key = event_key(NAME, event.vehicle_id, at, event.event_id, fields)
    speed_kph = None if event.speed_kph is None else packed(event.speed_kph)
    return event.vehicle_id, GpsReading(
        at, key, packed(event.latitude), packed(event.longitude), speed_kph, *fields[3:]
    )


def step(state: GpsState, reading: GpsReading, profile: Profile) -> Decision[GpsState]:
    """Fold one fix, which is never older than those before it.

    `distance_m` of the row is what this fix added; it stays empty when the fix is not good, and no rule hears of it.
    """
    quality = _quality(reading)
    leg_m = leg_s = 0.0
    if quality in BELIEVED and state.fix_at is not None:
        leg_m = distance_m(state.latitude, state.longitude, reading.latitude, reading.longitude)
        leg_s = (reading.event_at - state.fix_at).total_seconds()
        if jumped(leg_m, leg_s):
            quality = "jump"
    if quality not in BELIEVED:
        return Decision(_filtered(state), _columns(reading, quality, None, state))
    fix = Fix(
        reading.event_at,
        reading.key,
        reading.latitude,
        reading.longitude,
        reading.speed_kph if quality == "ok" else None,
        reading.accuracy_m or 0.0,
        reading.ignition if reading.ignition is not None else state.ignition,
        reading.ignition is False,
        leg_m,
        leg_s,
        state.distance_m + leg_m,
    )
    after, products, episodes = _ruled(state, reading, fix, profile)
    return Decision(after, _columns(reading, quality, leg_m, after), products, episodes)


def _ruled(
    state: GpsState, reading: GpsReading, fix: Fix, profile: Profile
) -> tuple[GpsState, list[Product], list[Episode]]:
    """Every rule in turn: what moves, what was too hard, where it is, how fast that may be, the route, the tour."""
    motion, made = follow_motion(state.motion, fix, _last(state))
    hard = harsh(state.speed_kph, fix)
    visits, crossed = follow_fences(state.visits, fix, profile.geofences)
    overspeed, sped, speeding = follow_overspeed(
        state.overspeed, fix, _limit_kph(visits, profile), profile.speed_hold_s
    )
    deviation, strayed, straying = follow_route(state.deviation, fix, profile.route)
    tour, arrived, delayed = follow_tour(state.tour, fix, profile.stops, profile.route)
    after = GpsState(
        fix.at,
        fix.latitude,
        fix.longitude,
        fix.speed_kph,
        reading.heading_deg,
        reading.odometer_km if reading.odometer_km is not None else state.odometer_km,
        fix.ignition,
        fix.distance_m,
        state.filtered,
        motion,
        overspeed,
        visits,
        deviation,
        tour,
    )
    return after, [*made, *hard, *crossed, *sped, *strayed, *arrived], [*speeding, *straying, *delayed]


def _limit_kph(visits: Visits, profile: Profile) -> float | None:
    """The limit of the fence the vehicle is in, else of its route, else its own."""
    fenced = fence_limit_kph(visits, profile.geofences)
    if fenced is not None:
        return fenced
    routed = profile.route.speed_limit_kph if profile.route else None
    return routed if routed is not None else profile.speed_limit_kph


def history(reading: GpsReading, profile: Profile) -> Row:
    return _columns(reading, _quality(reading), None, None)


def face(state: GpsState) -> Row:
    return {
        "position_at": state.fix_at,
        "latitude": state.latitude if state.fix_at else None,
        "longitude": state.longitude if state.fix_at else None,
        "speed_kph": state.speed_kph,
        "heading_deg": state.heading_deg,
        "odometer_km": state.odometer_km,
        "ignition": state.ignition,
        "moving": at_work(state),
        "trip_id": state.motion.trip_id if state.motion else None,
        "fences": inside(state.visits),
        "eta_at": state.tour.eta_at if state.tour else None,
        "distance_km": state.distance_m / 1000,
        "filtered": state.filtered,
    }


def contract_s(state: GpsState, profile: Profile) -> float:
    return profile.contract_for(NAME, MOVING_CONTRACT_S if at_work(state) else STOPPED_CONTRACT_S)


def totals(state: GpsState) -> dict[str, float]:
    return {"distance_km": state.distance_m / 1000}


def at_work(state: GpsState) -> bool:
    """On a trip."""
    return state.motion is not None and state.motion.on_trip


def end(state: GpsState, at: datetime, profile: Profile) -> Ending[GpsState]:
    """A trip ends at its last good fix; what else was open was never seen to end. Where the vehicle is then, and which
    stops it has reached, outlives the contract."""
    last = _last(state)
    motion, made = silenced_motion(state.motion, last)
    sped, speeding = silenced_overspeed(state.overspeed, last.at if last else at)
    strayed, straying = silenced_route(state.deviation, last.at if last else at)
    tour = silenced_tour(state.tour)
    after = msgspec.structs.replace(state, motion=motion, speed_kph=None, overspeed=None, deviation=None, tour=tour)
    return Ending(after, [*made, *sped, *strayed], [_unknown(one) for one in (*speeding, *straying)])


def _unknown(episode: Episode) -> Episode:
    return msgspec.structs.replace(episode, details={**episode.details, "outcome": "unknown"})


def _last(state: GpsState) -> Place | None:
    """Where the last good fix was."""
    if state.fix_at is None:
        return None
    return place(state.fix_at, state.latitude, state.longitude, state.distance_m)


def _quality(reading: GpsReading) -> str:
    return alone(reading.latitude, reading.longitude, reading.accuracy_m, reading.speed_kph)


def _filtered(state: GpsState) -> GpsState:
    return msgspec.structs.replace(state, filtered=state.filtered + 1)


def _columns(reading: GpsReading, quality: str, leg_m: float | None, state: GpsState | None) -> Row:
    """`moving`, `trip_id` and `fences` (JSON list) are as known now, and unknown for what came too late to be told."""
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
        "moving": at_work(state) if state else None,
        "trip_id": state.motion.trip_id if state and state.motion else None,
        "fences": _json(inside(state.visits)).decode() if state else None,
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
