"""A yard of GPS workers in one process: fixes on flat ground for one rule, or whole workers and all they make."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import cos, radians
from typing import Any

import msgspec

from functions.core.employment import employ, end
from functions.core.fix import Fix, Place, place
from functions.core.geo import EARTH_RADIUS_M, distance_m
from functions.core.horizon import Arrival
from functions.core.line import Product
from functions.core.profile import DEFAULTS, Profile
from functions.core.worker import WorkerState
from functions.lines import LINES

GPS = LINES["gps"]
START = datetime(2024, 5, 1, 8, tzinfo=UTC)
LATITUDE, LONGITUDE = 50.0, 8.0
METRES_A_DEGREE = radians(1) * EARTH_RADIUS_M
Row = dict[str, Any]
Spot = tuple[float, float, float, Row]
"""Second, metres north, metres east, and what else the vehicle says."""


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def spot(second: float, north_m: float = 0.0, east_m: float = 0.0, **said: Any) -> Spot:
    return second, north_m, east_m, said


def degrees(north_m: float, east_m: float) -> tuple[float, float]:
    latitude = LATITUDE + north_m / METRES_A_DEGREE
    east = east_m / (METRES_A_DEGREE * cos(radians(latitude)))
    return latitude, (LONGITUDE + east + 180) % 360 - 180


def event(one: Spot, vehicle_id: str = "van") -> Row:
    second, north_m, east_m, said = one
    latitude, longitude = degrees(north_m, east_m)
    where = {"latitude": round(latitude, 7), "longitude": round(longitude, 7)}  # as receivers tell it
    return {"vehicle_id": vehicle_id, "event_time": at(second).isoformat(), **where, **said}


def reading(one: Spot) -> Any:
    return GPS.parse(event(one))[1]


def fixes(spots: Iterable[Spot]) -> list[tuple[Fix, Place | None]]:
    """Good fixes as the rules get them, each with the place of the one before."""
    found: list[tuple[Fix, Place | None]] = []
    before: Fix | None = None
    ignition: bool | None = None
    for one in spots:
        second, north_m, east_m, said = one
        here = degrees(north_m, east_m)
        leg_m = distance_m(before.latitude, before.longitude, *here) if before else 0.0
        leg_s = (at(second) - before.at).total_seconds() if before else 0.0
        ignition = said.get("ignition", ignition)
        fix = Fix(
            at(second),
            reading(one).key,
            *here,
            said.get("speed_kph"),
            said.get("accuracy_m", 0.0),
            ignition,
            said.get("ignition") is False,
            leg_m,
            leg_s,
            (before.distance_m if before else 0.0) + leg_m,
        )
        last = place(before.at, before.latitude, before.longitude, before.distance_m) if before else None
        found.append((fix, last))
        before = fix
    return found


def made_by(follow: Callable[[Any, Fix, Place | None], tuple[Any, list[Product]]], spots: Iterable[Spot]) -> Any:
    """(state, columns of every product with its class) after one rule was told of all these fixes."""
    state: Any = None
    made: list[Row] = []
    for fix, last in fixes(spots):
        state, products = follow(state, fix, last)
        made += [{"pclass": product.pclass, **product.columns} for product in products]
    return state, made


class Yard:
    """Workers of the GPS line. `rows` are what they made, by class and product id; `alerts` the newest of each."""

    def __init__(self, profiles: Mapping[str, Profile] | None = None) -> None:
        self.workers: dict[str, WorkerState[Any, Any]] = {}
        self.profiles = {} if profiles is None else profiles
        self.rows: dict[str, dict[str, Row]] = {}
        self.alerts: dict[str, Row] = {}
        self.told = 0

    def take(self, vehicle_id: str, readings: Sequence[Any], published_at: datetime) -> list[Row]:
        """One message with readings of one vehicle: their rows."""
        rows = []
        waiting = [Arrival(one, published_at) for one in readings]
        profile = self.profiles.get(vehicle_id, DEFAULTS)
        while waiting:
            employed = employ(GPS, vehicle_id, self.workers.get(vehicle_id), waiting, profile)
            waiting = employed.left
            rows += [outcome.row for outcome in employed.outcomes]
            if employed.worker and employed.changed:
                self._keep(vehicle_id, employed.worker)
        for row in rows:
            self._export(row)
        return rows

    def close(self) -> "Yard":
        """Every contract ends."""
        for vehicle_id, worker in self.workers.items():
            self._keep(vehicle_id, end(GPS, vehicle_id, worker, self.profiles.get(vehicle_id, DEFAULTS)))
        return self

    def made(self, pclass: str) -> list[Row]:
        """The rows of a class by vehicle and time, without what depends on when they were sent."""
        without = ("product_id", "event_id", "received_at", "version")
        rows = [
            {name: value for name, value in row.items() if name not in without}
            for row in self.rows.get(pclass, {}).values()
        ]
        return sorted(rows, key=lambda row: (row["vehicle_id"], row["event_at"], str(row)))

    def episodes(self) -> list[tuple[Any, ...]]:
        """As design section 3 compares them: withdrawn ones left out."""
        names = ("vehicle_id", "kind", "subject", "started_at", "ended_at", "peak")
        told = [row for row in self.alerts.values() if row["status"] != "withdrawn" and row["kind"] != "offline"]
        return sorted((tuple(row[name] for name in names) for row in told), key=str)

    def distances_m(self) -> dict[str, float]:
        return {vehicle_id: worker.head.distance_m for vehicle_id, worker in self.workers.items()}

    def outcome(self) -> tuple[Any, ...]:
        """What must not depend on the order that readings came in."""
        return self.made("trips"), self.made("stops"), self.made("events"), self.episodes(), self.distances_m()

    def _keep(self, vehicle_id: str, worker: WorkerState[Any, Any]) -> None:
        for topic, row in worker.unpublished:
            if topic == "alerts":
                self.told += 1
                if row["version"] > self.alerts.get(row["alert_id"], {"version": 0})["version"]:
                    self.alerts[row["alert_id"]] = row
            else:
                self._export(row)
        self.workers[vehicle_id] = msgspec.structs.replace(worker, unpublished=[])

    def _export(self, row: Row) -> None:
        self.rows.setdefault(row["pclass"], {})[row["product_id"]] = row


def driven(spots: Sequence[Spot], profile: Profile = DEFAULTS, size: int = 1) -> Yard:
    """One van's fixes in messages of this size, all published within a moment, so that no contract runs out."""
    yard = Yard({"van": profile})
    now = at(max(one[0] for one in spots))
    for start in range(0, len(spots), size):
        yard.take("van", [reading(one) for one in spots[start : start + size]], now)
    return yard
