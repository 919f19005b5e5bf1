"""What a dispatcher asks after a day, from the exported files: who drove how far and how long, and stood where."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from functions.core.plural import plural

COLUMNS = (
    "vehicle", "trips", "km", "driving h:mm", "idle h:mm", "stops", "longest stop h:mm", "top km/h", "too fast",
    "off route", "late",
)  # fmt: skip
"""The last three are counts: runs over the limit, ways off the route, arrivals after the promise."""
MOST_VEHICLES = 12
NEEDED = {
    "trips": ["vehicle_id", "distance_km", "duration_s", "idle_s", "max_kph"],
    "stops": ["vehicle_id", "duration_s"],
    "events": ["vehicle_id", "kind", "late_s"],
}


class Told(NamedTuple):
    """A table: every cell as text, vehicles with the longest way first and the fleet's sum last; and in words what is
    not in it (empty when everything is)."""

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str


def told(folder: Path, most: int = MOST_VEHICLES) -> Told:
    """The table of an export folder (`exports/pclass=…/date=…/…parquet`)."""
    return table(exported(folder, "trips"), exported(folder, "stops"), exported(folder, "events"), most)


def exported(folder: Path, pclass: str) -> pd.DataFrame:
    """All rows of one class, each product once; no rows where the class was never exported."""
    files = sorted(folder.glob(f"pclass={pclass}/date=*/*.parquet"))
    frames = [pd.read_parquet(file, partitioning=None) for file in files]
    rows = pd.concat([frame for frame in frames if len(frame)]) if frames else pd.DataFrame()
    return rows.drop_duplicates("product_id") if len(rows) else rows


def table(trips: pd.DataFrame, stops: pd.DataFrame, events: pd.DataFrame, most: int = MOST_VEHICLES) -> Told:
    """The table of these products; a day without any gives the sum alone."""
    trips, stops, events = _fitted(trips, "trips"), _fitted(stops, "stops"), _fitted(events, "events")
    vehicles = _by_vehicle(trips, stops, events).sort_values(["km", "stops"], ascending=False)
    shown = vehicles if len(vehicles) <= most + 1 else vehicles.head(most)
    rows = [_cells(str(vehicle_id), row) for vehicle_id, row in shown.iterrows()]
    left = len(vehicles) - len(shown)
    note = f"and {plural(left, 'vehicle')} that drove less" if left else ""
    return Told(COLUMNS, [*rows, _cells(f"all {len(vehicles):,}", _fleet(vehicles))], note)


def _by_vehicle(trips: pd.DataFrame, stops: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    by_trips, by_stops = trips.groupby("vehicle_id"), stops.groupby("vehicle_id")
    late = events[(events["kind"] == "arrival") & (events["late_s"] > 0)]
    columns = {
        "trips": by_trips.size(),
        "km": by_trips["distance_km"].sum(),
        "driving_s": by_trips["duration_s"].sum(),
        "idle_s": by_trips["idle_s"].sum(),
        "stops": by_stops.size(),
        "longest_s": by_stops["duration_s"].max(),
        "top_kph": by_trips["max_kph"].max(),
        "overspeed": _count(events, "overspeed"),
        "off_route": _count(events, "route_deviation"),
        "late": late.groupby("vehicle_id").size(),
    }
    return pd.DataFrame(columns).fillna(0.0)


def _count(events: pd.DataFrame, kind: str) -> pd.Series:
    return events[events["kind"] == kind].groupby("vehicle_id").size()


def _fleet(vehicles: pd.DataFrame) -> pd.Series:
    fleet = vehicles.sum()
    for name in ("longest_s", "top_kph"):
        fleet[name] = vehicles[name].max() if len(vehicles) else 0.0
    return fleet


def _cells(name: str, row: pd.Series) -> tuple[str, ...]:
    return (
        name,
        f"{row['trips']:,.0f}",
        f"{row['km']:,.1f}",
        _hours(row["driving_s"]),
        _hours(row["idle_s"]),
        f"{row['stops']:,.0f}",
        _hours(row["longest_s"]),
        f"{row['top_kph']:.0f}",
        *(f"{row[count]:,.0f}" for count in ("overspeed", "off_route", "late")),
    )


def _hours(seconds: float) -> str:
    """Hours and minutes, as a dispatcher writes them."""
    minutes = round(seconds / 60)
    return f"{minutes // 60:,}:{minutes % 60:02}"


def _fitted(rows: pd.DataFrame, pclass: str) -> pd.DataFrame:
    """The columns that are needed; one that no row ever filled is not in the files."""
    return rows.reindex(columns=NEEDED[pclass])
