"""Episodes: what begins, may peak, and ends; each is one alert, told as whole snapshots of rising version."""

from datetime import datetime

import msgspec

from functions.core.ids import digest
from functions.core.line import Row

ALERTS = "alerts"


class Episode(msgspec.Struct, frozen=True, array_like=True):
    """One episode of one kind. Its id comes from the start that was first announced, so a revision keeps it."""

    alert_id: str
    kind: str
    subject: str
    version: int
    started_at: datetime
    ended_at: datetime | None


def opened(kind: str, vehicle_id: str, subject: str, started_at: datetime) -> Episode:
    alert_id = digest("alert", kind, vehicle_id, subject, started_at).hex()
    return Episode(alert_id, kind, subject, 1, started_at, None)


def closed(episode: Episode, ended_at: datetime) -> Episode:
    return msgspec.structs.replace(episode, version=episode.version + 1, ended_at=ended_at)


def snapshot(episode: Episode, line: str, vehicle_id: str) -> Row:
    """An episode as it is published on topic alerts: whole, so that the newest version says everything."""
    return {
        "alert_id": episode.alert_id,
        "version": episode.version,
        "kind": episode.kind,
        "subject": episode.subject,
        "line": line,
        "vehicle_id": vehicle_id,
        "status": "closed" if episode.ended_at else "open",
        "started_at": episode.started_at,
        "ended_at": episode.ended_at,
    }
