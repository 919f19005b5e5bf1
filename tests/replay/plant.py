"""A whole plant fed with recordings: the emulator's own replay, workers read before it goes down, files after."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pandas as pd
import pyarrow.parquet as pq

from emulator.commands.replay import Replay
from emulator.drain import Drain
from emulator.event_files import read
from emulator.exports import ExportFolder, pclass_of
from emulator.plant import Plant
from emulator.run import Stage, run
from emulator.terminal import Terminal
from emulator.unanswered import Unanswered
from tests.replay import oracle
from tests.replay.compare import PCLASSES, assert_faces, assert_rows
from tests.replay.recorded import Event

T = TypeVar("T")
LOOK_EVERY_S = 0.02
Meanwhile = Callable[[Plant], Awaitable[None]]
"""Something done to a plant while it works."""


class Replayed(NamedTuple):
    """What a replay left: the report as the command writes it, workers' faces by line, exported rows by class."""

    report: dict[str, Any]
    faces: dict[str, pd.DataFrame]
    rows: dict[str, pd.DataFrame]

    def assert_sound(self) -> None:
        assert {name: self.report[name] for name in ("lost", "duplicated")} == {"lost": 0, "duplicated": 0}

    def assert_equals_pandas(self, events: Sequence[Event]) -> None:
        """Every distinct event is a row, and every state is what pandas makes of those that were not late."""
        for line in sorted({event["line"] for event in events}):
            arrived, rows = oracle.distinct(events, line), self.rows[PCLASSES[line]]
            assert_rows(line, rows, arrived)
            late = arrived["key"].map(bytes.hex).isin(rows.loc[rows["late"], "event_id"])
            assert_faces(line, self.faces[line], arrived[~late])


async def replayed(plant: Plant, events: Sequence[Event], folder: Path, meanwhile: Meanwhile | None = None) -> Replayed:
    """Replay events at full speed, in their order, through a plant that is not up yet."""
    day, report_file = folder / "events.jsonl", folder / f"report-{secrets.token_hex(4)}.json"
    day.write_text("".join(json.dumps(event) + "\n" for event in events))
    faces: dict[str, pd.DataFrame] = {}

    async def publish(stage: Stage) -> None:
        disturbing = asyncio.create_task(meanwhile(plant)) if meanwhile else None
        await Replay(stage, read(day, "gps"), None).run()
        if disturbing:
            await disturbing
        await drained(plant, stage.unanswered)
        for line in sorted({event["line"] for event in events}):
            faces[line] = await faces_of(plant, line)

    await run(plant, publish, Terminal(quiet=True), report_file)
    report = json.loads(report_file.read_text())
    return Replayed(report, faces, exported([Path(name) for name in report["export_files"]]))


async def until(found: Callable[[], Awaitable[T]], within_s: float) -> T:
    """The first answer that is true; TimeoutError when there is none in time."""
    async with asyncio.timeout(within_s):
        while True:
            if answer := await found():
                return answer
            await asyncio.sleep(LOOK_EVERY_S)


async def drained(plant: Plant, unanswered: Unanswered | None = None) -> None:
    """Wait until everything published is answered and exported."""
    folder = ExportFolder(plant.exports)
    assert await Drain(plant, unanswered or Unanswered(), folder, print).run(), "the plant stalled"


async def faces_of(plant: Plant, line: str) -> pd.DataFrame:
    """What people can query of a line's workers, by vehicle, from Firestore."""
    documents = await plant.firestore.query("workers", [("line", "==", line)], everywhere=True)
    faces = pd.DataFrame([{name: value for name, value in one.fields.items() if name != "memory"} for one in documents])
    return faces.set_index("vehicle_id").sort_index()


def exported(files: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """Rows of exported files by class, repeats and all."""
    by_class: dict[str, list[pd.DataFrame]] = {}
    for path in files:
        by_class.setdefault(pclass_of(path), []).append(pq.read_table(path, partitioning=None).to_pandas())
    return {pclass: pd.concat(parts, ignore_index=True) for pclass, parts in by_class.items()}
