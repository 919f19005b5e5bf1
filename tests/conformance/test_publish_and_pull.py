"""Publish and Pull: what goes in comes out, once per subscription, until it is acknowledged."""

import datetime
import time

import pytest
from google.cloud import pubsub_v1
from google.pubsub_v1.types import PubsubMessage

from .speech import Plumbing, outcome, until


def test_a_message_arrives_with_its_data_attributes_id_and_publish_time(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    (message_id,) = plumbing.publish(b"\x00\xff reading", vehicle="v1", probe="")
    (received,) = plumbing.pull_for(subscription, 2)
    assert received.message.data == b"\x00\xff reading"
    assert received.message.attributes == {"vehicle": "v1", "probe": ""}
    assert received.message.message_id == message_id
    age = datetime.datetime.now(datetime.UTC) - received.message.publish_time
    assert abs(age.total_seconds()) < 60
    assert received.delivery_attempt == 0


def test_message_ids_are_unique_and_in_request_order(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    ids = plumbing.publish(*[b"%d" % number for number in range(50)])
    by_id = {received.message.message_id: received.message.data for received in plumbing.pull_for(subscription, 2)}
    assert len(set(ids)) == 50
    assert [by_id[message_id] for message_id in ids] == [b"%d" % number for number in range(50)]


def test_every_subscription_gets_every_message(plumbing: Plumbing) -> None:
    plumbing.topic()
    subscriptions = [plumbing.subscription(name) for name in ("first", "second")]
    plumbing.publish(b"for both")
    for subscription in subscriptions:
        assert [received.message.data for received in plumbing.pull_for(subscription, 2)] == [b"for both"]


def test_a_message_published_before_the_subscription_is_not_delivered(plumbing: Plumbing) -> None:
    plumbing.topic()
    plumbing.publish(b"before")
    subscription = plumbing.subscription()
    plumbing.publish(b"after")
    assert [received.message.data for received in plumbing.pull_for(subscription, 2)] == [b"after"]
    assert plumbing.pull(subscription) == []


def test_a_message_may_have_only_attributes(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    plumbing.publish(b"", tick="1")
    (received,) = plumbing.pull_for(subscription, 2)
    assert (received.message.data, received.message.attributes) == (b"", {"tick": "1"})


def test_an_empty_message_is_refused_and_its_neighbours_with_it(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    assert outcome(lambda: plumbing.publish(b"whole", b"")) == "INVALID_ARGUMENT"
    assert plumbing.pull(subscription) == []


def test_a_publish_without_messages_is_refused(plumbing: Plumbing) -> None:
    plumbing.topic()
    assert outcome(plumbing.publish) == "INVALID_ARGUMENT"


def test_a_publish_has_at_most_1000_messages(plumbing: Plumbing) -> None:
    plumbing.topic()
    assert len(plumbing.publish(*[b"x"] * 1000)) == 1000
    assert outcome(lambda: plumbing.publish(*[b"x"] * 1001)) == "INVALID_ARGUMENT"


def test_publishing_to_a_missing_topic_is_not_found(plumbing: Plumbing) -> None:
    assert outcome(lambda: plumbing.publish(b"x")) == "NOT_FOUND"


def test_a_message_of_several_megabytes_arrives(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    plumbing.publish(b"x" * 3_000_000)
    assert [len(received.message.data) for received in plumbing.pull_for(subscription, 2)] == [3_000_000]


def test_the_publisher_client_batches_by_itself(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    futures = [plumbing.publisher.publish(plumbing.topic_name(), b"%d" % number) for number in range(20)]
    ids = {future.result(10) for future in futures}
    received = plumbing.pull_for(subscription, 2)
    assert {each.message.message_id for each in received} == ids


def test_pull_takes_no_more_than_it_was_asked_for(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    plumbing.publish(b"1", b"2", b"3")
    assert len(plumbing.pull(subscription, limit=2)) == 2
    assert len(plumbing.pull(subscription, limit=2)) == 1


def test_pull_needs_a_limit(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    assert outcome(lambda: plumbing.pull(subscription, limit=0)) == "INVALID_ARGUMENT"


def test_an_empty_pull_waits_for_a_message(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    started = time.monotonic()
    request = {"subscription": subscription, "max_messages": 1}
    assert not plumbing.subscriber.pull(request, timeout=3, retry=None).received_messages
    assert time.monotonic() - started > 1


def test_a_message_that_is_out_is_not_given_to_another_pull(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    plumbing.publish(b"once")
    assert len(plumbing.pull_for(subscription, 2)) == 1
    assert plumbing.pull(subscription) == []


def test_an_acknowledged_message_is_gone_and_may_be_acknowledged_again(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    plumbing.publish(b"done")
    received = plumbing.pull_for(subscription, 2)
    plumbing.acknowledge(subscription, *received)
    plumbing.acknowledge(subscription, *received)
    plumbing.modify(subscription, 0, *received)
    assert plumbing.pull(subscription) == []


def test_a_refused_message_comes_again_at_once_under_another_ack_id(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    plumbing.publish(b"again")
    (first,) = plumbing.pull_for(subscription, 2)
    plumbing.modify(subscription, 0, first)
    (second,) = plumbing.pull_for(subscription, 2)
    assert first.message.message_id == second.message.message_id
    assert first.ack_id != second.ack_id


@pytest.mark.parametrize("call", ["acknowledge", "modify_ack_deadline"])
def test_acknowledging_names_an_existing_subscription_and_well_formed_ids(plumbing: Plumbing, call: str) -> None:
    subscription = plumbing.line()
    settings = {"ack_deadline_seconds": 10} if call == "modify_ack_deadline" else {}

    def send(name: str, *ack_ids: str) -> str:
        request = {"subscription": name, "ack_ids": ack_ids, **settings}
        return outcome(lambda: getattr(plumbing.subscriber, call)(request, retry=None))

    assert send(subscription) == "INVALID_ARGUMENT"
    assert send(subscription, "garbage") == "INVALID_ARGUMENT"
    assert send(plumbing.subscription_name("missing"), "garbage") == "NOT_FOUND"


def test_a_negative_deadline_is_refused(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    plumbing.publish(b"x")
    received = plumbing.pull_for(subscription, 2)
    assert outcome(lambda: plumbing.modify(subscription, -1, *received)) == "INVALID_ARGUMENT"


def test_the_high_level_subscriber_receives_and_acknowledges(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    plumbing.publish(*[b"%d" % number for number in range(20)])
    seen: set[bytes] = set()

    def receive(message: pubsub_v1.subscriber.message.Message) -> None:
        seen.add(message.data)
        message.ack()

    future = plumbing.subscriber.subscribe(subscription, receive)
    until(lambda: len(seen) == 20)
    future.cancel()
    future.result(10)
    assert len(seen) == 20


def test_an_ordering_key_alone_is_an_empty_message(plumbing: Plumbing) -> None:
    plumbing.topic()
    message = PubsubMessage(ordering_key="v1")
    assert outcome(lambda: plumbing.publish_messages(message)) == "INVALID_ARGUMENT"
