"""Places: where a vehicle was when an episode was told to begin, to peak, to end, as far as its GPS line knows.

A step is pure and knows its own line only, so whoever commits reads the position, once, when there is such news. From
then on it is part of the memory: a late reading may revise the episode, and its places stay.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from functions.core.episode import ALERTS, Alert
from functions.core.line import R, Row, S
from functions.core.row import Emission
from functions.core.worker import Spot, WorkerState

FACE = ("latitude", "longitude", "position_at")
MOMENTS = ("start", "peak", "end")


class Position(NamedTuple):
    """Where a vehicle was, and when: degrees, WGS 84."""

    latitude: float
    longitude: float
    at: datetime


def position_of(face: Mapping[str, Any]) -> Position | None:
    """The position a GPS worker's document shows."""
    latitude, longitude, at = (face.get(name) for name in FACE)
    return None if latitude is None or longitude is None or at is None else Position(latitude, longitude, at)


def news(before: WorkerState[S, R] | None, after: WorkerState[S, R], kinds: Collection[str]) -> list[Alert]:
    """Alerts of these kinds that this commit tells for the first time, or anew."""
    versions = {alert.alert_id: alert.version for alert in before.alerts} if before else {}
    return [
        alert
        for alert in after.alerts
        if alert.episode.kind in kinds and not alert.withdrawn and versions.get(alert.alert_id) != alert.version
    ]


def placed(
    before: WorkerState[S, R] | None, after: WorkerState[S, R], kinds: Collection[str], position: Position | None
) -> WorkerState[S, R]:
    """The worker with the places its alerts had, and `position` for what this commit tells of them; every row of an
    alert or of an excursion that it emits says them."""
    places = dict(before.places) if before else {}
    alerts = {alert.alert_id: alert for alert in (*(before.alerts if before else ()), *after.alerts)}
    if position is not None:
        for alert in news(before, after, kinds):
            known = next((one for one in before.alerts if one.alert_id == alert.alert_id), None) if before else None
            spots = places.get(alert.alert_id) or [None, None, None]
            places[alert.alert_id] = _spots(spots, alert, known, position, after.watermark)
    if not places:
        return after
    by_episode = {
        (one.episode.kind, one.episode.subject, one.episode.started_at): places[alert_id]
        for alert_id, one in alerts.items()
        if alert_id in places
    }
    emissions = [_told(emission, places, by_episode) for emission in after.unpublished]
    kept = {alert.alert_id: places[alert.alert_id] for alert in after.alerts if alert.alert_id in places}
    return msgspec.structs.replace(after, unpublished=emissions, places=kept)


def _spots(
    spots: Sequence[Spot | None], alert: Alert, known: Alert | None, position: Position, now: datetime | None
) -> list[Spot | None]:
    """Start, peak and end, those that are news filled in. The age is how much older the position is than the moment."""
    start, peak, end = spots
    episode = alert.episode

    def spot(moment: datetime) -> Spot:
        return position.latitude, position.longitude, (moment - position.at).total_seconds()

    if start is None:
        start = spot(episode.started_at)
    if peak is None or known is None or known.episode.peak != episode.peak:
        peak = spot(now or episode.started_at)
    if end is None and episode.ended_at is not None:
        end = spot(episode.ended_at)
    return [start, peak, end]


def _told(
    emission: Emission, places: Mapping[str, Sequence[Spot | None]], by_episode: Mapping[Any, Sequence[Spot | None]]
) -> Emission:
    topic, row = emission
    if topic == ALERTS:
        spots = places.get(row["alert_id"])
        return (topic, {**row, "details": {**row["details"], **_columns(spots)}}) if spots else emission
    spots = by_episode.get((row.get("kind"), row.get("probe"), row.get("started_at")))
    return (topic, {**row, **_columns(spots)}) if spots else emission


def _columns(spots: Sequence[Spot | None]) -> Row:
    columns: Row = {}
    for moment, spot in zip(MOMENTS, spots, strict=True):
        if spot is not None:
            columns[f"{moment}_latitude"], columns[f"{moment}_longitude"], columns[f"{moment}_position_age_s"] = spot
    return columns
