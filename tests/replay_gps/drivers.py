"""Delivery drivers whose every point says Driving or OnFoot (GOAL): do trips hold the driving?"""

from collections.abc import Sequence
from typing import NamedTuple
from zipfile import ZipFile

import numpy as np
import pandas as pd

from functions.core.geo import EARTH_RADIUS_M
from functions.core.motion import STAY_M, STAY_S
from functions.lines.gps import parse
from tests.replay.recorded import FOLDER
from tests.yard import Yard

ORIGIN = (47.6, -122.3)
"""The recording is in metres around a place of its own, which it does not tell."""


class Agreement(NamedTuple):
    """Points by what the recording says; `in_trips` of those lie between a trip's start and end.

    `able` are driving points that the definition itself lets be in a trip: those neither in a stay (within 200 m of
    the first of consecutive fixes over 180 s) nor in a recording that is never 200 m from where it began.
    """

    traces: int
    trips: int
    driving: int
    driving_in_trips: int
    able: int
    able_in_trips: int
    on_foot: int
    on_foot_in_trips: int


def traces() -> dict[str, pd.DataFrame]:
    """By name: at, x, y (metres) and driving."""
    found = {}
    with ZipFile(FOLDER / "goal_delivery/trajectories.zip") as folder:
        for name in sorted(name for name in folder.namelist() if name.endswith(".csv")):
            trace = pd.read_csv(folder.open(name))
            trace["at"] = pd.to_datetime(trace["timestamp"], format="ISO8601", utc=True)
            trace["driving"] = trace["groundtruth"] == "Driving"
            found[name.rpartition("/")[2].removesuffix(".csv")] = trace
    return found


def trips_of(trace: pd.DataFrame) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    yard = Yard()
    latitude = ORIGIN[0] + np.degrees(trace["y"] / EARTH_RADIUS_M)
    longitude = ORIGIN[1] + np.degrees(trace["x"] / EARTH_RADIUS_M) / np.cos(np.radians(ORIGIN[0]))
    last = trace["at"].iloc[-1].to_pydatetime(warn=False)
    for at, north, east in zip(trace["at"], latitude.round(7), longitude.round(7), strict=True):
        event = {"vehicle_id": "driver", "event_time": at.isoformat(), "latitude": north, "longitude": east}
        yard.take("driver", [parse(event)[1]], last)
    return [(row["started_at"], row["ended_at"]) for row in yard.close().made("trips")]


def in_stays(trace: pd.DataFrame) -> np.ndarray:
    """Which points lie in any run of consecutive fixes within 200 m of its first that spans 180 s: every window."""
    x, y = trace["x"].to_numpy(), trace["y"].to_numpy()
    seconds = (trace["at"] - trace["at"].iloc[0]).dt.total_seconds().to_numpy()
    found = np.zeros(len(trace), dtype=bool)
    for first in range(len(trace)):
        near = np.hypot(x[first:] - x[first], y[first:] - y[first]) < STAY_M
        last = first + (len(near) if near.all() else int(near.argmin())) - 1
        if seconds[last] - seconds[first] >= STAY_S:
            found[first : last + 1] = True
    return found


def agreement(every: Sequence[pd.DataFrame]) -> Agreement:
    trips = 0
    points = []
    for trace in every:
        spans = trips_of(trace)
        trips += len(spans)
        within = np.zeros(len(trace), dtype=bool)
        for start, end in spans:
            within |= ((trace["at"] >= start) & (trace["at"] <= end)).to_numpy()
        leaves = np.hypot(trace["x"] - trace["x"].iloc[0], trace["y"] - trace["y"].iloc[0]).max() >= STAY_M
        able = trace["driving"] & ~in_stays(trace) & leaves
        points.append(pd.DataFrame({"driving": trace["driving"], "able": able, "within": within}))
    table = pd.concat(points)
    driving, able = table[table["driving"]], table[table["able"]]
    on_foot = table[~table["driving"]]
    return Agreement(
        len(every),
        trips,
        len(driving),
        int(driving["within"].sum()),
        len(able),
        int(able["within"].sum()),
        len(on_foot),
        int(on_foot["within"].sum()),
    )
