"""Episodes: what begins, may peak, and ends. Each is one alert, told as whole snapshots of rising version.

An alert is told at once. A late reading may revise it (same id, higher version) or annul it (withdrawn).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from functions.core.ids import digest
from functions.core.row import Emission, Row

ALERTS = "alerts"
_NEVER = datetime.max.replace(tzinfo=UTC)


class Episode(msgspec.Struct, frozen=True, array_like=True):
    """One episode as its line sees it; `subject` is the probe, sku, fence… it is about.

    At most one of a kind and subject is open at a time. `details` are what people want to know besides (limits,
    distances; JSON values with units in their names).
    """

    kind: str
    subject: str
    started_at: datetime
    ended_at: datetime | None = None
    peak: float | None = None
    details: dict[str, Any] = {}

    def meets(self, other: "Episode") -> bool:
        """The same episode seen at another time: of one kind and subject, and with a moment in common."""
        return (
            self.kind == other.kind
            and self.subject == other.subject
            and self.started_at <= (other.ended_at or _NEVER)
            and other.started_at <= (self.ended_at or _NEVER)
        )


class Alert(msgspec.Struct, frozen=True, array_like=True):
    """An episode as it was last told. The id comes from the start that was told first, so a revision keeps it; a
    withdrawn alert is remembered, because the same start may be told again and must then be a higher version."""

    alert_id: str
    version: int
    episode: Episode
    withdrawn: bool = False


def seen(episodes: Sequence[Episode], sightings: Iterable[Episode]) -> list[Episode]:
    """Episodes after sightings, in order: each continues the open one of its kind and subject, or begins one."""
    after = list(episodes)
    for sighting in sightings:
        for place in range(len(after) - 1, -1, -1):
            known = after[place]
            if known.ended_at is None and (known.kind, known.subject) == (sighting.kind, sighting.subject):
                after[place] = sighting
                break
        else:
            after.append(sighting)
    return after


def told(
    alerts: Sequence[Alert], episodes: Sequence[Episode], line: str, vehicle_id: str, as_of: datetime | None = None
) -> tuple[list[Alert], list[Emission]]:
    """Alerts that say what the episodes are now, in their order and with the withdrawn ones behind them, and what must
    be published so that everybody knows. `as_of` is the event time up to which that is known."""
    left = {alert.alert_id: alert for alert in alerts}
    ids = [digest("alert", one.kind, vehicle_id, one.subject, one.started_at).hex() for one in episodes]
    found = [left.pop(alert_id, None) for alert_id in ids]
    after: list[Alert] = []
    news: list[Emission] = []
    for alert_id, episode, known in zip(ids, episodes, found, strict=True):
        alert = known or next((one for one in left.values() if one.episode.meets(episode)), None)
        if alert is not None:
            left.pop(alert.alert_id, None)
        if alert is None or alert.withdrawn or alert.episode != episode:
            version = alert.version + 1 if alert else 1
            alert = Alert(alert.alert_id if alert else alert_id, version, episode)
            news.append((ALERTS, snapshot(alert, line, vehicle_id, as_of)))
        after.append(alert)
    for alert in left.values():
        if alert.withdrawn:
            after.append(alert)
            continue
        annulled = Alert(alert.alert_id, alert.version + 1, alert.episode, withdrawn=True)
        news.append((ALERTS, snapshot(annulled, line, vehicle_id, as_of)))
        after.append(annulled)
    return after, news


def snapshot(alert: Alert, line: str, vehicle_id: str, as_of: datetime | None) -> Row:
    """An alert as it is published: whole, so that the newest version says everything."""
    episode = alert.episode
    status = "withdrawn" if alert.withdrawn else "closed" if episode.ended_at else "open"
    return {
        "alert_id": alert.alert_id,
        "version": alert.version,
        "kind": episode.kind,
        "subject": episode.subject,
        "line": line,
        "vehicle_id": vehicle_id,
        "status": status,
        "started_at": episode.started_at,
        "ended_at": episode.ended_at,
        "peak": episode.peak,
        "details": episode.details,
        "event_at": episode.ended_at or as_of,
    }
