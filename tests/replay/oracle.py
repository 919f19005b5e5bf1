"""What must come out, computed with pandas and numpy over the same events, sharing no code with the lines.

One thing is taken from the product: the event key, which decides the order of readings of the same instant. It is a
digest, so no computation from the definitions could know it.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, timedelta

import numpy as np
import pandas as pd

from functions.errors import Malformed
from functions.lines import LINES
from tests.replay.feed import event_times
from tests.replay.recorded import Event

EARTH_RADIUS_M = 6_371_008.8
JUMP_KPH = 300.0
FASTEST_KPH = 300.0
NO_SPEED_KPH = 255.0
COARSE_M = 200.0
POSSIBLE_C = (-90.0, 90.0)
HORIZON = timedelta(seconds=120)
HORIZON_READINGS = 32
MOST_READINGS = {"gps": 256, "temperature": 256, "maintenance": 12_000 // 90, "inventory": 12_000 // 50}

FIELDS = {
    "gps": ["latitude", "longitude", "speed_kph", "altitude_m", "odometer_km"],
    "temperature": ["probe", "temperature_c", "temperature_f", "humidity_pct"],
    "maintenance": ["odometer_km", "fuel_pct", "service_done"],
}
"""What each line measures, as far as the recordings have it: with vehicle and time, an event's identity."""
_TEXTS = {"probe", "service_done"}


def distinct(events: Sequence[Event], line: str) -> pd.DataFrame:
    """One line's readable events, each once, as they first arrived: vehicle_id, at, key and the line's fields."""
    of_line = [event for event in events if event["line"] == line]
    table = pd.DataFrame(of_line, columns=["vehicle_id", "event_time", *FIELDS[line]])
    table = table.astype(dict.fromkeys(_TEXTS & set(table), object))
    table["at"] = event_times(of_line)
    table = table[table["at"] > pd.Timestamp(0, tz=UTC)].drop(columns="event_time")
    table = table.drop_duplicates().reset_index()
    table["key"] = [_key(line, of_line[place]) for place in table["index"]]
    return table.drop(columns="index")


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """By vehicle and time; readings of the same instant by their key."""
    return table.sort_values(["vehicle_id", "at", "key"], kind="stable").reset_index(drop=True)


def late(arrived: pd.DataFrame, line: str) -> pd.Series:
    """Which events of a table in arrival order come from before their worker's horizon, each sent as its own message:
    older than the last 32 readings and than 120 s before the newest, or than as many as the memory may hold."""
    found = []
    known: defaultdict[str, list[tuple[pd.Timestamp, bytes]]] = defaultdict(list)
    for vehicle_id, order in zip(arrived["vehicle_id"], zip(arrived["at"], arrived["key"], strict=True), strict=True):
        orders = known[vehicle_id]
        start = 0
        if orders:
            by_time = bisect_left(orders, (orders[-1][0] - HORIZON, b""))
            start = max(0, min(by_time, len(orders) - HORIZON_READINGS), len(orders) - MOST_READINGS[line])
        is_late = start > 0 and order <= orders[start - 1]
        found.append(is_late)
        if not is_late:
            insort(orders, order)
    return pd.Series(found, index=arrived.index, dtype=bool)


def gps_faces(fixes: pd.DataFrame) -> pd.DataFrame:
    """By vehicle: readings, event_at, last good fix, distance_km over good fixes, filtered, and how many of each kind
    were found (zero, inaccurate, jump, speed_sentinel), from a table in order."""
    fixes = fixes.assign(quality=gps_quality(fixes))
    good = fixes[fixes["quality"].isin(["ok", "speed_sentinel"])].copy()
    good["speed_kph"] = good["speed_kph"].where(good["quality"] == "ok")
    good["leg_m"], _ = _legs(good)
    last = good.groupby("vehicle_id").tail(1).set_index("vehicle_id")
    every = fixes.groupby("vehicle_id")
    faces = pd.DataFrame({"readings": every.size(), "event_at": every["at"].max()})
    faces["position_at"] = last["at"]
    faces[["latitude", "longitude", "speed_kph"]] = last[["latitude", "longitude", "speed_kph"]]
    faces["distance_km"] = good.groupby("vehicle_id")["leg_m"].sum() / 1000
    faces["distance_km"] = faces["distance_km"].fillna(0.0)
    faces["filtered"] = faces["readings"].sub(good.groupby("vehicle_id").size(), fill_value=0).astype(int)
    return faces.sort_index()


def gps_quality(fixes: pd.DataFrame) -> pd.Series:
    """Each fix's quality, from a table in order.

    Jumps are found without folding: the first leg of a vehicle that is too fast ends in a jump for certain, since all
    before it are good; it is taken out and the rest is looked at again, until no leg is too fast.
    """
    quality = pd.Series("ok", index=fixes.index, dtype=object)
    speed = fixes["speed_kph"].astype(float)
    quality[(speed < 0) | (speed > FASTEST_KPH) | (speed == NO_SPEED_KPH)] = "speed_sentinel"
    if "accuracy_m" in fixes:
        quality[fixes["accuracy_m"] > COARSE_M] = "inaccurate"
    quality[(fixes["latitude"] == 0) & (fixes["longitude"] == 0)] = "zero"
    good = fixes[~quality.isin(["zero", "inaccurate"])]
    while True:
        leg_m, leg_s = _legs(good)
        too_fast = leg_m * 3.6 > JUMP_KPH * leg_s
        jumps = too_fast & (too_fast.groupby(good["vehicle_id"]).cumsum() == 1)
        if not jumps.any():
            return quality
        quality[jumps[jumps].index] = "jump"
        good = good[~jumps]


def temperature_faces(readings: pd.DataFrame) -> pd.DataFrame:
    """By (vehicle, probe): event_at, temperature_c, humidity_pct and readings of what can be true, from a table in
    order."""
    celsius = celsius_of(readings)
    possible = readings.assign(temperature_c=celsius)[celsius.between(*POSSIBLE_C)]
    possible = possible.assign(probe=possible["probe"].fillna("main"))
    probes = possible.groupby(["vehicle_id", "probe"])
    faces = probes.tail(1).set_index(["vehicle_id", "probe"])[["at", "temperature_c", "humidity_pct"]]
    return faces.assign(readings=probes.size()).sort_index()


def celsius_of(readings: pd.DataFrame) -> pd.Series:
    """Each reading in °C, whatever it was sent in."""
    return readings["temperature_c"].astype(float).fillna((readings["temperature_f"].astype(float) - 32) / 1.8)


def maintenance_faces(reports: pd.DataFrame) -> pd.DataFrame:
    """By vehicle: the last of each thing that was said, readings and event_at, from a table in order."""
    vehicles = reports.groupby("vehicle_id")
    faces = vehicles[FIELDS["maintenance"]].last()
    return faces.assign(readings=vehicles.size(), event_at=vehicles["at"].max()).sort_index()


def _legs(fixes: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """(metres, seconds) from the fix of the same vehicle before each; NaN for its first."""
    before = fixes.groupby("vehicle_id")[["latitude", "longitude", "at"]].shift()
    phi, other = np.radians(fixes["latitude"].astype(float)), np.radians(before["latitude"].astype(float))
    along = np.radians(fixes["longitude"].astype(float) - before["longitude"].astype(float))
    half = np.sin((phi - other) / 2) ** 2 + np.cos(phi) * np.cos(other) * np.sin(along / 2) ** 2
    metres = 2 * EARTH_RADIUS_M * np.arctan2(np.sqrt(half), np.sqrt(1 - half))
    return metres, (fixes["at"] - before["at"]).dt.total_seconds()


def _key(line: str, event: Event) -> bytes:
    try:
        return LINES[line].parse({name: value for name, value in event.items() if name != "line"})[1].key
    except Malformed as error:
        raise AssertionError(f"the oracle reads what the product refuses: {error}") from error
