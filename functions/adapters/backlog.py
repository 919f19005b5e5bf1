"""How a line fares: from Cloud Monitoring, or on the laptop from the courier that delivers its messages."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from functions.core.ports import Clock
from functions.core.traffic import Traffic
from functions.errors import Unavailable

SAMPLED_S = 180.0
"""Pub/Sub's age is sampled every 60 s and visible up to 120 s later: a line may have stopped that long ago unseen."""
WINDOW = timedelta(minutes=10)
TIMEOUT_S = 5.0
_PUBSUB = "pubsub.googleapis.com/subscription/"
_AGE, _WAITING, _PUSHED = (
    _PUBSUB + name for name in ("oldest_unacked_message_age", "num_undelivered_messages", "push_request_count")
)
_QUARANTINED = "logging.googleapis.com/user/fleetline_quarantined"


class CourierBacklog:
    """What the emulator's courier says at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._before: dict[str, Mapping[str, float]] = {}

    async def unanswered_s(self, topic: str) -> float:
        return (await self._notices()).get(topic, {}).get("oldest_unanswered_s", 0.0)

    async def traffic(self, topic: str) -> Traffic:
        """Since it was last asked."""
        notice = (await self._notices()).get(topic, {})
        before = self._before.get(topic, {})
        self._before[topic] = notice

        def since(name: str) -> float:
            return notice.get(name, 0) - before.get(name, 0)

        counts = (int(since(name)) for name in ("answered", "failed", "quarantined"))
        return Traffic(since("up_s"), int(notice.get("unanswered", 0)), notice.get("oldest_unanswered_s", 0.0), *counts)

    async def _notices(self) -> dict[str, dict[str, float]]:
        return await read_board(self._url)


async def read_board(url: str) -> dict[str, dict[str, float]]:
    """{topic: {"oldest_unanswered_s": seconds, "unanswered": messages, …}} as the courier tells it, and since it came
    up, `up_s` ago: "answered", "failed" (messages) and "quarantined" (events)."""
    try:
        board: dict[str, dict[str, float]] = json.loads(await asyncio.to_thread(_fetched, url))
    except (OSError, ValueError) as error:
        raise Unavailable(f"the courier does not say how far behind it is: {error}") from error
    return board


def _fetched(url: str) -> bytes:
    with urlopen(url, timeout=TIMEOUT_S) as reply:
        body: bytes = reply.read()
    return body


class MonitoredBacklog:
    """What Cloud Monitoring says of the subscriptions of a topic, and of the function that they trigger."""

    def __init__(self, project: str, now: Clock) -> None:
        self._project = project
        self._now = now
        self._session: Any = None

    async def unanswered_s(self, topic: str) -> float:
        """The age last seen, plus how long it may take to be seen."""
        return newest(await self._series(of_topic(_AGE, topic))) + SAMPLED_S

    async def traffic(self, topic: str) -> Traffic:
        """Over the last ten minutes. A push that is not acknowledged was answered with an error, or not at all."""
        pushes = await self._series(of_topic(_PUSHED, topic))
        quarantined = f'metric.type="{_QUARANTINED}" AND metric.labels.role="{topic}"'
        return Traffic(
            WINDOW.total_seconds(),
            int(newest(await self._series(of_topic(_WAITING, topic)))),
            newest(await self._series(of_topic(_AGE, topic))),
            total(pushes, acknowledged=True),
            total(pushes, acknowledged=False),
            total(await self._series(quarantined)),
        )

    async def _series(self, metrics: str) -> Mapping[str, Any]:
        return await asyncio.to_thread(self._fetch, metrics)

    def _fetch(self, metrics: str) -> Mapping[str, Any]:
        from google.auth import default
        from google.auth.transport.requests import AuthorizedSession

        if self._session is None:
            credentials, _ = default(scopes=["https://www.googleapis.com/auth/monitoring.read"])
            self._session = AuthorizedSession(credentials)
        reply = self._session.get(series_url(self._project, metrics, self._now()), timeout=TIMEOUT_S)
        if reply.status_code != 200:
            raise Unavailable(f"Cloud Monitoring answered {reply.status_code}: {reply.text[:200]}")
        series: Mapping[str, Any] = reply.json()
        return series


def of_topic(metric: str, topic: str) -> str:
    """A filter for a metric of a topic's trigger; its dead letters have a topic of their own."""
    return f'metric.type="{metric}" AND metadata.system_labels.topic_id="{topic}"'


def series_url(project: str, metrics: str, now: datetime) -> str:
    """The request for the last minutes of the metrics that this filter takes (projects.timeSeries.list)."""
    query = {
        "filter": metrics,
        "interval.startTime": (now - WINDOW).astimezone(UTC).isoformat(),
        "interval.endTime": now.astimezone(UTC).isoformat(),
    }
    return f"https://monitoring.googleapis.com/v3/projects/{project}/timeSeries?{urlencode(query)}"


def newest(series: Mapping[str, Any]) -> float:
    """The greatest of the newest values (points come newest first); 0 where nothing waits (then there is no series)."""
    firsts = (one["points"][0] for one in series.get("timeSeries", []) if one.get("points"))
    return max((_value(point) for point in firsts), default=0.0)


def total(series: Mapping[str, Any], acknowledged: bool | None = None) -> int:
    """The sum of all points; of pushes, those that were acknowledged or those that were not."""

    def points() -> Iterator[float]:
        for one in series.get("timeSeries", []):
            answer = one.get("metric", {}).get("labels", {}).get("response_class")
            if acknowledged is None or (answer == "ack") == acknowledged:
                yield from (_value(point) for point in one.get("points", []))

    return int(sum(points()))


def _value(point: Mapping[str, Any]) -> float:
    value = point["value"]
    return float(value.get("int64Value", value.get("doubleValue", 0)))
