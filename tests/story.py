"""A worker's whole story, told message by message: what consumers see once every version has arrived."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from functions.core.employment import employ, end
from functions.core.horizon import Arrival
from functions.core.line import Line
from functions.core.profile import DEFAULTS, Profile
from functions.core.worker import WorkerCodec, WorkerState

START = datetime(2024, 5, 1, 8, tzinfo=UTC)
LATER = START + timedelta(days=4_000)


class Story:
    """A worker, and everything it ever published, each thing once.

    Messages count as published at `published_at`, by default in one go long after, so that no contract ends between.
    """

    def __init__(self, line: Line[Any, Any], profile: Profile = DEFAULTS) -> None:
        self.line = line
        self.profile = profile
        self.codec = WorkerCodec(line)
        self.worker: WorkerState[Any, Any] | None = None
        self.alerts: dict[str, dict[str, Any]] = {}
        self.told: list[dict[str, Any]] = []
        self.products: dict[str, dict[str, Any]] = {}
        self.rows: dict[str, dict[str, Any]] = {}

    def tell(self, *events: dict[str, Any], published_at: datetime = LATER) -> None:
        """One message of these events."""
        waiting = [Arrival(self.line.parse(event)[1], published_at) for event in events]
        while waiting:
            employed = employ(self.line, "van", self.worker, waiting, self.profile)
            waiting = employed.left
            for outcome in employed.outcomes:
                self.rows[outcome.row["event_id"]] = outcome.row
            if employed.worker is not None:
                self.worker = self.codec.unpack(self.codec.pack(employed.worker))
                self._publish()

    def end(self) -> None:
        """The contract runs out."""
        assert self.worker is not None
        self.worker = end(self.line, "van", self.worker, self.profile)
        self._publish()

    def _publish(self) -> None:
        assert self.worker is not None
        for topic, row in self.worker.unpublished:
            if topic != "alerts":
                self.products[row["product_id"]] = row
                continue
            self.told.append(row)
            if self.alerts.get(row["alert_id"], {"version": 0})["version"] < row["version"]:
                self.alerts[row["alert_id"]] = row
        self.worker = msgspec.structs.replace(self.worker, unpublished=[])

    def kept(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The alerts that were not withdrawn, by start."""
        found = [row for row in self.alerts.values() if row["status"] != "withdrawn" and kind in (None, row["kind"])]
        return sorted(found, key=lambda row: (row["started_at"], row["kind"], row["subject"]))

    def episodes(self) -> set[tuple[Any, ...]]:
        """What makes episodes the same."""
        return {(row["kind"], row["subject"], row["started_at"], row["ended_at"], row["peak"]) for row in self.kept()}

    def of(self, pclass: str) -> list[dict[str, Any]]:
        """Products of a class, by time."""
        return sorted(
            (row for row in self.products.values() if row["pclass"] == pclass),
            key=lambda row: (row["event_at"], row["product_id"]),
        )

    @property
    def memory_bytes(self) -> int:
        assert self.worker is not None
        return len(self.codec.pack(self.worker))


def at(second: float) -> str:
    return (START + timedelta(seconds=second)).isoformat()


def span(alert: dict[str, Any]) -> tuple[float, float | None]:
    """When an alert began and ended, in seconds after the start."""
    ended_at = alert["ended_at"]
    return (alert["started_at"] - START).total_seconds(), (ended_at - START).total_seconds() if ended_at else None


def grouped(events: Sequence[dict[str, Any]], size: int) -> list[Sequence[dict[str, Any]]]:
    """Events in messages of this size."""
    return [events[start : start + size] for start in range(0, len(events), size)]
