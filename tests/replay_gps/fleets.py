"""Recorded fleets through whole workers: buses of a city, refuse trucks of another."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any, NamedTuple

import msgspec
import pandas as pd
from geographiclib.geodesic import Geodesic

from functions.core.profile import Profile
from functions.lines.gps import parse
from tests.replay.feed import event_times
from tests.replay.recorded import FOLDER
from tests.replay.sources import SOURCES
from tests.replay.trucks import poll_times
from tests.yard import Yard

REPLAYED = datetime(2025, 1, 6, 8, tzinfo=UTC)
"""A replay publishes years in minutes, so that no contract runs out within it."""
NEAR_S = 600.0

Read = tuple[str, Any]
"""A vehicle and what it read."""


class Everywhere(dict[str, Profile]):
    """One profile for every vehicle."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile

    def get(self, _vehicle_id: str, _default: Any = None) -> Any:
        return self.profile


@cache
def readings(name: str) -> list[Read]:
    """Every reading of a recording, in its order, repeats included."""
    return [parse({key: value for key, value in event.items() if key != "line"}) for event in SOURCES[name].events()]


def in_order(name: str) -> list[Read]:
    return sorted(readings(name), key=lambda read: read[1].order)


def city_profile(fences: int = 100) -> Profile:
    """80 km/h, and bus stops of Austin as fences."""
    stops = pd.read_csv(FOLDER / "capmetro/stops_20140824_20150606.csv.gz").sort_values("stop_id")
    features = [
        {
            "geometry": {"type": "Point", "coordinates": [stop.stop_lon, stop.stop_lat]},
            "properties": {"id": str(stop.stop_id), "name": stop.stop_name, "radius_m": 150.0},
        }
        for stop in stops.iloc[:: len(stops) // fences].head(fences).itertuples()
    ]
    return msgspec.convert({"speed_limit_kph": 80, "geofences": {"features": features}}, Profile)


def told(reads: Iterable[Sequence[Read]], profile: Profile) -> Yard:
    """The yard after these messages, each of any vehicles."""
    yard = Yard(Everywhere(profile))
    for message in reads:
        by_vehicle: dict[str, list[Any]] = {}
        for vehicle_id, reading in message:
            by_vehicle.setdefault(vehicle_id, []).append(reading)
        for vehicle_id, its in by_vehicle.items():
            yard.take(vehicle_id, its, REPLAYED)
    return yard


def one_by_one(reads: Iterable[Read]) -> list[list[Read]]:
    return [[read] for read in reads]


def shuffled(reads: Sequence[Read], seed: int, window_s: float = 60.0) -> list[list[Read]]:
    random = Random(seed)
    arrival = [read[1].event_at.timestamp() + random.uniform(0, window_s) for read in reads]
    return one_by_one(reads[place] for place in sorted(range(len(reads)), key=arrival.__getitem__))


def split(reads: Sequence[Read], seed: int) -> list[list[Read]]:
    """Singles and lists of up to 200, at random."""
    random = Random(seed)
    messages, start = [], 0
    while start < len(reads):
        size = random.choice([1, 1, 1, 3, 20, 200])
        messages.append(list(reads[start : start + size]))
        start += size
    return messages


def displaced(reads: Sequence[Read], seed: int, places: int = 16) -> list[list[Read]]:
    """Each vehicle's readings up to this many places from where they belong among its own."""
    random = Random(seed)
    count: dict[str, int] = {}
    arrival: list[float] = []
    for vehicle_id, _ in reads:
        place = count[vehicle_id] = count.get(vehicle_id, 0) + 1
        arrival.append(place + random.uniform(0, places))
    return one_by_one(reads[place] for place in sorted(range(len(reads)), key=arrival.__getitem__))


DISORDERS = {"shuffled in 60 s": shuffled, "singles and lists": split, "displaced by 16": displaced}


def geodesic_m(yard: Yard) -> tuple[float, float]:
    """(distance the rows say, the same legs on the ellipsoid by Karney's geodesics), metres."""
    said = exact = 0.0
    rows = sorted(yard.rows["positions"].values(), key=lambda row: (row["vehicle_id"], row["event_at"]))
    before: dict[str, Any] = {}
    for row in rows:
        if row["distance_m"] is None:
            continue
        last = before.get(row["vehicle_id"])
        if row["distance_m"] and last:
            ends = last["latitude"], last["longitude"], row["latitude"], row["longitude"]
            exact += Geodesic.WGS84.Inverse(*ends, Geodesic.DISTANCE)["s12"]
            said += row["distance_m"]
        before[row["vehicle_id"]] = row
    return said, exact


class Day(NamedTuple):
    """A bus day beside the trips its timetable tells: `changes` are those of a bus's trip_id from one fix to the next,
    `at_stop` within ten minutes of one of our stops, `gap` over more than an hour, `driven_on` the rest; `stops` are
    ours, `turns` of them within ten minutes of a change, `waits` the rest."""

    vehicles: int
    trips: int
    timetable: int
    changes: int
    at_stop: int
    gap: int
    driven_on: int
    stops: int
    turns: int
    waits: int


def timetable(name: str, yard: Yard) -> Day:
    events = pd.DataFrame(SOURCES[name].events())
    events["at"] = event_times(events.to_dict("records"))
    events = events.drop_duplicates(["vehicle_id", "at"]).sort_values(["vehicle_id", "at"])
    before = events.groupby("vehicle_id")[["trip_id", "at"]].shift()
    changed = before["at"].notna() & (before["trip_id"] != events["trip_id"])
    changes = events[changed].assign(from_at=before["at"])
    stops = pd.DataFrame(yard.made("stops"))
    kinds = {"stop": 0, "gap": 0, "on": 0}
    turned: set[int] = set()
    for change in changes.itertuples():
        slack = pd.Timedelta(seconds=NEAR_S)
        its = stops[stops["vehicle_id"] == change.vehicle_id]
        near = its[(its["started_at"] <= change.at + slack) & (its["ended_at"] >= change.from_at - slack)]
        turned |= set(near.index)
        gap = (change.at - change.from_at).total_seconds() > 3600
        kinds["gap" if gap else "stop" if len(near) else "on"] += 1
    return Day(
        events["vehicle_id"].nunique(),
        len(yard.made("trips")),
        len(changes) + events["vehicle_id"].nunique(),
        len(changes),
        kinds["stop"],
        kinds["gap"],
        kinds["on"],
        len(stops),
        len(turned),
        len(stops) - len(turned),
    )


def polled(repeats: bool) -> Yard:
    """The refuse trucks as they were polled, published when they were; without `repeats` each event only once."""
    pairs = list(zip(readings("trucks"), poll_times(FOLDER / "jersey_city_trucks/all_polls.psv.gz"), strict=True))
    middle = {"type": "Point", "coordinates": [-74.07, 40.715]}
    feature = {"geometry": middle, "properties": {"id": "middle", "radius_m": 1500.0}}
    yard = Yard(Everywhere(msgspec.convert({"geofences": {"features": [feature]}}, Profile)))
    known: set[bytes] = set()
    for (vehicle_id, reading), polled_at in pairs:
        if repeats or reading.key not in known:
            yard.take(vehicle_id, [reading], polled_at.to_pydatetime())
        known.add(reading.key)
    return yard.close()
