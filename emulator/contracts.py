"""Contracts as a run leaves them: who is employed, which contracts have ended, and which of those were signed again."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from emulator.exports import ExportFolder
from functions.core.ports import Store
from infra.plant import LINES

Name = tuple[str, str]
"""A worker: line and vehicle."""


class Shift(NamedTuple):
    """One contract that ended."""

    line: str
    vehicle_id: str
    ended_at: datetime


class Workers(NamedTuple):
    """Every worker as Firestore has it: how many of a line have which status, and when each was last hired."""

    status: dict[str, Counter[str]]
    hired_at: dict[Name, datetime]

    def active(self) -> dict[str, int]:
        return {line: self.status[line]["active"] for line in LINES}


class Contracts(NamedTuple):
    """Of one line: contracts that ended, and those of them whose vehicle was hired again since."""

    ended: int
    signed_again: int


NOBODY = Workers({line: Counter() for line in LINES}, {})


async def workers(store: Store) -> Workers:
    found = await store.query("workers", only=["line", "vehicle_id", "status", "hired_at"], everywhere=True)
    status: dict[str, Counter[str]] = {line: Counter() for line in LINES}
    hired_at: dict[Name, datetime] = {}
    for worker in (document.fields for document in found):
        status[worker["line"]][worker["status"]] += 1
        hired_at[worker["line"], worker["vehicle_id"]] = worker["hired_at"]
    return Workers(status, hired_at)


def shifts(exports: ExportFolder) -> list[Shift]:
    """The contracts that ended, as exported."""
    columns = ["line", "vehicle_id", "ended_at"]
    return [Shift(*(row[name] for name in columns)) for row in exports.read("shifts", columns)]


def contracts(ended: Iterable[Shift], known: Workers) -> dict[str, Contracts]:
    """line → its contracts. A worker of whom two contracts ended was hired after the first of them at the latest."""
    found: dict[str, Contracts] = {line: Contracts(0, 0) for line in LINES}
    for line, vehicle_id, ended_at in ended:
        again = known.hired_at.get((line, vehicle_id), ended_at) > ended_at
        found[line] = Contracts(found[line].ended + 1, found[line].signed_again + again)
    return found
