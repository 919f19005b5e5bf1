"""Unloading: the crates of one class become a Parquet file a day, without what earlier exports have already."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from functions.core.columns import Columns, merged, parquet
from functions.core.manifest import File, day_folder, export_number, file_path, hashed
from functions.core.ports import Files


class Unloaded(NamedTuple):
    """One class of an export; `columns` are all that are known of it now, `repeats` the rows left out."""

    files: list[File]
    rows: int
    repeats: int
    columns: Columns


def unload(files: Files, export: int, pclass: str, crates: Sequence[bytes], known: Columns) -> Unloaded:
    """Write a class's files. The same crates give the same files, because files of earlier exports never change.

    Of a product's versions within an export the highest wins, across exports the first: it may have been read.
    """
    rows, columns = merged(crates, known)
    ranked = rows.sort_values("version", ascending=False, kind="stable")
    distinct = ranked.drop_duplicates("product_id").sort_values(["event_at", "product_id"])
    written: list[File] = []
    for day, found in distinct.groupby(distinct["event_at"].dt.date):
        folder = day_folder(pclass, day)
        fresh = found[~found["product_id"].isin(_exported(files, folder, export, found))]
        if len(fresh):
            written.append(_put(files, file_path(folder, export), fresh))
    exported = sum(file.rows for file in written)
    return Unloaded(written, exported, len(rows) - exported, columns)


def _put(files: Files, path: str, rows: pd.DataFrame) -> File:
    body = parquet(rows)
    files.put(path, body)
    first, last = (at.to_pydatetime() for at in (rows["event_at"].iloc[0], rows["event_at"].iloc[-1]))
    return File(path=path, sha256=hashed(body), rows=len(rows), first_event_at=first, last_event_at=last)


def _exported(files: Files, folder: str, before: int, rows: pd.DataFrame) -> set[str]:
    """Which of these products earlier exports have; `rows` are sorted by event time.

    A repeat has the same event time, so only slices that span the time of one of these rows are read, one by one.
    """
    ids, times = rows["product_id"], rows["event_at"].astype("int64[pyarrow]").to_numpy()
    seen: set[str] = set()
    for path in files.list(folder):
        number = export_number(path)
        if number is not None and number < before:
            with files.open(path) as file:
                for exported in _slices(pq.ParquetFile(file), times):
                    seen.update(ids[ids.isin(exported)])
    return seen


def _slices(file: Any, times: Any) -> Iterator[Any]:
    """Product ids of the row groups whose range of event times holds one of `times` (sorted, in microseconds)."""
    column = file.schema_arrow.get_field_index("event_at")
    for group in range(file.num_row_groups):
        span = file.metadata.row_group(group).column(column).statistics
        if np.searchsorted(times, span.min_raw, "left") < np.searchsorted(times, span.max_raw, "right"):
            yield file.read_row_group(group, columns=["product_id"])["product_id"].to_pandas()
