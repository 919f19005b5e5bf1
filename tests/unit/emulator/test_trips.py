"""The dispatcher's table, and the files it reads: they open anywhere and their columns do not depend on the day."""

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from emulator import trips
from functions.core.columns import frame, parquet
from functions.core.profile import Profile
from tests.yard import GPS, Yard, at, event, spot

PARKED = [spot(60 * n, speed_kph=0) for n in range(6)]
WAY = [spot(360 + 60 * n, 1000 * n + 500, speed_kph=60) for n in range(10)]
HALT = [spot(960 + 60 * n, 9500, speed_kph=0) for n in range(40)]
BACK = [spot(3360 + 60 * n, 9500 - 1000 * n, speed_kph=60) for n in range(1, 9)]


def day(speed_limit_kph: float | None = 50) -> Yard:
    yard = Yard({name: Profile(speed_limit_kph=speed_limit_kph) for name in ("van-1", "van-2", "van-3")})
    for name, way in (("van-1", [*PARKED, *WAY, *HALT, *BACK]), ("van-2", [*PARKED, *WAY]), ("van-3", PARKED)):
        for one in way:
            yard.take(name, [GPS.parse(event(one, name))[1]], at(4000))
    return yard.close()


def export(yard: Yard, folder: Path) -> Path:
    """As the driver lays it out; every other row twice, as at-least-once may do."""
    for pclass, rows in yard.rows.items():
        path = folder / f"pclass={pclass}" / "date=2024-05-01"
        path.mkdir(parents=True)
        every = list(rows.values())
        for number, part in enumerate((every, every[::2])):
            (path / f"{number}.parquet").write_bytes(parquet(frame(part)))
    return folder


def test_a_day_as_a_dispatcher_reads_it(tmp_path: Path) -> None:
    told = trips.told(export(day(), tmp_path))
    assert [dict(zip(told.columns, row, strict=True)) for row in told.rows] == [
        line("van-1", trips="2", km="17.5", driving="0:19", stops="2", longest="0:40", too_fast="2"),
        line("van-2", trips="1", km="9.5", driving="0:10", stops="1", longest="0:05", too_fast="1"),
        line("all 2", trips="3", km="27.0", driving="0:29", stops="3", longest="0:40", too_fast="3"),
    ]
    assert told.note == ""


def line(vehicle: str, driving: str, longest: str, too_fast: str, **cells: str) -> dict[str, str]:
    times = {"driving h:mm": driving, "idle h:mm": "0:00", "longest stop h:mm": longest}
    counts = {"top km/h": "60", "too fast": too_fast, "off route": "0", "late": "0"}
    every = {"vehicle": vehicle, **cells, **times, **counts}
    return {name: every[name] for name in trips.COLUMNS}


def test_a_day_without_products_is_a_table_with_nothing_in_it(tmp_path: Path) -> None:
    told = trips.told(tmp_path)
    assert [row[:3] for row in told.rows] == [("all 0", "0", "0.0")]


def test_of_many_vehicles_those_that_drove_most_are_shown_and_all_are_counted() -> None:
    driven = pd.DataFrame(
        [
            {"vehicle_id": f"van-{n}", "distance_km": float(n), "duration_s": 60.0, "idle_s": 0.0, "max_kph": 50.0}
            for n in range(40)
        ]
    )
    told = trips.table(driven, pd.DataFrame(), pd.DataFrame(), most=3)
    assert [row[0] for row in told.rows] == ["van-39", "van-38", "van-37", "all 40"]
    assert told.rows[-1][2] == "780.0"
    assert told.note == "and 37 vehicles that drove less"


@pytest.mark.parametrize("pclass", ["trips", "stops"])
def test_exported_trips_and_stops_open_in_pandas_and_duckdb_alike(pclass: str, tmp_path: Path) -> None:
    folder = export(day(), tmp_path)
    files = str(folder / f"pclass={pclass}/*/*.parquet")
    span = "epoch(min(started_at)), epoch(max(ended_at))"  # as times, DuckDB would want pytz to show them
    query = f"select count(distinct product_id), sum(distance_km), {span} from '{files}'"
    found: Any = duckdb.sql(query).fetchall()[0]
    rows = trips.exported(folder, pclass)
    distinct = duckdb.sql(f"select sum(km) from (select any_value(distance_km) km from '{files}' group by product_id)")
    total: Any = distinct.fetchall()[0]
    assert found[0] == len(rows)
    assert total[0] == pytest.approx(rows["distance_km"].sum())
    assert found[2] == rows["started_at"].min().timestamp()
    assert found[3] == rows["ended_at"].max().timestamp()


@pytest.mark.parametrize("pclass", ["trips", "stops"])
def test_columns_are_the_same_whatever_the_day_was_like(pclass: str) -> None:
    one, other = (
        frame(list(yard.rows[pclass].values())).dtypes.astype(str).to_dict()
        for yard in (day(), day(speed_limit_kph=None))
    )
    assert one == other
    assert {"started_at", "ended_at", "duration_s", "distance_km"} <= one.keys()
    assert {name: one[name] for name in ("started_at", "duration_s", "distance_km")} == {
        "started_at": one["ended_at"],
        "duration_s": one["distance_km"],
        "distance_km": one["duration_s"],
    }
