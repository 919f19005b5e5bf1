"""One vehicle in full: what its workers show, its alerts, the way it came and its temperatures, and its places.

Only here is a worker's memory decoded. What was read is kept for all pages that look at the same vehicle.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from functions.core.alert import AlertRecord, read
from functions.core.cargo import cargo_of
from functions.core.line import Line, Row
from functions.core.motion import Trip
from functions.core.path import point
from functions.core.ports import Clock, Document, Profiles, Store
from functions.core.profile import Profile
from functions.core.recent import recent_rows
from functions.core.withheld import withheld
from functions.core.worker import WorkerCodec, WorkerState
from functions.errors import Overloaded, UnreadableMemory
from functions.roles.dashboard.allowance import Allowance
from functions.roles.dashboard.fleet import shown

MOST_WORKERS = 8
MOST_ALERTS = 8
PROFILE_READS = 2
"""A profile, and the settings that say whether it changed."""
MOST_READS = MOST_WORKERS + MOST_ALERTS + PROFILE_READS
KEPT = timedelta(seconds=2)
"""No vehicle is read again sooner."""
SHARE = 0.5
"""Of the allowance, for a vehicle somebody keeps looking at; the rest is for those that look around."""
MOST_KEPT = 500
UNSHOWN = ("memory", "line", "vehicle_id", "shard", "forget_at", "owing")


class _Kept(NamedTuple):
    told: dict[str, Any] | None
    until: datetime


class Vehicles:
    """Vehicles as somebody asked for them."""

    def __init__(
        self, lines: Mapping[str, Line[Any, Any]], store: Store, profiles: Profiles, allowance: Allowance, now: Clock
    ) -> None:
        self._lines = lines
        self._codecs = {name: WorkerCodec(line) for name, line in lines.items()}
        self._store = store
        self._profiles = profiles
        self._allowance = allowance
        self._now = now
        self._one_reads = asyncio.Lock()
        self._kept: dict[str, _Kept] = {}

    async def seen(self, vehicle_id: str) -> dict[str, Any] | None:
        """All of a vehicle, None when no worker knows it; raises Overloaded when too many were looked at."""
        async with self._one_reads:
            now = self._now()
            kept = self._kept.get(vehicle_id)
            if kept is not None and (now < kept.until or self._allowance.left(now) < MOST_READS):
                return kept.told
            self._require(MOST_READS, now)
            return await self._read(vehicle_id, now)

    async def places(self, vehicle_id: str) -> dict[str, Any]:
        """Where people want a vehicle to be: fences (GeoJSON), route and stops; raises Overloaded."""
        now = self._now()
        self._require(PROFILE_READS, now)
        self._allowance.spend(PROFILE_READS, now)
        profile = (await self._profiles.of([vehicle_id]))[vehicle_id].profile
        return {"geofences": profile.geofences, "route": profile.route, "stops": profile.stops}

    def forget(self, vehicle_id: str) -> None:
        """Read a vehicle again when it is asked for next, because somebody changed something."""
        kept = self._kept.get(vehicle_id)
        if kept is not None:
            self._kept[vehicle_id] = kept._replace(until=self._now())

    async def _read(self, vehicle_id: str, now: datetime) -> dict[str, Any] | None:
        workers = await self._store.query(f"vehicles/{vehicle_id}/workers", limit=MOST_WORKERS)
        alerts = await self._store.query(
            "alerts", [("vehicle_id", "==", vehicle_id)], order_by=["-recorded_at"], limit=MOST_ALERTS
        )
        told = await self._told(vehicle_id, workers, [read(one.fields) for one in alerts], now) if workers else None
        cost = max(1, len(workers)) + max(1, len(alerts)) + PROFILE_READS
        self._allowance.spend(cost, now)
        self._kept.pop(vehicle_id, None)
        self._kept[vehicle_id] = _Kept(told, now + max(KEPT, self._allowance.pause(cost, SHARE)))
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return told

    def _require(self, documents: int, now: datetime) -> None:
        if self._allowance.left(now) < documents:
            raise Overloaded("too many vehicles were looked at within a minute; try again shortly")

    async def _told(
        self, vehicle_id: str, workers: list[Document], alerts: list[AlertRecord], now: datetime
    ) -> dict[str, Any]:
        faces = {one.fields["line"]: one.fields for one in workers}
        profile = (await self._profiles.of([vehicle_id]))[vehicle_id].profile
        cargo = cargo_of(profile.cargo_profile, profile.temperature_limits)
        return {
            "id": vehicle_id,
            "looked_at": now,
            "workers": {
                line: {name: value for name, value in face.items() if name not in UNSHOWN}
                for line, face in faces.items()
            },
            "alerts": [shown(alert) for alert in alerts],
            "withheld": withheld(faces.get("inventory", {}), faces.get("temperature", {})),
            "trail": self._trail(faces, profile),
            "temperatures": self._temperatures(faces, profile),
            "limits": {
                "cargo": cargo.name,
                "low_c": cargo.low.limit if cargo.low else None,
                "high_c": cargo.high.limit if cargo.high else None,
            },
        }

    def _trail(self, faces: Mapping[str, Row], profile: Profile) -> dict[str, list[tuple[float, float]]]:
        """Points (latitude, longitude): of the trip under way, few and from its start, and of the latest good fixes."""
        worker = self._remembered("gps", faces)
        if worker is None:
            return {"trip": [], "fixes": []}
        rows = recent_rows(self._lines["gps"], worker.past, profile)
        fixes = [(row["latitude"], row["longitude"]) for _, row in rows if row["distance_m"] is not None]
        motion = worker.head.motion
        return {"trip": _way(motion.now) if motion and isinstance(motion.now, Trip) else [], "fixes": fixes}

    def _temperatures(self, faces: Mapping[str, Row], profile: Profile) -> dict[str, list[tuple[datetime, float]]]:
        """The latest measurements of each probe, °C, without those that cannot be."""
        worker = self._remembered("temperature", faces)
        series: dict[str, list[tuple[datetime, float]]] = {}
        for at, row in recent_rows(self._lines["temperature"], worker.past, profile) if worker else ():
            if row["status"] != "fault":
                series.setdefault(row["probe"], []).append((at, row["temperature_c"]))
        return series

    def _remembered(self, line: str, faces: Mapping[str, Row]) -> WorkerState[Any, Any] | None:
        """None also for a memory of a later release: the face is shown without it."""
        try:
            return self._codecs[line].unpack(faces[line]["memory"]) if line in faces else None
        except UnreadableMemory:
            return None


def _way(trip: Trip) -> list[tuple[float, float]]:
    north, east = point(trip.start.latitude_e7, trip.start.longitude_e7)
    return [((north + up) / 1e5, (east + right) / 1e5) for up, right in ((0, 0), *trip.path)]
