"""Columns: whatever rows hold, a column has one type for good, and no value is lost."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.columns import frame, merged, parquet

AT = "2026-03-01T12:00:00.123456+02:00"
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text()
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=2)
NAMES = st.sampled_from(["version", "event_at", "speed_kph", "ignition", "note", "trip_id", "odd"])


def types_of(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {name: str(kind.pyarrow_dtype) for name, kind in frame(rows).dtypes.items()}


def written(*exports: list[dict[str, Any]]) -> list[pd.DataFrame]:
    """Each export of one crate, in the columns that those before it left."""
    columns: dict[str, str] = {}
    frames = []
    for rows in exports:
        found, columns = merged([parquet(frame(rows))], columns)
        frames.append(found)
    return frames


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("event_at", AT, "timestamp[us, tz=UTC]"),
        ("event_at", None, "timestamp[us, tz=UTC]"),
        ("speed_kph", 3, "double"),
        ("speed_kph", None, "double"),
        ("version", 3, "int64"),
        ("wheel_count", None, "int64"),
        ("ignition", None, "bool"),
        ("trip_id", None, "string"),
        ("note", "x", "string"),
        ("dtcs", ["P0301"], "string"),
        ("new_thing", 4, "double"),
        ("new_thing", True, "bool"),
    ],
)
def test_a_column_has_the_type_its_name_or_its_values_tell(name: str, value: object, expected: str) -> None:
    assert types_of([{name: value}, {}]) == {name: expected}


def test_a_column_that_nothing_is_known_of_is_left_out_until_it_has_a_value() -> None:
    assert types_of([{"id": "a", "mystery": None}]) == {"id": "string"}


def test_times_are_utc_to_the_microsecond() -> None:
    assert frame([{"event_at": AT}])["event_at"][0] == datetime(2026, 3, 1, 10, 0, 0, 123456, UTC)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("event_at", "yesterday", "yesterday"),
        ("event_at", "2026-03-01T12:00:00", "2026-03-01T12:00:00"),
        ("version", 3.5, "3.5"),
        ("version", True, "true"),
        ("version", 2**70, str(2**70)),
        ("speed_kph", 2**60 + 1, str(2**60 + 1)),
    ],
)
def test_a_value_that_does_not_fit_its_column_is_kept_as_text_beside_it(name: str, value: object, text: str) -> None:
    row = frame([{name: value}]).iloc[0]
    assert (pd.isna(row[name]), row[f"{name}__text"]) == (True, text)


def test_values_of_several_kinds_are_kept_as_text() -> None:
    assert frame([{"odd": 1}, {"odd": "x"}, {"odd": [1]}, {"odd": None}])["odd"].fillna("-").tolist() == [
        "1",
        "x",
        "[1]",
        "-",
    ]


def test_text_that_is_no_unicode_is_kept_escaped() -> None:
    assert frame([{"note": "a\ud800b"}])["note"].tolist() == ["a\\ud800b"]


def test_an_export_keeps_the_types_of_those_before_it() -> None:
    first, second = written([{"id": "a", "door_open": None, "code": 7}], [{"id": "b", "door_open": True, "code": "E7"}])
    assert list(second.columns) == [*first.columns, "code__text"]
    assert [str(second.dtypes[name]) for name in first.columns] == [str(kind) for kind in first.dtypes]
    assert second["code__text"].tolist() == ["E7"]


def test_an_export_has_the_columns_of_those_before_it_without_a_value_of_its_own() -> None:
    _, second = written([{"id": "a", "note": "x"}], [{"id": "b"}])
    assert (list(second.columns), second["note"].isna().all()) == (["id", "note"], True)


def test_crates_that_disagree_about_a_new_column_make_it_text() -> None:
    found, columns = merged([parquet(frame([{"odd": 1}])), parquet(frame([{"odd": "x"}]))], {})
    assert (found["odd"].tolist(), columns) == (["1", "x"], {"odd": "text"})


def test_the_same_rows_are_the_same_bytes() -> None:
    rows = [{"event_at": AT, "note": str(number), "speed_kph": number / 7} for number in range(100)]
    assert parquet(frame(rows)) == parquet(frame(list(rows)))


def test_files_carry_nothing_but_their_columns() -> None:
    assert pq.read_schema(BytesIO(parquet(frame([{"note": "x"}])))).metadata is None


@given(st.lists(st.lists(st.dictionaries(NAMES, VALUES, max_size=4), min_size=1, max_size=4), min_size=1, max_size=3))
def test_no_value_is_lost_and_no_column_changes_its_type(exports: list[list[dict[str, Any]]]) -> None:
    exports = [[{"product_id": "p", **row} for row in rows] for rows in exports]
    types: dict[str, str] = {}
    for rows, found in zip(exports, written(*exports), strict=True):
        for name, kind in found.dtypes.items():
            assert types.setdefault(name, str(kind)) == str(kind)
        kept = found.notna().sum().sum()
        assert kept == sum(value is not None for row in rows for value in row.values())
