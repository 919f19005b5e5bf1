"""Redelivery: deadlines that pass, backoff between attempts, and the dead letter topic after the last."""

import time

from google.pubsub_v1.types import ReceivedMessage

from .speech import Plumbing


def test_a_message_comes_again_when_its_deadline_has_passed_unless_it_was_extended(plumbing: Plumbing) -> None:
    """The one test that waits out the shortest ack deadline, 10 s, for all its cases at once."""
    plumbing.topic()
    expiring, extended, streamed = (plumbing.subscription(name) for name in ("expiring", "extended", "streamed"))
    plumbing.publish(b"reading")
    started = time.monotonic()
    (first,) = plumbing.pull_for(expiring, 2)
    plumbing.modify(extended, 60, *plumbing.pull_for(extended, 2))
    with plumbing.stream(streamed, stream_ack_deadline_seconds=10) as stream:
        (opened,) = stream.receive(1)
        (again,) = plumbing.pull_for(expiring, 15)
        assert 9 < time.monotonic() - started < 13
        assert again.message.message_id == first.message.message_id
        assert [each.message.message_id for each in stream.receive(1)] == [opened.message.message_id]
    assert plumbing.pull(extended) == []


def test_a_deadline_may_be_shortened(plumbing: Plumbing) -> None:
    subscription = plumbing.line(ack_deadline_seconds=600)
    plumbing.publish(b"reading")
    plumbing.modify(subscription, 1, *plumbing.pull_for(subscription, 2))
    assert plumbing.pull(subscription) == []
    assert len(plumbing.pull_for(subscription, 4)) == 1


def test_a_late_acknowledgement_is_accepted(plumbing: Plumbing) -> None:
    subscription = plumbing.line()
    plumbing.publish(b"reading")
    late = plumbing.pull_for(subscription, 2)
    plumbing.modify(subscription, 0, *late)
    plumbing.acknowledge(subscription, *late)


def test_a_retry_policy_delays_the_second_redelivery(plumbing: Plumbing) -> None:
    subscription = plumbing.line(retry_policy={"minimum_backoff": {"seconds": 1}, "maximum_backoff": {"seconds": 2}})
    plumbing.publish(b"reading")
    _refuse(plumbing, subscription, plumbing.pull_for(subscription, 2))
    _refuse(plumbing, subscription, plumbing.pull_for(subscription, 4))
    started = time.monotonic()
    assert len(plumbing.pull_for(subscription, 5)) == 1
    assert 0.8 < time.monotonic() - started < 4


def test_attempts_are_counted_and_the_last_goes_to_the_dead_letter_topic(plumbing: Plumbing) -> None:
    plumbing.topic("dead")
    morgue = plumbing.subscription("morgue", "dead")
    policy = {"dead_letter_topic": plumbing.topic_name("dead"), "max_delivery_attempts": 5}
    subscription = plumbing.line(dead_letter_policy=policy)
    (message_id,) = plumbing.publish(b"poison", vehicle="v1")
    attempts = []
    for _ in range(5):
        received = plumbing.pull_for(subscription, 3)
        attempts += [each.delivery_attempt for each in received]
        _refuse(plumbing, subscription, received)
    assert attempts == [1, 2, 3, 4, 5]
    assert plumbing.pull_for(subscription, 0.5) == []  # on Google's emulator the next pull is what forwards it
    (dead,) = plumbing.pull_for(morgue, 3)
    assert (dead.message.data, dead.message.attributes["vehicle"]) == (b"poison", "v1")
    assert dead.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
    assert dead.message.attributes["CloudPubSubDeadLetterSourceSubscription"] == "director"
    assert dead.message.attributes["CloudPubSubDeadLetterSourceSubscriptionProject"] == plumbing.project.split("/")[1]
    assert "CloudPubSubDeadLetterSourceTopicPublishTime" in dead.message.attributes
    assert dead.message.message_id != message_id


def _refuse(plumbing: Plumbing, subscription: str, received: list[ReceivedMessage]) -> None:
    plumbing.modify(subscription, 0, *received)
