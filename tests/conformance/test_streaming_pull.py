"""StreamingPull: messages as they come, acknowledged on the stream itself."""

import contextlib
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from google.api_core.exceptions import Cancelled
from google.pubsub_v1.types import ReceivedMessage

from .speech import Plumbing, Stream, outcome, until


def test_a_stream_delivers_what_waits_and_what_comes(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    plumbing.publish(b"waiting")
    with plumbing.stream(subscription) as stream:
        assert [received.message.data for received in stream.receive(1)] == [b"waiting"]
        plumbing.publish(b"coming", vehicle="v1")
        (received,) = stream.receive(1)
    assert (received.message.data, received.message.attributes) == (b"coming", {"vehicle": "v1"})


def test_a_message_acknowledged_on_the_stream_is_gone(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    plumbing.publish(b"1", b"2")
    with plumbing.stream(subscription) as stream:
        received = stream.receive(2)
        stream.send(
            ack_ids=[received[0].ack_id], modify_deadline_ack_ids=[received[1].ack_id], modify_deadline_seconds=[0]
        )
        again = stream.receive(1)
        assert [each.message.message_id for each in again] == [received[1].message.message_id]
        stream.send(ack_ids=[again[0].ack_id])
        plumbing.publish(b"mark")
        assert [each.message.data for each in stream.receive(1)] == [b"mark"]


def test_two_streams_share_the_messages(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    for number in range(40):
        plumbing.publish(*[b"%d" % number] * 5)
    received: list[ReceivedMessage] = []
    with plumbing.stream(subscription) as first, plumbing.stream(subscription) as second, ThreadPoolExecutor() as pool:

        def read(stream: Stream) -> None:
            with contextlib.suppress(Cancelled):
                while True:
                    received.extend(stream.receive(1))

        readers = [pool.submit(read, stream) for stream in (first, second)]
        until(lambda: len(received) >= 200)
        first.close()
        second.close()
        wait(readers, 10)
    assert len(received) == len({each.message.message_id for each in received}) == 200


def test_thousands_of_messages_arrive_once_each(plumbing: Plumbing) -> None:
    subscription = plumbing.line(ack_deadline_seconds=60)
    published = {message_id for _ in range(3) for message_id in plumbing.publish(*[b"reading"] * 1000)}
    with plumbing.stream(subscription, max_outstanding_messages=5000) as stream:
        received = stream.receive(3000)
        stream.send(ack_ids=[each.ack_id for each in received])
    assert len(received) == 3000
    assert {each.message.message_id for each in received} == published


@pytest.mark.parametrize("seconds", [0, 9, 601])
def test_the_stream_deadline_is_10_to_600_seconds(plumbing: Plumbing, seconds: int) -> None:
    subscription = plumbing.line()
    with plumbing.stream(subscription, stream_ack_deadline_seconds=seconds) as stream:
        assert outcome(lambda: stream.receive(1)) == "INVALID_ARGUMENT"


@pytest.mark.parametrize("name", ["", "director"])
def test_the_first_request_names_a_well_formed_subscription(plumbing: Plumbing, name: str) -> None:
    with plumbing.stream(name) as stream:
        assert outcome(lambda: stream.receive(1)) == "INVALID_ARGUMENT"


def test_only_the_first_request_names_the_subscription(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    with plumbing.stream(subscription) as stream:
        stream.send(subscription=subscription)
        assert outcome(lambda: stream.receive(1)) == "INVALID_ARGUMENT"


def test_each_modified_deadline_has_its_ack_id(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    with plumbing.stream(subscription) as stream:
        stream.send(modify_deadline_ack_ids=["x"], modify_deadline_seconds=[1, 2])
        assert outcome(lambda: stream.receive(1)) == "INVALID_ARGUMENT"


def test_a_stream_ends_when_its_subscription_is_deleted(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    plumbing.publish(b"open")
    with plumbing.stream(subscription) as stream:
        stream.receive(1)
        plumbing.subscriber.delete_subscription(subscription=subscription)
        assert outcome(lambda: stream.receive(1)) == "NOT_FOUND"


def test_a_stream_of_a_missing_subscription_is_not_found(plumbing: Plumbing) -> None:
    with plumbing.stream(plumbing.subscription_name()) as stream:
        assert outcome(lambda: stream.receive(1)) == "NOT_FOUND"


def test_a_malformed_ack_id_ends_the_stream(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    with plumbing.stream(subscription) as stream:
        stream.send(ack_ids=["garbage"])
        assert outcome(lambda: stream.receive(1)) == "INVALID_ARGUMENT"
