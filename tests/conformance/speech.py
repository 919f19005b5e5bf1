"""The words the tests are written in: thin shorthands over the official clients, no behaviour of their own."""

import queue
import time
import warnings
from collections.abc import Callable
from typing import Any

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import pubsub_v1
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.pubsub_v1 import PublisherClient as PublisherRpc
from google.pubsub_v1 import types as pubsub_types
from google.pubsub_v1.types import PubsubMessage

OWNER = (("authorization", "Bearer owner"),)  # Google's emulator asks for it in BatchWrite
TIMEOUT_S = 15.0


def outcome(call: Callable[[], object]) -> str:
    """`OK`, or the name of the gRPC status a call is refused with."""
    try:
        call()
    except GoogleAPICallError as error:
        return str(getattr(error.grpc_status_code, "name", error))
    return "OK"


def until(condition: Callable[[], bool], seconds: float = TIMEOUT_S) -> None:
    """Wait until it holds, or so long; the assertion that follows says what is missing."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


class Plumbing:
    """Topics and subscriptions by their short names."""

    def __init__(self, publisher: pubsub_v1.PublisherClient, subscriber: pubsub_v1.SubscriberClient, project: str):
        self.publisher = publisher
        self.subscriber = subscriber
        self.project = f"projects/{project}"

    def topic_name(self, name: str = "line") -> str:
        return f"{self.project}/topics/{name}"

    def subscription_name(self, name: str = "director") -> str:
        return f"{self.project}/subscriptions/{name}"

    def topic(self, name: str = "line") -> str:
        return str(self.publisher.create_topic(name=self.topic_name(name)).name)

    def subscription(self, name: str = "director", topic: str = "line", **settings: Any) -> str:
        request = {"name": self.subscription_name(name), "topic": self.topic_name(topic), **settings}
        return str(self.subscriber.create_subscription(request).name)

    def line(self, **settings: Any) -> str:
        """A topic and its subscription, whose name it answers."""
        self.topic()
        return self.subscription(**settings)

    def publish(self, *payloads: bytes, topic: str = "line", **attributes: str) -> list[str]:
        return self.publish_messages(
            *[PubsubMessage(data=data, attributes=attributes) for data in payloads], topic=topic
        )

    def publish_messages(self, *messages: PubsubMessage, topic: str = "line") -> list[str]:
        """By the RPC itself, without the client's batching."""
        request = {"topic": self.topic_name(topic), "messages": messages}
        response = PublisherRpc.publish(self.publisher, request, timeout=TIMEOUT_S, retry=None)
        return list(response.message_ids)

    def pull(self, subscription: str, limit: int = 100) -> list[pubsub_types.ReceivedMessage]:
        """What is ready now."""
        request = {"subscription": subscription, "max_messages": limit, "return_immediately": True}
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # of return_immediately: only tests want an empty answer
            return list(self.subscriber.pull(request, timeout=TIMEOUT_S, retry=None).received_messages)

    def pull_for(self, subscription: str, seconds: float) -> list[pubsub_types.ReceivedMessage]:
        """The first messages that come within so many seconds."""
        received: list[pubsub_types.ReceivedMessage] = []

        def some_came() -> bool:
            received.extend(self.pull(subscription))
            return bool(received)

        until(some_came, seconds)
        return received

    def acknowledge(self, subscription: str, *received: pubsub_types.ReceivedMessage) -> None:
        self.subscriber.acknowledge(subscription=subscription, ack_ids=[message.ack_id for message in received])

    def modify(self, subscription: str, seconds: int, *received: pubsub_types.ReceivedMessage) -> None:
        ack_ids = [message.ack_id for message in received]
        self.subscriber.modify_ack_deadline(
            subscription=subscription, ack_ids=ack_ids, ack_deadline_seconds=seconds, retry=None
        )

    def stream(self, subscription: str, **opening: Any) -> "Stream":
        opening = {"stream_ack_deadline_seconds": 60, **opening}
        return Stream(self.subscriber, {"subscription": subscription, **opening})


class Stream:
    """An open StreamingPull."""

    def __init__(self, subscriber: pubsub_v1.SubscriberClient, opening: dict[str, Any]) -> None:
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.send(**opening)
        self._responses = subscriber.streaming_pull(iter(self._requests.get, None), timeout=TIMEOUT_S, retry=None)

    def send(self, **request: Any) -> None:
        self._requests.put(pubsub_types.StreamingPullRequest(**request))

    def receive(self, count: int) -> list[pubsub_types.ReceivedMessage]:
        """At least so many messages."""
        received: list[pubsub_types.ReceivedMessage] = []
        while len(received) < count:
            received += next(self._responses).received_messages
        return received

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._requests.put(None)
        self._responses.cancel()


class Documents:
    """Documents of one database by their relative paths, over the generated client."""

    def __init__(self, rpc: FirestoreClient, database: str) -> None:
        self.rpc = rpc
        self.database = database
        self.root = f"{database}/documents"

    def name(self, path: str) -> str:
        return f"{self.root}/{path}"

    def write(self, path: str, mask: list[str] | None = None, current: Any = None, **fields: Any) -> types.Write:
        document = types.Document(name=self.name(path), fields={name: value(each) for name, each in fields.items()})
        write = types.Write(update=document, current_document=current)
        if mask is not None:
            types.Write.pb(write).update_mask.SetInParent()
            write.update_mask.field_paths.extend(mask)
        return write

    def deletion(self, path: str, current: Any = None) -> types.Write:
        return types.Write(delete=self.name(path), current_document=current)

    def transform(self, path: str, **transforms: Any) -> types.Write:
        """Each keyword is a field, each value the transform's own fields."""
        write = self.write(path, mask=[])
        write.update_transforms.extend({"field_path": field, **each} for field, each in transforms.items())
        return write

    def commit(self, *writes: types.Write, transaction: bytes = b"") -> types.CommitResponse:
        request = {"database": self.database, "writes": writes, "transaction": transaction}
        return self.rpc.commit(request, timeout=TIMEOUT_S, retry=None)

    def batch_write(self, *writes: types.Write, metadata: Any = OWNER) -> types.BatchWriteResponse:
        request = {"database": self.database, "writes": writes}
        return self.rpc.batch_write(request, timeout=TIMEOUT_S, retry=None, metadata=metadata)

    def set(self, path: str, **fields: Any) -> Any:
        """Write a whole document; answers its update time."""
        return self.commit(self.write(path, **fields)).write_results[0].update_time

    def get(self, path: str, **request: Any) -> types.Document:
        return self.rpc.get_document({"name": self.name(path), **request}, timeout=TIMEOUT_S, retry=None)

    def exists(self, path: str) -> bool:
        return outcome(lambda: self.get(path)) == "OK"

    def fields(self, path: str) -> dict[str, Any]:
        return plain_fields(self.get(path))

    def begin(self, **options: Any) -> bytes:
        return bytes(
            self.rpc.begin_transaction({"database": self.database, "options": options}, retry=None).transaction
        )

    def batch_get(self, *paths: str, **request: Any) -> list[types.BatchGetDocumentsResponse]:
        request = {"database": self.database, "documents": [self.name(path) for path in paths], **request}
        return list(self.rpc.batch_get_documents(request, timeout=TIMEOUT_S, retry=None))

    def page(self, collection: str, parent: str = "", metadata: Any = (), **request: Any) -> Any:
        request = {"parent": self.name(parent) if parent else self.root, "collection_id": collection, **request}
        return self.rpc.list_documents(request, timeout=TIMEOUT_S, retry=None, metadata=metadata)

    def query(
        self, collection: str, parent: str = "", group: bool = False, **query: Any
    ) -> list[types.RunQueryResponse]:
        query["from_"] = [{"collection_id": collection, "all_descendants": group}]
        request = {"parent": self.name(parent) if parent else self.root, "structured_query": query}
        return list(self.rpc.run_query(request, timeout=TIMEOUT_S, retry=None))

    def found(self, collection: str, **query: Any) -> list[str]:
        """The relative paths a query answers; inside a plain collection only the ids."""
        names = [str(response.document.name) for response in self.query(collection, **query) if response.document.name]
        if query.get("group"):
            return [name[len(self.root) + 1 :] for name in names]
        return [name.rpartition("/")[2] for name in names]

    def count(self, collection: str, **aggregation: Any) -> int:
        query = {"structured_query": {"from_": [{"collection_id": collection}]}}
        request = {"parent": self.root, "structured_aggregation_query": query}
        query["aggregations"] = [{"alias": "n", "count": aggregation}]  # type: ignore[assignment]
        (response,) = self.rpc.run_aggregation_query(request, timeout=TIMEOUT_S, retry=None)
        return int(response.result.aggregate_fields["n"].integer_value)


def value(content: Any) -> types.Value:
    """A Python value as a Firestore value; a Value stays as it is."""
    if isinstance(content, types.Value):
        return content
    if content is None:
        return types.Value(null_value=0)
    if isinstance(content, list):
        return types.Value(array_value={"values": [value(each) for each in content]})
    if isinstance(content, dict):
        return types.Value(map_value={"fields": {name: value(each) for name, each in content.items()}})
    kinds = {bool: "boolean", int: "integer", float: "double", str: "string", bytes: "bytes"}
    return types.Value(**{f"{kinds[type(content)]}_value": content})


def plain_fields(document: types.Document) -> dict[str, Any]:
    return {name: plain(each) for name, each in document.fields.items()}


def plain(content: types.Value) -> Any:
    """The other way round."""
    kind = types.Value.pb(content).WhichOneof("value_type")
    if kind == "null_value":
        return None
    if kind == "array_value":
        return [plain(each) for each in content.array_value.values]
    if kind == "map_value":
        return {name: plain(each) for name, each in content.map_value.fields.items()}
    return getattr(content, kind)
