"""The result table: every recording through the real directors one event a message, and pandas beside it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator, Sequence

import pandas as pd

from tests.replay import oracle
from tests.replay.compare import PCLASSES, assert_faces, assert_rows
from tests.replay.feed import Hall, in_time_order
from tests.replay.recorded import Event
from tests.replay.sources import SOURCES

COLUMNS = (
    "source", "order", "line", "events", "distinct", "rows", "late", "quarantined", "not ok", "distance km",
    "pandas km", "state",
)  # fmt: skip


def drawn(names: Sequence[str]) -> Iterator[str]:
    """Lines of a Markdown table, as they become known."""
    logging.disable()
    yield "| " + " | ".join(COLUMNS) + " |"
    yield "|" + "---|" * len(COLUMNS)
    for name in names:
        given = SOURCES[name].events()
        by_time = in_time_order(given)
        for order, events in (("given", given), ("by time", by_time)) if by_time != given else (("given", given),):
            for cells in _result(events):
                yield "| " + " | ".join((name, order, *cells)) + " |"


def _result(events: Sequence[Event]) -> Iterator[tuple[str, ...]]:
    hall = Hall()
    asyncio.run(hall.take(events))
    quarantined = hall.rows("quarantined")
    refused = Counter(quarantined["line"]) if len(quarantined) else Counter()
    for line, count in Counter(event["line"] for event in events).items():
        arrived = oracle.distinct(events, line)
        late = oracle.late(arrived, line)
        rows = hall.rows(PCLASSES[line])
        yield (
            line,
            f"{count:,}",
            f"{len(arrived):,}",
            f"{len(rows):,}",
            f"{int(rows['late'].sum()):,}",
            f"{refused[line]:,}",
            _filtered(rows),
            *_distances(line, hall, arrived[~late]),
            _verdict(line, hall, arrived, late),
        )


def _filtered(rows: pd.DataFrame) -> str:
    """Rows by quality, as known when each was committed; late ones are not judged against others."""
    found = Counter(rows["quality"])
    return ", ".join(f"{quality} {count}" for quality, count in sorted(found.items()) if quality != "ok")


def _distances(line: str, hall: Hall, known: pd.DataFrame) -> tuple[str, str]:
    if line != "gps":
        return "", ""
    expected = oracle.gps_faces(oracle.in_order(known))
    return f"{hall.faces(line)['distance_km'].sum():,.3f}", f"{expected['distance_km'].sum():,.3f}"


def _verdict(line: str, hall: Hall, arrived: pd.DataFrame, late: pd.Series) -> str:
    try:
        assert_rows(line, hall.rows(PCLASSES[line]), arrived, late)
        assert_faces(line, hall.faces(line), arrived[~late])
    except AssertionError as error:
        return f"DIFFERS: {str(error).splitlines()[0]}"
    return "equal"
