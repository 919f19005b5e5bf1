"""What must come out, computed with pandas and numpy over the same events, sharing no code with the lines.

Two things are taken from the product: the event key, which decides the order of readings of the same instant (it is a
digest, so no computation from the definitions could know it), and how many readings a line's memory has room for.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, timedelta

import numpy as np
import pandas as pd

from functions.core.horizon import most_readings
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
STEP_C, STEP_S = 10.0, 10.0
HORIZON = timedelta(seconds=120)
HORIZON_READINGS = 32

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
    most = most_readings(LINES[line])
    known: defaultdict[str, list[tuple[pd.Timestamp, bytes]]] = defaultdict(list)
    for vehicle_id, order in zip(arrived["vehicle_id"], zip(arrived["at"], arrived["key"], strict=True), strict=True):
        orders = known[vehicle_id]
        start = 0
        if orders:
            by_time = bisect_left(orders, (orders[-1][0] - HORIZON, b""))
            start = max(0, min(by_time, len(orders) - HORIZON_READINGS), len(orders) - most)
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
    """Each fix's quality, from a table in order."""
    quality = pd.Series("ok", index=fixes.index, dtype=object)
    speed = fixes["speed_kph"].astype(float)
    quality[(speed < 0) | (speed > FASTEST_KPH) | (speed == NO_SPEED_KPH)] = "speed_sentinel"
    if "accuracy_m" in fixes:
        quality[fixes["accuracy_m"] > COARSE_M] = "inaccurate"
    quality[(fixes["latitude"] == 0) & (fixes["longitude"] == 0)] = "zero"

    def too_fast(good: pd.DataFrame) -> pd.Series:
        leg_m, leg_s = _legs(good)
        return leg_m * 3.6 > JUMP_KPH * leg_s

    quality[_offenders(fixes[~quality.isin(["zero", "inaccurate"])], ["vehicle_id"], too_fast)] = "jump"
    return quality


def temperature_quality(readings: pd.DataFrame) -> pd.Series:
    """Which readings of a table in order can be true: within what a probe measures, and no more than 10 °C from its
    last true one, or that many more as it had time for at 10 °C in 10 s."""
    quality = pd.Series("ok", index=readings.index, dtype=object)
    table = readings.assign(celsius=celsius_of(readings), probe=readings["probe"].fillna("main"))
    quality[~table["celsius"].between(*POSSIBLE_C)] = "impossible"

    def too_steep(good: pd.DataFrame) -> pd.Series:
        probes = good.groupby(["vehicle_id", "probe"])
        passed_s = probes["at"].diff().dt.total_seconds()
        return probes["celsius"].diff().abs() > np.maximum(STEP_C, STEP_C * passed_s / STEP_S)

    quality[_offenders(table[quality == "ok"], ["vehicle_id", "probe"], too_steep)] = "impossible"
    return quality


def temperature_faces(readings: pd.DataFrame) -> pd.DataFrame:
    """By (vehicle, probe): at, temperature_c and humidity_pct of the last that can be true, from a table in order."""
    possible = readings.assign(temperature_c=celsius_of(readings), probe=readings["probe"].fillna("main"))
    possible = possible[temperature_quality(readings) == "ok"]
    last = possible.groupby(["vehicle_id", "probe"])[["at", "temperature_c", "humidity_pct"]].last()
    return last.sort_index()


def celsius_of(readings: pd.DataFrame) -> pd.Series:
    """Each reading in °C, whatever it was sent in."""
    return readings["temperature_c"].astype(float).fillna((readings["temperature_f"].astype(float) - 32) / 1.8)


def maintenance_faces(reports: pd.DataFrame) -> pd.DataFrame:
    """By vehicle: the last of each thing that was said, readings and event_at, from a table in order."""
    vehicles = reports.groupby("vehicle_id")
    faces = vehicles[FIELDS["maintenance"]].last()
    return faces.assign(readings=vehicles.size(), event_at=vehicles["at"].max()).sort_index()


def _offenders(table: pd.DataFrame, by: list[str], offends: Callable[[pd.DataFrame], pd.Series]) -> "pd.Index[int]":
    """Rows that cannot follow from the last good one before them, found without folding: the first offender of a group
    is one for certain, since all before it are good; it is taken out and the rest looked at again, until none is."""
    bad: list[int] = []
    while True:
        found = offends(table)
        first = found & (found.groupby([table[name] for name in by]).cumsum() == 1)
        if not first.any():
            return pd.Index(bad)
        bad += first[first].index.tolist()
        table = table[~first]


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
