"""Where the embedded backend and Google's emulators differ, each with its reason, and proof that both still do so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.pubsub_v1.types import PubsubMessage

from .backends import Backend
from .speech import Documents, Plumbing, outcome, until

DOCUMENTED = "the documentation refuses it; Google's emulator is laxer than the service"
UNUSED = "nothing in this repository calls it; UNIMPLEMENTED says so rather than pretending"


@dataclass(frozen=True)
class Difference:
    """What each side answers: a gRPC status, or a short word for what is seen."""

    what: str
    google: str
    embedded: str
    reason: str
    observe: Callable[..., str]


def batch_write_without_authorization(documents: Documents) -> str:
    return outcome(lambda: documents.batch_write(documents.write("c/d", n=1), metadata=()))


def list_missing_without_authorization(documents: Documents) -> str:
    return outcome(lambda: documents.page("c", show_missing=True))


def batch_write_of_5_mib(documents: Documents) -> str:
    writes = [documents.write(f"c/{number}", n=b"x" * 1_000_000) for number in range(5)]
    return outcome(lambda: documents.batch_write(*writes))


def batch_write_of_11_mib(documents: Documents) -> str:
    writes = [documents.write(f"c/{number}", n=b"x" * 1_000_000) for number in range(12)]
    return outcome(lambda: documents.batch_write(*writes))


def write_to_a_document_a_transaction_has_read(documents: Documents) -> str:
    transaction = documents.begin()
    documents.batch_get("c/d", transaction=transaction)
    if outcome(lambda: documents.commit(documents.write("c/d", n=1))) == "OK":
        return "the write wins"
    return "the transaction wins"


def value_of_the_largest_size(documents: Documents) -> str:
    return outcome(lambda: documents.set("c/d", n=b"x" * 1_048_487))


def read_in_the_past(documents: Documents) -> str:
    written = documents.set("c/d", n=1)
    past = Timestamp()
    past.FromDatetime(written)
    return outcome(lambda: documents.get("c/d", read_time=past))


def sum_of_a_field(documents: Documents) -> str:
    query = {"structured_query": {"from_": [{"collection_id": "c"}]}}
    aggregation = {"alias": "s", "sum": {"field": {"field_path": "n"}}}
    request = {"parent": documents.root, "structured_aggregation_query": {**query, "aggregations": [aggregation]}}
    return outcome(lambda: list(documents.rpc.run_aggregation_query(request, retry=None)))


def list_collection_ids(documents: Documents) -> str:
    request = {"parent": documents.root}
    return outcome(
        lambda: documents.rpc.list_collection_ids(request, retry=None, metadata=[("authorization", "Bearer owner")])
    )


def list_documents_by_a_field(documents: Documents) -> str:
    return outcome(lambda: documents.page("c", order_by="n"))


def query_over_all_collections(documents: Documents) -> str:
    return outcome(lambda: documents.query("", group=True))


def order_by_name_descending(documents: Documents) -> str:
    order = [{"field": {"field_path": "__name__"}, "direction": 2}]
    return outcome(lambda: documents.query("c", order_by=order))


def rollback_of_an_unknown_transaction(documents: Documents) -> str:
    return outcome(lambda: documents.rpc.rollback(database=documents.database, transaction=b"unknown", retry=None))


def ack_deadline_under_10_seconds(plumbing: Plumbing) -> str:
    return outcome(lambda: plumbing.line(ack_deadline_seconds=9))


def modified_deadline_over_600_seconds(plumbing: Plumbing) -> str:
    subscription = plumbing.line()
    plumbing.publish(b"x")
    received = plumbing.pull_for(subscription, 2)
    return outcome(lambda: plumbing.modify(subscription, 601, *received))


def subscriptions_of_a_missing_topic(plumbing: Plumbing) -> str:
    return outcome(lambda: plumbing.publisher.list_topic_subscriptions(topic=plumbing.topic_name()))


def topics_of_a_malformed_project(plumbing: Plumbing) -> str:
    return outcome(lambda: plumbing.publisher.list_topics({"project": "fleet"}, retry=None))


def attributes(content: dict[str, str]) -> Callable[[Plumbing], str]:
    def observe(plumbing: Plumbing) -> str:
        plumbing.topic()
        return outcome(lambda: plumbing.publish_messages(PubsubMessage(data=b"x", attributes=content)))

    return observe


def message_over_10_megabytes(plumbing: Plumbing) -> str:
    plumbing.topic()
    return outcome(lambda: plumbing.publish(b"x" * 10_000_001))


def stream_with_two_messages_outstanding(plumbing: Plumbing) -> str:
    subscription = plumbing.line()
    plumbing.publish(*[b"x"] * 5)
    with plumbing.stream(subscription, max_outstanding_messages=2) as stream:
        received = stream.receive(2)
        until(lambda: not plumbing.pull(subscription), 1)
    return f"{len(received)} of 5 messages"


def first_redelivery_under_a_retry_policy(plumbing: Plumbing) -> str:
    subscription = plumbing.line(retry_policy={"minimum_backoff": {"seconds": 2}, "maximum_backoff": {"seconds": 2}})
    plumbing.publish(b"x")
    plumbing.modify(subscription, 0, *plumbing.pull_for(subscription, 2))
    return "at once" if plumbing.pull_for(subscription, 0.5) else "delayed"


def subscription_setting(**settings: Any) -> Callable[[Plumbing], str]:
    return lambda plumbing: outcome(lambda: plumbing.line(**settings))


def seek(plumbing: Plumbing) -> str:
    request = {"subscription": plumbing.line(), "time": {"seconds": 1}}
    return outcome(lambda: plumbing.subscriber.seek(request, retry=None))


def update_of_a_subscription(plumbing: Plumbing) -> str:
    subscription = {"name": plumbing.line(), "ack_deadline_seconds": 20}
    request = {"subscription": subscription, "update_mask": {"paths": ["ack_deadline_seconds"]}}
    return outcome(lambda: plumbing.subscriber.update_subscription(request, retry=None))


OWNER_ONLY = "Google's emulator keeps it for administrators, the service and the embedded backend do not"
REFUSED, ACCEPTED, NOT_HERE = "INVALID_ARGUMENT", "OK", "UNIMPLEMENTED"
FIRESTORE = [
    Difference("BatchWrite", "PERMISSION_DENIED", ACCEPTED, OWNER_ONLY, batch_write_without_authorization),
    Difference("show_missing", "PERMISSION_DENIED", ACCEPTED, OWNER_ONLY, list_missing_without_authorization),
    Difference(
        "5 MiB", "RESOURCE_EXHAUSTED", ACCEPTED, "the service takes 10 MiB, the emulator 4", batch_write_of_5_mib
    ),
    Difference("11 MiB", "RESOURCE_EXHAUSTED", REFUSED, "the service's code, not the channel's", batch_write_of_11_mib),
    Difference(
        "conflict",
        "the transaction wins",
        "the write wins",
        "Google's emulator locks what a transaction has read; the embedded backend aborts its commit",
        write_to_a_document_a_transaction_has_read,
    ),
    Difference(
        "1 MiB - 89 B",
        ACCEPTED,
        REFUSED,
        "size is that of the encoded document, some hundred bytes more than what Firestore counts",
        value_of_the_largest_size,
    ),
    Difference("read_time", ACCEPTED, NOT_HERE, UNUSED, read_in_the_past),
    Difference("sum", ACCEPTED, NOT_HERE, UNUSED, sum_of_a_field),
    Difference("ListCollectionIds", ACCEPTED, NOT_HERE, UNUSED, list_collection_ids),
    Difference("ListDocuments order_by", ACCEPTED, NOT_HERE, UNUSED, list_documents_by_a_field),
    Difference("all collections", ACCEPTED, NOT_HERE, UNUSED, query_over_all_collections),
    Difference(
        "descending names",
        "FAILED_PRECONDITION",
        ACCEPTED,
        "the service can, with an index; the embedded backend needs no index",
        order_by_name_descending,
    ),
    Difference("Rollback", REFUSED, ACCEPTED, "there is nothing to roll back", rollback_of_an_unknown_transaction),
]
PUBSUB = [
    Difference("deadline 9 s", ACCEPTED, REFUSED, DOCUMENTED, ack_deadline_under_10_seconds),
    Difference("modack 601 s", ACCEPTED, REFUSED, DOCUMENTED, modified_deadline_over_600_seconds),
    Difference("missing topic", ACCEPTED, "NOT_FOUND", DOCUMENTED, subscriptions_of_a_missing_topic),
    Difference("bad project", "UNKNOWN", REFUSED, "an error inside Google's emulator", topics_of_a_malformed_project),
    Difference("long key", ACCEPTED, REFUSED, DOCUMENTED, attributes({"k" * 257: "v"})),
    Difference("long value", ACCEPTED, REFUSED, DOCUMENTED, attributes({"k": "v" * 1025})),
    Difference("goog key", ACCEPTED, REFUSED, DOCUMENTED, attributes({"google": "v"})),
    Difference("many keys", ACCEPTED, REFUSED, DOCUMENTED, attributes({f"k{number}": "v" for number in range(101)})),
    Difference("10 MB message", ACCEPTED, REFUSED, DOCUMENTED, message_over_10_megabytes),
    Difference(
        "flow control",
        "5 of 5 messages",
        "2 of 5 messages",
        "Google's emulator ignores max_outstanding_messages",
        stream_with_two_messages_outstanding,
    ),
    Difference(
        "first backoff",
        "at once",
        "delayed",
        "Google's emulator starts its backoff with the second redelivery",
        first_redelivery_under_a_retry_policy,
    ),
    Difference("ordering", ACCEPTED, NOT_HERE, UNUSED, subscription_setting(enable_message_ordering=True)),
    Difference("exactly once", ACCEPTED, NOT_HERE, UNUSED, subscription_setting(enable_exactly_once_delivery=True)),
    Difference("filter", ACCEPTED, NOT_HERE, UNUSED, subscription_setting(filter='attributes.a = "b"')),
    Difference(
        "push", ACCEPTED, NOT_HERE, UNUSED, subscription_setting(push_config={"push_endpoint": "http://127.0.0.1:9/"})
    ),
    Difference("Seek", ACCEPTED, NOT_HERE, UNUSED, seek),
    Difference("UpdateSubscription", ACCEPTED, NOT_HERE, UNUSED, update_of_a_subscription),
]


@pytest.mark.parametrize("difference", FIRESTORE, ids=lambda difference: difference.what)
def test_firestore_differs_only_as_known(backend: Backend, documents: Documents, difference: Difference) -> None:
    assert difference.observe(documents) == getattr(difference, backend.name), difference.reason


@pytest.mark.parametrize("difference", PUBSUB, ids=lambda difference: difference.what)
def test_pubsub_differs_only_as_known(backend: Backend, plumbing: Plumbing, difference: Difference) -> None:
    assert difference.observe(plumbing) == getattr(difference, backend.name), difference.reason
