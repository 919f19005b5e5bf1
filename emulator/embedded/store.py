"""The documents: where they lie, which version is current, what a transaction sees, and how values are ordered.

A stored document is never changed, only replaced, so a reader may keep it and a version is the object itself.
"""

import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.cloud.firestore_v1 import types
from google.protobuf.timestamp_pb2 import Timestamp

from emulator.embedded.rpc import Refused, invalid

Document: Any = types.Document.pb()

TRANSACTION_LIFE_S = 270.0  # production's limit for a transaction


@dataclass(slots=True)
class Transaction:
    """What a transaction has read. Its snapshot is the present, save for what `replaced` still remembers."""

    id: bytes
    read_only: bool
    begun_at: float
    has_read: bool = False
    names: set[str] = field(default_factory=set)
    queries: list[tuple[Any, list[Any]]] = field(default_factory=list)
    replaced: dict[str, Any] = field(default_factory=dict)


class Store:
    """Documents by the path of their collection, then by their own full name."""

    def __init__(self) -> None:
        self.collections: dict[str, dict[str, Any]] = {}
        self.transactions: dict[bytes, Transaction] = {}
        self._serial = itertools.count(1)
        self._last_micros = 0

    def now(self) -> Any:
        """A timestamp in whole microseconds, later than every one before it."""
        self._last_micros = max(time.time_ns() // 1000, self._last_micros + 1)
        return Timestamp(seconds=self._last_micros // 1_000_000, nanos=self._last_micros % 1_000_000 * 1000)

    def get(self, name: str, transaction: Transaction | None = None) -> Any | None:
        if transaction:
            transaction.has_read = True
            transaction.names.add(name)
            if name in transaction.replaced:
                return transaction.replaced[name]
        collection = self.collections.get(name.rpartition("/")[0])
        return collection.get(name) if collection else None

    def put(self, name: str, document: Any | None) -> None:
        """Make this the current version; None deletes. Open snapshots keep the version they began with."""
        path = name.rpartition("/")[0]
        collection = self.collections.setdefault(path, {})
        previous = collection.get(name)
        for transaction in self.transactions.values():
            if transaction.has_read and previous is not document:
                transaction.replaced.setdefault(name, previous)
        if document is not None:
            collection[name] = document
            return
        collection.pop(name, None)
        if not collection:
            del self.collections[path]

    def scan(self, in_scope: Callable[[str], bool], transaction: Transaction | None = None) -> Iterator[Any]:
        """Every document of the collections whose path is in scope, in no order."""
        replaced: dict[str, Any] = transaction.replaced if transaction else {}
        for path, collection in self.collections.items():
            if in_scope(path):
                yield from (document for name, document in collection.items() if name not in replaced)
        for name, document in replaced.items():
            if document is not None and in_scope(name.rpartition("/")[0]):
                yield document

    def begin(self, read_only: bool) -> Transaction:
        now = time.monotonic()
        for old in [t for t in self.transactions.values() if now - t.begun_at > TRANSACTION_LIFE_S]:
            del self.transactions[old.id]
        transaction = Transaction(b"t%d" % next(self._serial), read_only, now)
        self.transactions[transaction.id] = transaction
        return transaction

    def transaction(self, transaction_id: bytes) -> Transaction:
        if transaction_id not in self.transactions:
            raise invalid("Transaction is invalid or closed.")
        return self.transactions[transaction_id]

    def end(self, transaction: Transaction, changes: dict[str, Any]) -> None:
        """Close it; refuse with ABORTED when anything it read has changed since."""
        del self.transactions[transaction.id]
        if transaction.read_only and changes:
            raise invalid("Cannot modify entities in a read-only transaction.")
        if transaction.read_only or not transaction.replaced:
            return
        stale = not transaction.names.isdisjoint(transaction.replaced)
        if stale or any(run() != documents for run, documents in transaction.queries):
            raise Refused(grpc.StatusCode.ABORTED, "A document read by this transaction was changed by another write.")


def order_key(value: Any) -> tuple[int, Any]:
    """Firestore's order of values as Python's order of tuples: first the type's rank, then the value within it."""
    kind = value.WhichOneof("value_type")
    content = getattr(value, kind)
    if kind == "double_value" and math.isnan(content):
        return NAN_RANK, 0
    if kind == "map_value" and is_vector(content):
        values = content.fields["value"].array_value.values
        return VECTOR_RANK, (len(values), *map(order_key, values))
    rank, within = _ORDER[kind]
    return rank, within(content)


def name_key(name: str) -> tuple[str, ...]:
    """Names are ordered segment by segment, so that `a/b` comes before `a-b`."""
    return tuple(name.split("/"))


def is_vector(content: Any) -> bool:
    return "__type__" in content.fields and content.fields["__type__"].string_value == "__vector__"


NULL_RANK, NAN_RANK, NUMBER_RANK, REFERENCE_RANK, VECTOR_RANK = 0, 2, 3, 7, 10
_ORDER: dict[str, tuple[int, Callable[[Any], Any]]] = {
    "null_value": (NULL_RANK, lambda _: 0),
    "boolean_value": (1, bool),
    "integer_value": (NUMBER_RANK, int),
    "double_value": (NUMBER_RANK, float),
    "timestamp_value": (4, lambda stamp: (stamp.seconds, stamp.nanos)),
    "string_value": (5, str),  # Python compares code points, which is the order of UTF-8 bytes
    "bytes_value": (6, bytes),
    "reference_value": (REFERENCE_RANK, name_key),
    "geo_point_value": (8, lambda point: (point.latitude, point.longitude)),
    "array_value": (9, lambda array: tuple(map(order_key, array.values))),
    "map_value": (11, lambda content: tuple((k, order_key(content.fields[k])) for k in sorted(content.fields))),
}
