"""Jersey City's refuse trucks: a web feed polled every minute, and the same feed with its repeats taken out."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from tests.replay.recorded import Event

EASTERN = ZoneInfo("America/New_York")


def polls(path: Path) -> list[Event]:
    """All polls in their order: 198,075 rows of which 9,744 are different events.

    The feed re-sends a truck's last known position at every poll, so what identifies an event is the truck, its
    device's time **and** the position: (truck, device time) alone would give 8,349, because for 1,395 of them the feed
    shows another position under the same time. The address says nothing new (it is looked up from the position) and
    the poll stamp must not count: it is when the feed was asked, not when the truck was there.
    """
    columns = ["poll", "latitude", "longitude", "truck", "address", "device_time"]
    return _events(pd.read_csv(path, sep="|", header=None, names=columns, dtype=str, keep_default_na=False))


def distinct_rows(path: Path) -> list[Event]:
    """The feed's own file of distinct rows, unsorted."""
    columns = ["latitude", "longitude", "truck", "address", "device_time"]
    return _events(pd.read_csv(path, sep="|", header=None, names=columns, dtype=str, keep_default_na=False))


def poll_times(path: Path) -> pd.Series:
    """When each row of the polls was fetched, UTC."""
    stamps = pd.read_csv(path, sep="|", header=None, usecols=[0], dtype=str)[0]
    return pd.to_datetime(stamps, format="%m%d%y-%H%M%S", utc=True)


def _events(rows: pd.DataFrame) -> list[Event]:
    sent = {text: _with_offset(text) for text in rows["device_time"].unique()}
    return [
        {
            "line": "gps",
            "vehicle_id": row.truck,
            "event_time": sent[row.device_time],
            "latitude": float(row.latitude),
            "longitude": float(row.longitude),
        }
        for row in rows.itertuples()
    ]


def _with_offset(device_time: str) -> str:
    """The device's time with the offset it lacks: US Eastern, which is what makes the youngest row 3 s old when polled.

    In the hour that occurs twice in November the first one is meant, since nothing tells; no recorded time is in one.
    """
    return datetime.fromisoformat(device_time).replace(tzinfo=EASTERN).isoformat()
