"""A car that knows the limit of every second of its way (Twizy): overspeed beside what the columns say."""

from typing import Any

import pandas as pd

from functions.core.episode import Episode, seen
from functions.core.profile import Profile
from functions.lines.gps import LINE, parse
from tests.replay import oracle
from tests.replay.recorded import FOLDER

LOGS = ("T1_03_29_2021", "T3_05_25_2021_04")
Span = tuple[pd.Timestamp, pd.Timestamp | None, float]


def log(name: str) -> pd.DataFrame:
    """A Twizy log in order: at, speed_kph, limit_kph and place; rows without a date left out."""
    rows = pd.read_csv(FOLDER / f"twizy_ev/{name}.csv", dtype={"Date": str, "Time": str})
    rows["at"] = pd.to_datetime(
        rows["Date"] + " " + rows["Time"], format="%m/%d/%Y %H:%M:%S", errors="coerce", utc=True
    )
    rows = rows[rows["at"].notna()].drop_duplicates("at").sort_values("at", kind="stable")
    return rows.rename(columns={"Speed": "speed_kph", "SpeedLimit": "limit_kph"}).reset_index(drop=True)


def good(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that are no jump, as pandas finds them."""
    fixes = rows.rename(columns={"LAT": "latitude", "LON": "longitude"}).assign(vehicle_id="twizy")
    return rows[oracle.gps_quality(fixes) == "ok"].reset_index(drop=True)


def expected(rows: pd.DataFrame) -> list[Span]:
    """(first second over its limit, first second not over, highest speed) of every run, from the columns alone."""
    over = rows["speed_kph"] > rows["limit_kph"]
    runs = (over != over.shift()).cumsum()
    found: list[Span] = []
    for _, run in rows[over].groupby(runs[over]):
        after = run.index[-1] + 1
        end = rows["at"][after] if after < len(rows) else None
        found.append((run["at"].iloc[0], end, float(run["speed_kph"].max())))
    return found


def found(rows: pd.DataFrame) -> list[Span]:
    """The episodes of the GPS line. Its limits go by place and the log's by second, so each second is folded under a
    profile with that second's limit: the receiver stands still for ten seconds at a time, too coarse for fences."""
    state: Any = LINE.start()
    episodes: list[Episode] = []
    for row in rows.itertuples():
        where = {"latitude": row.LAT, "longitude": row.LON, "speed_kph": row.speed_kph}
        _, reading = parse({"vehicle_id": "twizy", "event_time": row.at.isoformat(), **where})
        state, _, _, sightings = LINE.step(state, reading, Profile(speed_limit_kph=row.limit_kph))
        episodes = seen(episodes, sightings)
    return [
        (pd.Timestamp(one.started_at), pd.Timestamp(one.ended_at) if one.ended_at else None, one.peak or 0.0)
        for one in episodes
        if one.kind == "overspeed"
    ]
