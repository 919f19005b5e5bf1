"""Whatever is inside a request, a message comes out of it: what nobody can read goes to quarantine, not round."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.http import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.envelope import opened

NOW = datetime(2024, 5, 1, 8, tzinfo=UTC)
HEAD = {"type": "google.cloud.pubsub.topic.v1.messagePublished", "source": "//pubsub", "id": "event-1"}


def message(**changed: Any) -> CloudEvent:
    body = {"data": b64encode(b'{"a": 1}').decode(), "messageId": "m-1", "publishTime": "2024-05-01T07:59:58.5Z"}
    return CloudEvent(HEAD, {"message": {**body, **changed}, "subscription": "s"})


def test_a_message_is_its_id_its_bytes_and_its_publish_time() -> None:
    found = opened(message(), NOW)
    assert found == ("m-1", b'{"a": 1}', datetime(2024, 5, 1, 7, 59, 58, 500_000, tzinfo=UTC), None)


@pytest.mark.parametrize("name", ["googclient_traceparent", "traceparent"])
def test_the_publishers_trace_is_kept(name: str) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert opened(message(attributes={name: f"00-{trace}-00f067aa0ba902b7-01"}), NOW).trace == trace
    assert opened(message(attributes={name: "nonsense"}), NOW).trace is None


@pytest.mark.parametrize(("sent", "data"), [("not base64!", b'"not base64!"'), ("", b""), (7, b"7"), (None, b"")])
def test_data_that_is_no_base64_is_kept_as_it_came(sent: object, data: bytes) -> None:
    assert opened(message(data=sent), NOW).data == data


@pytest.mark.parametrize("sent", ["yesterday", None, 5, "2024-05-01T08:00:00"])
def test_without_a_publish_time_the_time_of_receipt_holds(sent: object) -> None:
    assert opened(message(publishTime=sent), NOW).published_at == NOW


@pytest.mark.parametrize("body", [None, b"raw bytes", {}, {"message": 5}, [1], "text"])
def test_what_is_no_message_is_kept_under_the_events_id(body: Any) -> None:
    found = opened(CloudEvent(HEAD, body), NOW)
    assert found.message_id == "event-1"
    assert found.published_at == NOW


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_no_body_at_all_fails(body: Any) -> None:
    sent = json.loads(
        json.dumps({"message": {"data": body, "messageId": body, "publishTime": body, "attributes": body}})
    )
    assert isinstance(opened(CloudEvent(HEAD, sent), NOW).data, bytes)
