"""What is read of a line's traffic: in the cloud from Cloud Monitoring, on the laptop from the courier."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlparse

from functions.adapters.backlog import CourierBacklog, MonitoredBacklog, newest, series_url, total
from functions.core.traffic import Traffic

NOW = datetime(2024, 5, 1, 8, tzinfo=UTC)


def series(*values: int, answer: str | None = None) -> dict[str, object]:
    labels = {"response_class": answer} if answer else {}
    return {"metric": {"labels": labels}, "points": [{"value": {"int64Value": str(value)}} for value in values]}


class Told(MonitoredBacklog):
    """Cloud Monitoring's answers by metric; which filters were asked for."""

    def __init__(self, **answers: list[dict[str, object]]) -> None:
        super().__init__("fleet", lambda: NOW)
        self.answers = answers
        self.asked: list[str] = []

    def _fetch(self, metrics: str) -> dict[str, object]:
        self.asked.append(metrics)
        return next(({"timeSeries": found} for name, found in self.answers.items() if name in metrics), {})


async def test_traffic_is_the_newest_backlog_and_the_sum_of_what_was_pushed() -> None:
    told = Told(
        num_undelivered_messages=[series(40, 90)],
        oldest_unacked_message_age=[series(12, 300)],
        push_request_count=[
            series(500, 400, answer="ack"),
            series(3, answer="remote_server_5xx"),
            series(2, answer="unreachable"),
        ],
        fleetline_quarantined=[series(7), series(1, 1)],
    )
    assert await told.traffic("gps") == Traffic(600, 40, 12, 900, 5, 9)
    assert all('"gps"' in asked for asked in told.asked)


async def test_a_line_nobody_uses_has_no_series_and_no_traffic() -> None:
    assert await Told().traffic("gps") == Traffic(600, 0, 0, 0, 0, 0)
    assert await Told().unanswered_s("gps") == 180


def test_the_newest_of_several_subscriptions_is_the_worst() -> None:
    assert newest({"timeSeries": [series(5, 900), series(30), {"points": []}]}) == 30
    assert total({}) == 0


def test_the_request_names_filter_and_window() -> None:
    query = parse_qs(urlparse(series_url("fleet", "metric.type=x", NOW)).query)
    assert query["filter"] == ["metric.type=x"]
    assert query["interval.startTime"] == ["2024-05-01T07:50:00+00:00"]


async def test_the_courier_counts_since_it_came_up_and_is_asked_for_what_is_new() -> None:
    board = {
        "gps": {
            "oldest_unanswered_s": 2.5,
            "unanswered": 4,
            "up_s": 10.0,
            "answered": 100,
            "failed": 5,
            "quarantined": 1,
        }
    }

    class Board(CourierBacklog):
        async def _notices(self) -> dict[str, dict[str, float]]:
            return json.loads(json.dumps(board))

    backlog = Board("http://board")
    assert await backlog.traffic("gps") == Traffic(10, 4, 2.5, 100, 5, 1)
    board["gps"] |= {"up_s": 15.0, "answered": 150}
    assert await backlog.traffic("gps") == Traffic(5, 4, 2.5, 50, 0, 0)
    assert await backlog.traffic("stock") == Traffic(0, 0, 0, 0, 0, 0)
