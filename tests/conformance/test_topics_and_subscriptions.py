"""Topics and subscriptions: created, found, listed, deleted, and refused with the documented codes."""

import pytest

from .speech import Plumbing, outcome


def test_a_created_topic_is_found_under_its_name(plumbing: Plumbing) -> None:
    name = plumbing.topic()
    assert plumbing.publisher.get_topic(topic=name).name == name


def test_a_topic_keeps_its_labels(plumbing: Plumbing) -> None:
    name = plumbing.topic_name()
    plumbing.publisher.create_topic({"name": name, "labels": {"line": "gps"}})
    assert plumbing.publisher.get_topic(topic=name).labels == {"line": "gps"}


def test_a_topic_cannot_be_created_twice(plumbing: Plumbing) -> None:
    plumbing.topic()
    assert outcome(plumbing.topic) == "ALREADY_EXISTS"


@pytest.mark.parametrize("name", ["ab", "1abc", "googabc", "a b", "x" * 256])
def test_a_topic_id_has_3_to_255_characters_starts_with_a_letter_and_not_with_goog(
    plumbing: Plumbing, name: str
) -> None:
    assert outcome(lambda: plumbing.topic(name)) == "INVALID_ARGUMENT"


@pytest.mark.parametrize("name", ["a-b_c.d~e+f%20", "x" * 255])
def test_a_topic_id_may_have_these_characters(plumbing: Plumbing, name: str) -> None:
    assert plumbing.topic(name).endswith(name)


@pytest.mark.parametrize("call", ["get_topic", "delete_topic"])
def test_a_missing_topic_is_not_found(plumbing: Plumbing, call: str) -> None:
    assert outcome(lambda: getattr(plumbing.publisher, call)(topic=plumbing.topic_name())) == "NOT_FOUND"


def test_a_malformed_topic_name_is_refused(plumbing: Plumbing) -> None:
    assert outcome(lambda: plumbing.publisher.get_topic(topic="gps")) == "INVALID_ARGUMENT"


def test_a_deleted_topic_is_gone_and_may_be_created_again(plumbing: Plumbing) -> None:
    plumbing.publisher.delete_topic(topic=plumbing.topic())
    assert outcome(lambda: plumbing.publisher.get_topic(topic=plumbing.topic_name())) == "NOT_FOUND"
    assert plumbing.topic()


def test_topics_of_a_project_are_listed_in_pages(plumbing: Plumbing) -> None:
    names = [plumbing.topic(f"line{number}") for number in range(5)]
    pager = plumbing.publisher.list_topics({"project": plumbing.project, "page_size": 2})
    pages = [[topic.name for topic in page.topics] for page in pager.pages]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(name for page in pages for name in page) == names


def test_a_created_subscription_has_the_documented_defaults(plumbing: Plumbing) -> None:
    name = plumbing.line()
    found = plumbing.subscriber.get_subscription(subscription=name)
    assert (found.name, found.topic) == (name, plumbing.topic_name())
    assert found.ack_deadline_seconds == 10
    assert found.message_retention_duration.total_seconds() == 7 * 24 * 3600
    assert found.push_config.push_endpoint == ""


def test_a_subscription_keeps_what_it_was_given(plumbing: Plumbing) -> None:
    plumbing.topic("dead")
    policy = {"dead_letter_topic": plumbing.topic_name("dead"), "max_delivery_attempts": 7}
    name = plumbing.line(ack_deadline_seconds=600, dead_letter_policy=policy, labels={"a": "b"})
    found = plumbing.subscriber.get_subscription(subscription=name)
    assert found.ack_deadline_seconds == 600
    assert found.dead_letter_policy.max_delivery_attempts == 7
    assert found.labels == {"a": "b"}


def test_a_retry_policy_defaults_to_10_and_600_seconds(plumbing: Plumbing) -> None:
    policy = plumbing.subscriber.get_subscription(subscription=plumbing.line(retry_policy={})).retry_policy
    assert policy.minimum_backoff.total_seconds() == 10
    assert policy.maximum_backoff.total_seconds() == 600


def test_a_subscription_cannot_be_created_twice(plumbing: Plumbing) -> None:
    plumbing.line()
    assert outcome(plumbing.subscription) == "ALREADY_EXISTS"


def test_a_subscription_to_a_missing_topic_is_not_found(plumbing: Plumbing) -> None:
    assert outcome(plumbing.subscription) == "NOT_FOUND"


@pytest.mark.parametrize("name", ["ab", "goog-sub", "a b"])
def test_a_malformed_subscription_name_is_refused(plumbing: Plumbing, name: str) -> None:
    plumbing.topic()
    assert outcome(lambda: plumbing.subscription(name)) == "INVALID_ARGUMENT"


@pytest.mark.parametrize("seconds", [-1, 601])
def test_an_ack_deadline_out_of_bounds_is_refused(plumbing: Plumbing, seconds: int) -> None:
    plumbing.topic()
    assert outcome(lambda: plumbing.subscription(ack_deadline_seconds=seconds)) == "INVALID_ARGUMENT"


def test_a_retention_under_ten_minutes_is_refused(plumbing: Plumbing) -> None:
    plumbing.topic()
    ten_seconds = {"seconds": 10}
    assert outcome(lambda: plumbing.subscription(message_retention_duration=ten_seconds)) == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    "policy",
    [
        {"minimum_backoff": {"seconds": 20}, "maximum_backoff": {"seconds": 11}},
        {"maximum_backoff": {"seconds": 601}},
        {"minimum_backoff": {"seconds": -1}},
    ],
)
def test_a_retry_policy_out_of_bounds_is_refused(plumbing: Plumbing, policy: dict[str, dict[str, int]]) -> None:
    plumbing.topic()
    assert outcome(lambda: plumbing.subscription(retry_policy=policy)) == "INVALID_ARGUMENT"


@pytest.mark.parametrize("attempts", [4, 101])
def test_delivery_attempts_are_5_to_100(plumbing: Plumbing, attempts: int) -> None:
    plumbing.topic()
    policy = {"dead_letter_topic": plumbing.topic("dead"), "max_delivery_attempts": attempts}
    assert outcome(lambda: plumbing.subscription(dead_letter_policy=policy)) == "OUT_OF_RANGE"


def test_a_missing_dead_letter_topic_is_not_found(plumbing: Plumbing) -> None:
    plumbing.topic()
    policy = {"dead_letter_topic": plumbing.topic_name("dead"), "max_delivery_attempts": 5}
    assert outcome(lambda: plumbing.subscription(dead_letter_policy=policy)) == "NOT_FOUND"


@pytest.mark.parametrize("call", ["get_subscription", "delete_subscription"])
def test_a_missing_subscription_is_not_found(plumbing: Plumbing, call: str) -> None:
    missing = plumbing.subscription_name()
    assert outcome(lambda: getattr(plumbing.subscriber, call)(subscription=missing)) == "NOT_FOUND"


def test_subscriptions_are_listed_by_project_and_by_topic(plumbing: Plumbing) -> None:
    plumbing.topic("one")
    plumbing.topic("two")
    of_one = [plumbing.subscription(f"one{number}", "one") for number in range(3)]
    of_two = [plumbing.subscription("two0", "two")]
    listed = plumbing.subscriber.list_subscriptions({"project": plumbing.project, "page_size": 2})
    by_topic = plumbing.publisher.list_topic_subscriptions({"topic": plumbing.topic_name("one"), "page_size": 2})
    assert sorted(subscription.name for subscription in listed) == of_one + of_two
    assert sorted(by_topic) == of_one


def test_a_subscription_outlives_its_topic(plumbing: Plumbing) -> None:
    name = plumbing.line()
    plumbing.publish(b"left over")
    plumbing.publisher.delete_topic(topic=plumbing.topic_name())
    assert plumbing.subscriber.get_subscription(subscription=name).topic == "_deleted-topic_"
    assert [received.message.data for received in plumbing.pull_for(name, 2)] == [b"left over"]


def test_a_deleted_subscription_is_gone(plumbing: Plumbing) -> None:
    name = plumbing.line()
    plumbing.subscriber.delete_subscription(subscription=name)
    assert outcome(lambda: plumbing.pull(name)) == "NOT_FOUND"
    assert plumbing.publish(b"to nobody")
