"""The request Eventarc sends, as the functions-framework and our envelope read it."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.http import from_http
from google.pubsub_v1 import types

from emulator.cloud_event import Envelope, publish_time
from emulator.courier import FAILURES_BEFORE_BACKOFF, PushBackoff
from functions.adapters.envelope import opened

NOW = datetime(2025, 1, 6, tzinfo=UTC)
SUBSCRIPTION = "projects/p/subscriptions/eventarc-gps"


def message(data: bytes = b'{"x": 1}', attributes: dict[str, str] | None = None, nanos: int = 123_456_000) -> Any:
    found = types.PubsubMessage.pb()(message_id="17", data=data, attributes=attributes or {})
    found.publish_time.seconds, found.publish_time.nanos = 1736150400, nanos
    return found


def sent(envelope: Envelope, what: Any, attempt: int = 1) -> tuple[dict[str, str], bytes]:
    published = publish_time(what)
    lines = envelope.headers(what.message_id, published).decode().strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return headers, envelope.body(what, published, attempt)


def test_it_has_the_headers_and_the_body_of_the_real_one() -> None:
    envelope = Envelope("p", "gps", SUBSCRIPTION, counts_attempts=True)
    headers, body = sent(envelope, message(attributes={"a": 'quo"te'}), attempt=3)
    assert envelope.path == b"/?__GCP_CloudEventsMode=CUSTOM_PUBSUB_projects%2Fp%2Ftopics%2Fgps"
    assert headers["ce-id"] == "17"
    assert headers["ce-source"] == "//pubsub.googleapis.com/projects/p/topics/gps"
    assert headers["ce-type"] == "google.cloud.pubsub.topic.v1.messagePublished"
    assert headers["ce-specversion"] == "1.0"
    assert headers["ce-time"] == "2025-01-06T08:00:00.123456Z"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("APIs-Google; ")
    assert len(headers["traceparent"]) == 55
    assert json.loads(body) == {
        "deliveryAttempt": 3,
        "message": {
            "attributes": {"a": 'quo"te'},
            "data": base64.b64encode(b'{"x": 1}').decode(),
            "messageId": "17", "message_id": "17",
            "publishTime": "2025-01-06T08:00:00.123456Z", "publish_time": "2025-01-06T08:00:00.123456Z",
        },
        "subscription": SUBSCRIPTION,
    }  # fmt: skip


def test_what_is_not_there_is_left_out() -> None:
    _, body = sent(Envelope("p", "gps", SUBSCRIPTION, counts_attempts=False), message())
    assert set(json.loads(body)) == {"message", "subscription"}
    assert "attributes" not in json.loads(body)["message"]


@pytest.mark.parametrize("data", [b'{"x": 1}', b"", b"\x00\xff", b"junk", "ö".encode()])
def test_our_functions_find_the_message_in_it(data: bytes) -> None:
    headers, body = sent(Envelope("p", "gps", SUBSCRIPTION, counts_attempts=True), message(data))
    found = opened(from_http(headers, body), NOW)
    assert (found.message_id, found.data) == ("17", data)
    assert found.published_at == datetime(2025, 1, 6, 8, 0, 0, 123456, tzinfo=UTC)


def test_a_full_second_has_no_fraction() -> None:
    assert publish_time(message(nanos=0)) == "2025-01-06T08:00:00Z"
    assert publish_time(message(nanos=20_000_000)) == "2025-01-06T08:00:00.02Z"


def test_one_poison_message_among_good_ones_never_holds_a_line_back() -> None:
    backoff = PushBackoff()
    for second in range(1_000):
        backoff.failed(second)
        backoff.succeeded()
        assert backoff.left_s(second) == 0


def test_a_line_where_everything_fails_is_tried_ever_less_often_and_at_once_when_it_works_again() -> None:
    backoff = PushBackoff()
    now_s, pauses = 0.0, []
    for _ in range(FAILURES_BEFORE_BACKOFF + 10):
        backoff.failed(now_s)
        pauses.append(backoff.left_s(now_s))
        now_s += pauses[-1]
    assert pauses[: FAILURES_BEFORE_BACKOFF - 1] == [0.0] * (FAILURES_BEFORE_BACKOFF - 1)
    assert pauses[FAILURES_BEFORE_BACKOFF - 1] == pytest.approx(0.1)
    assert pauses[-1] == pytest.approx(10)
    backoff.succeeded()
    assert backoff.left_s(now_s) == 0
