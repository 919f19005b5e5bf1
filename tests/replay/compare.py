"""Holds what a plant shows and exports against what pandas computed."""

from collections.abc import Callable

import pandas as pd

from tests.replay import oracle

DISTANCE_WITHIN = 0.001
PCLASSES = {"gps": "positions", "temperature": "temperatures", "maintenance": "diagnostics"}
MEASURED = {
    "gps": ["latitude", "longitude", "altitude_m", "odometer_km"],
    "temperature": ["temperature_c", "humidity_pct"],
    "maintenance": ["odometer_km", "fuel_pct"],
}
"""Numbers that a row carries as they were sent (a GPS speed may be found to be none)."""


def assert_rows(line: str, rows: pd.DataFrame, events: pd.DataFrame, late: pd.Series | None = None) -> None:
    """Every distinct event is exactly one row, with what it measured; `late` rows are those, where it is known."""
    assert rows["product_id"].is_unique
    expected = events.assign(event_id=events["key"].map(bytes.hex))
    assert len(rows) == len(expected)
    both = expected.merge(rows, on="event_id", how="left", suffixes=("", "_row"), validate="one_to_one")
    assert both["product_id"].notna().all(), "events without a row"
    _same(both["vehicle_id_row"], both["vehicle_id"])
    _same(both["event_at"], both["at"])
    if line == "temperature":
        both["temperature_c"] = oracle.celsius_of(both)
    for name in MEASURED[line]:
        _close(both.get(f"{name}_row", pd.Series(dtype=float)), both[name], name)
    if late is not None:
        _same(both["late"], late.reset_index(drop=True))


def assert_faces(line: str, faces: pd.DataFrame, known: pd.DataFrame) -> None:
    """Every worker's face is what pandas makes of the events its state may know (in any order)."""
    _ASSERTIONS[line](faces.sort_index(), oracle.in_order(known))


def _assert_gps(faces: pd.DataFrame, known: pd.DataFrame) -> None:
    expected = oracle.gps_faces(known)
    _same_counts(faces, expected)
    assert list(faces["filtered"]) == list(expected["filtered"])
    for name in ("latitude", "longitude", "speed_kph"):
        _close(faces[name], expected[name], name)
    for name in ("event_at", "position_at"):
        _same(pd.to_datetime(faces[name], utc=True), expected[name])
    off = (faces["distance_km"] - expected["distance_km"]).abs()
    assert (off <= DISTANCE_WITHIN * expected["distance_km"] + 1e-9).all(), off.max()


def _assert_temperature(faces: pd.DataFrame, known: pd.DataFrame) -> None:
    expected = oracle.temperature_faces(known)
    readings = known.groupby("vehicle_id").size()
    assert dict(faces["readings"]) == dict(readings)
    probes = {
        (vehicle_id, probe): said for vehicle_id, said_by in faces["probes"].items() for probe, said in said_by.items()
    }
    shown = pd.DataFrame.from_dict(probes, orient="index")
    shown = shown.set_index(pd.MultiIndex.from_tuples(probes, names=expected.index.names)).sort_index()
    assert list(shown.index) == list(expected.index)
    _same(pd.to_datetime(shown["measured_at"], utc=True), expected["at"])
    _close(shown["temperature_c"], expected["temperature_c"], "temperature_c")
    _close(shown["humidity_pct"], expected["humidity_pct"], "humidity_pct")
    impossible = known[oracle.temperature_quality(known) == "impossible"]["vehicle_id"].value_counts()
    assert {name: count for name, count in faces["filtered"].items() if count} == dict(impossible)


def _assert_maintenance(faces: pd.DataFrame, known: pd.DataFrame) -> None:
    expected = oracle.maintenance_faces(known)
    _same_counts(faces, expected)
    _same(pd.to_datetime(faces["event_at"], utc=True), expected["event_at"])
    for name in ("odometer_km", "fuel_pct"):
        _close(faces[name], expected[name], name)
    assert list(faces["service_done"].fillna("")) == list(expected["service_done"].fillna(""))


_ASSERTIONS: dict[str, Callable[[pd.DataFrame, pd.DataFrame], None]] = {
    "gps": _assert_gps,
    "temperature": _assert_temperature,
    "maintenance": _assert_maintenance,
}


def _same_counts(faces: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert list(faces.index) == list(expected.index)
    assert list(faces["readings"]) == list(expected["readings"])


def _same(found: pd.Series, expected: pd.Series) -> None:
    wrong = found.to_numpy() != expected.to_numpy()
    assert not wrong.any(), f"{found.name}: {wrong.sum()} of {len(wrong)} differ"


def _close(found: pd.Series, expected: pd.Series, name: str) -> None:
    """Numbers within rounding; what was not measured is not shown."""
    if len(found) == 0:
        assert expected.isna().all(), f"{name} is missing"
        return
    pd.testing.assert_series_equal(
        found.astype(float).reset_index(drop=True),
        expected.astype(float).reset_index(drop=True),
        check_names=False,
        rtol=1e-12,
        obj=name,
    )
