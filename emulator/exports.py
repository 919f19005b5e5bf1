"""What the export folder holds, read from its files."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

PREFIX = "pclass="


class ExportFolder:
    """An export folder as one run sees it: files that were there before count as stored, not as this run's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._rows: dict[Path, int] = {}
        self._before = frozenset(self.all_files())

    def all_files(self) -> list[Path]:
        return sorted(self.folder.glob(f"{PREFIX}*/date=*/*.parquet"))

    def files(self) -> list[Path]:
        """This run's files."""
        return [path for path in self.all_files() if path not in self._before]

    def rows(self) -> Counter[str]:
        """Rows of this run by class. Each file's footer is read once: a file that is there is whole."""
        found: Counter[str] = Counter()
        for path in self.files():
            if path not in self._rows:
                self._rows[path] = pq.read_metadata(path).num_rows
            found[pclass_of(path)] += self._rows[path]
        return found

    def product_ids(self) -> dict[str, Counter[str]]:
        """class → product id → how often it occurs, over every file of the folder."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for path in self.all_files():
            table = pq.read_table(path, columns=["product_id"], partitioning=None)
            found[pclass_of(path)].update(table.column("product_id").to_pylist())
        return found

    def read(self, pclass: str, columns: Sequence[str]) -> list[dict[str, Any]]:
        """These columns of this run's rows of a class."""
        found: list[dict[str, Any]] = []
        for path in self.files():
            if pclass_of(path) == pclass:
                found += pq.read_table(path, columns=list(columns), partitioning=None).to_pylist()
        return found

    def late(self) -> int:
        """Readings of this run that came too late to change a state."""
        tables = (pq.read_table(path, columns=["late"], partitioning=None) for path in self.files())
        return sum(table.column("late").to_pylist().count(True) for table in tables)


def pclass_of(path: Path) -> str:
    return next(part.removeprefix(PREFIX) for part in path.parts if part.startswith(PREFIX))
