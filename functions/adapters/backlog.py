"""How far behind a line is: from Cloud Monitoring, or on the laptop from the courier that delivers its messages."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from functions.core.ports import Clock
from functions.errors import Unavailable

SAMPLED_S = 180.0
"""Pub/Sub's age is sampled every 60 s and visible up to 120 s later: a line may have stopped that long ago unseen."""
WINDOW = timedelta(minutes=10)
TIMEOUT_S = 5.0
_AGE = "pubsub.googleapis.com/subscription/oldest_unacked_message_age"


class CourierBacklog:
    """What the emulator's courier says at `url`: {topic: {"oldest_unanswered_s": seconds}}."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def unanswered_s(self, topic: str) -> float:
        try:
            body = await asyncio.to_thread(self._fetch)
        except OSError as error:
            raise Unavailable(f"the courier does not say how far behind it is: {error}") from error
        return float(json.loads(body).get(topic, {}).get("oldest_unanswered_s", 0.0))

    def _fetch(self) -> bytes:
        with urlopen(self._url, timeout=TIMEOUT_S) as reply:
            body: bytes = reply.read()
        return body


class MonitoredBacklog:
    """What Cloud Monitoring says of the subscriptions of a topic."""

    def __init__(self, project: str, now: Clock) -> None:
        self._project = project
        self._now = now
        self._session: Any = None

    async def unanswered_s(self, topic: str) -> float:
        """The age last seen, plus how long it may take to be seen."""
        return oldest_s(await asyncio.to_thread(self._series, topic)) + SAMPLED_S

    def _series(self, topic: str) -> Mapping[str, Any]:
        from google.auth import default
        from google.auth.transport.requests import AuthorizedSession

        if self._session is None:
            credentials, _ = default(scopes=["https://www.googleapis.com/auth/monitoring.read"])
            self._session = AuthorizedSession(credentials)
        reply = self._session.get(series_url(self._project, topic, self._now()), timeout=TIMEOUT_S)
        if reply.status_code != 200:
            raise Unavailable(f"Cloud Monitoring answered {reply.status_code}: {reply.text[:200]}")
        series: Mapping[str, Any] = reply.json()
        return series


def series_url(project: str, topic: str, now: datetime) -> str:
    """The request for the newest ages of a topic's subscriptions (projects.timeSeries.list)."""
    query = {
        "filter": f'metric.type="{_AGE}" AND metadata.system_labels.topic_id="{topic}"',
        "interval.startTime": (now - WINDOW).astimezone(UTC).isoformat(),
        "interval.endTime": now.astimezone(UTC).isoformat(),
    }
    return f"https://monitoring.googleapis.com/v3/projects/{project}/timeSeries?{urlencode(query)}"


def oldest_s(series: Mapping[str, Any]) -> float:
    """The greatest of the newest ages; 0 where nothing waits (then there is no series)."""
    newest = (one["points"][0]["value"] for one in series.get("timeSeries", []) if one.get("points"))
    return max((float(value.get("int64Value", value.get("doubleValue", 0))) for value in newest), default=0.0)
