"""Columns: JSON rows of any class become Arrow-typed frames, and a column once written never changes its type.

Only the stevedore and the driver import this: it costs a cold start pandas and pyarrow.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from io import BytesIO
from itertools import chain
from typing import Annotated, Any

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Columns = dict[str, str]
"""Name of a column → its kind, in the order of the files."""

TYPES = {
    "time": pa.timestamp("us", tz="UTC"),
    "integer": pa.int64(),
    "number": pa.float64(),
    "flag": pa.bool_(),
    "text": pa.string(),
}
_KINDS = {arrow_type: kind for kind, arrow_type in TYPES.items()}
_SHAPES: dict[str, Any] = {
    "time": list[Annotated[datetime, msgspec.Meta(tz=True)] | None],
    "integer": list[int | None],
    "number": list[int | float | None],
    "flag": list[bool | None],
    "text": list[str | None],
}
_OF_VALUE = {bool: "flag", int: "number", float: "number"}
INTEGERS = frozenset({"version", "position", "size", "readings"})
"""Every other number is a double: JSON writes 3.0 and 3 alike, and a column must not be both."""
_WORDS = {
    "text": ("id", "base64"),
    "flag": ("ignition", "moving", "late", "open", "passed"),
    "number": ("m", "km", "kph", "deg", "c", "pct", "v", "s", "minutes", "hours", "quantity"),
}
_HINTS = {word: kind for kind, words in _WORDS.items() for word in words}
"""What a column is by the last word of its name, when its values do not tell: there are none, or they disagree."""
_MISFIT = "__text"
"""Values that do not fit their column's type are kept as text in a column of their own."""
_ROW_GROUP = 32_768
"""Rows of a file that are read at once; with it the search for repeats is bounded."""


def frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as a frame: times as UTC microseconds, numbers as doubles, lists and objects as JSON text.

    A column without any value whose name does not tell its type is left out.
    """
    columns: dict[str, pa.Array] = {}
    for name in dict.fromkeys(chain.from_iterable(rows)):
        values = [row.get(name) for row in rows]
        types = {type(value) for value in values} - {type(None)}
        kind = _kind(name, {_OF_VALUE.get(python_type, "text") for python_type in types})
        if kind is not None:
            columns |= _typed(name, kind, values)
    return _to_frame(pa.table(columns))


def merged(crates: Sequence[bytes], columns: Columns) -> tuple[pd.DataFrame, Columns]:
    """The rows of some crates, one below the other, in the `columns` known so far and those that are new."""
    known = dict(columns)
    read = [pq.read_table(BytesIO(crate)) for crate in crates]
    _learn(read, known)
    tables = [_fitted(table, known) for table in read]
    schema = pa.schema([(name, TYPES[kind]) for name, kind in known.items()])
    tables.append(schema.empty_table())
    return _to_frame(pa.concat_tables(tables, promote_options="default").select(schema.names)), known


def parquet(rows: pd.DataFrame) -> bytes:
    """A frame as a Parquet file; the same rows give the same bytes."""
    return as_parquet(pa.Table.from_pandas(rows, preserve_index=False))


def as_parquet(table: pa.Table) -> bytes:
    """A table as a Parquet file; the same rows give the same bytes."""
    table = table.replace_schema_metadata()
    body = BytesIO()
    repetitive = [name for name in table.column_names if name not in ("product_id", "event_id", "event_at")]
    pq.write_table(table, body, row_group_size=_ROW_GROUP, compression="zstd", use_dictionary=repetitive)
    return body.getvalue()


def _kind(name: str, kinds: set[str]) -> str | None:
    """The kind of a column by its name and the kinds of its values; None when neither tells."""
    if name.endswith("_at"):
        return "time"
    if name in INTEGERS or name.endswith("_count"):
        return "integer"
    if len(kinds) == 1:
        return next(iter(kinds))
    return _HINTS.get(name.rpartition("_")[2], "text" if kinds else None)


def _typed(name: str, kind: str, values: Sequence[Any]) -> dict[str, pa.Array]:
    try:
        return {name: _array(kind, values)}
    except (ValueError, TypeError, OverflowError):
        fits = [_fits(kind, value) for value in values]
    fitting = [value if fit else None for value, fit in zip(values, fits, strict=True)]
    misfits = [None if fit else _as_text(value) for value, fit in zip(values, fits, strict=True)]
    if kind != "text":
        return {name: _array(kind, fitting), name + _MISFIT: _array("text", misfits)}
    return {
        name: _array(kind, [fit if misfit is None else misfit for fit, misfit in zip(fitting, misfits, strict=True)])
    }


def _array(kind: str, values: Sequence[Any]) -> pa.Array:
    """Strictly this kind (Arrow itself would take True for 1.0 and cut 3.5 to 3); raises when a value is another."""
    return pa.array(msgspec.convert(values, _SHAPES[kind]), TYPES[kind])


def _fits(kind: str, value: Any) -> bool:
    try:
        _array(kind, [value])
    except (ValueError, TypeError, OverflowError):
        return False
    return True


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return json.dumps(value, default=str)


def _learn(tables: Sequence[pa.Table], known: Columns) -> None:
    kinds: dict[str, set[str]] = {}
    for table in tables:
        for name, column in zip(table.column_names, table.columns, strict=True):
            found = kinds.setdefault(name, set())
            if column.null_count < len(column):
                found.add(_KINDS[column.type])
    for name, found in kinds.items():
        known.setdefault(name, _kind(name, found) or "text")


def _fitted(table: pa.Table, known: Columns) -> pa.Table:
    """The table with every column of the type it is known by."""
    fitted: dict[str, pa.ChunkedArray] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if TYPES[known[name]] == column.type:
            _add(fitted, name, column)
        elif column.null_count < len(column):
            target = name if known[name] == "text" else name + _MISFIT
            known.setdefault(target, "text")
            _add(fitted, target, column.cast(pa.string()))
    return pa.table(fitted)


def _add(columns: dict[str, Any], name: str, column: Any) -> None:
    columns[name] = pc.coalesce(columns[name], column) if name in columns else column


def _to_frame(table: pa.Table) -> pd.DataFrame:
    return table.to_pandas(types_mapper=pd.ArrowDtype)
