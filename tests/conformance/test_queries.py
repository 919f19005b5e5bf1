"""Queries: which documents a filter keeps, in which order, and which part of them comes back."""

import math
from typing import Any

import pytest
from google.cloud import firestore
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.base_query import And, Or
from google.protobuf.timestamp_pb2 import Timestamp

from .speech import Documents, outcome, plain_fields, value

OPERATORS = {
    "<": 1,
    "<=": 2,
    ">": 3,
    ">=": 4,
    "==": 5,
    "!=": 6,
    "contains": 7,
    "in": 8,
    "contains any": 9,
    "not in": 10,
}
IS_NAN, IS_NULL, IS_NOT_NAN, IS_NOT_NULL = 2, 3, 4, 5
ASCENDING, DESCENDING = 1, 2
REFERENCE = "projects/p/databases/(default)/documents/"

IN_ORDER: list[tuple[str, Any]] = [
    ("null", None),
    ("false", False),
    ("true", True),
    ("nan", math.nan),
    ("minus_infinity", -math.inf),
    ("minimum", -(2**63)),
    ("minus_one_and_a_half", -1.5),
    ("one", 1),
    ("one_and_a_half", 1.5),
    ("two", 2),
    ("two_to_53", 2.0**53),
    ("two_to_53_and_1", 2**53 + 1),
    ("infinity", math.inf),
    ("early", types.Value(timestamp_value=Timestamp(seconds=-5))),
    ("late", types.Value(timestamp_value=Timestamp(seconds=5, nanos=1000))),
    ("empty_string", ""),
    ("upper", "B"),
    ("lower", "a"),
    ("longer", "ab"),
    ("umlaut", "ä"),
    ("private_use", "\uffff"),
    ("emoji", "😀"),
    ("empty_bytes", b""),
    ("bytes", b"\x7f"),
    ("high_bytes", b"\x80"),
    ("reference", types.Value(reference_value=REFERENCE + "a/b")),
    ("deeper_reference", types.Value(reference_value=REFERENCE + "a/b/c/d")),
    ("next_reference", types.Value(reference_value=REFERENCE + "a-b/b")),
    ("south", types.Value(geo_point_value={"latitude": -1, "longitude": 9})),
    ("west", types.Value(geo_point_value={"latitude": 1, "longitude": -9})),
    ("east", types.Value(geo_point_value={"latitude": 1, "longitude": 9})),
    ("empty_array", []),
    ("array", [1]),
    ("longer_array", [1, None]),
    ("later_array", [2]),
    ("vector", {"__type__": "__vector__", "value": [9.0]}),
    ("longer_vector", {"__type__": "__vector__", "value": [1.0, 1.0]}),
    ("empty_map", {}),
    ("map", {"a": 1}),
    ("wider_map", {"a": 1, "b": 0}),
    ("greater_map", {"a": 2}),
    ("later_map", {"b": 0}),
]


def field(name: str, operator: str, content: Any) -> dict[str, Any]:
    return {"field_filter": {"field": {"field_path": name}, "op": OPERATORS[operator], "value": value(content)}}


def unary(name: str, operator: int) -> dict[str, Any]:
    return {"unary_filter": {"field": {"field_path": name}, "op": operator}}


def both(*filters: dict[str, Any]) -> dict[str, Any]:
    return {"composite_filter": {"op": 1, "filters": list(filters)}}


def either(*filters: dict[str, Any]) -> dict[str, Any]:
    return {"composite_filter": {"op": 2, "filters": list(filters)}}


def by(*orders: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"field": {"field_path": path}, "direction": direction} for path, direction in orders]


@pytest.fixture
def one_of_each(documents: Documents) -> Documents:
    """A document for each value, named after it, and one without the field."""
    documents.commit(
        *[documents.write(f"c/{name}", f=content) for name, content in IN_ORDER], documents.write("c/none")
    )
    return documents


def test_values_of_all_types_have_one_order(one_of_each: Documents) -> None:
    expected = [name for name, _ in IN_ORDER]
    assert one_of_each.found("c", order_by=by(("f", ASCENDING))) == expected
    assert one_of_each.found("c", order_by=by(("f", DESCENDING))) == expected[::-1]


@pytest.mark.parametrize(
    ("operator", "content", "expected"),
    [
        ("==", 1, ["one"]),
        ("==", 1.0, ["one"]),
        ("==", "a", ["lower"]),
        ("==", [1], ["array"]),
        ("==", {"a": 1}, ["map"]),
        ("==", None, []),
        ("==", math.nan, []),
        ("<", -1, ["minus_infinity", "minimum", "minus_one_and_a_half"]),
        (">=", 2, ["two", "two_to_53", "two_to_53_and_1", "infinity"]),
        (">", 2**53, ["two_to_53_and_1", "infinity"]),
        (">", "ab", ["umlaut", "private_use", "emoji"]),
        ("<=", False, ["false"]),
        ("<", b"\x80", ["empty_bytes", "bytes"]),
        (">", [1], ["longer_array", "later_array"]),
        (">", {"a": 1}, ["wider_map", "greater_map", "later_map"]),
        (">=", None, []),
        ("<", math.nan, []),
        ("contains", 1, ["array", "longer_array"]),
        ("contains", None, []),
        ("contains any", [2, None], ["later_array"]),
        ("in", [1.0, "a", None, [1]], ["one", "lower", "array"]),
        ("not in", [1, None], []),
    ],
)
def test_a_filter_keeps_what_it_says(one_of_each: Documents, operator: str, content: Any, expected: list[str]) -> None:
    assert one_of_each.found("c", where=field("f", operator, content), order_by=by(("f", ASCENDING))) == expected


@pytest.mark.parametrize(
    ("where", "left_out"),
    [
        (field("f", "!=", 1), {"null", "one"}),
        (field("f", "not in", [1, "a"]), {"null", "one", "lower"}),
        (unary("f", IS_NOT_NULL), {"null"}),
        (unary("f", IS_NOT_NAN), {"null", "nan"}),
    ],
    ids=["!=", "not in", "is not null", "is not nan"],
)
def test_a_negative_filter_keeps_all_others_in_order(
    one_of_each: Documents, where: dict[str, Any], left_out: set[str]
) -> None:
    assert one_of_each.found("c", where=where) == [name for name, _ in IN_ORDER if name not in left_out]


def test_unary_filters_find_null_and_nan(one_of_each: Documents) -> None:
    assert one_of_each.found("c", where=unary("f", IS_NULL)) == ["null"]
    assert one_of_each.found("c", where=unary("f", IS_NAN)) == ["nan"]


def test_without_an_order_documents_come_by_name(one_of_each: Documents) -> None:
    assert one_of_each.found("c") == sorted([name for name, _ in IN_ORDER] + ["none"])


@pytest.fixture
def fleet(documents: Documents) -> Documents:
    """Workers of five vehicles, in a collection group, with a field each query can use."""
    statuses = ["active", "ended", "active", "silent", "active"]
    for number, status in enumerate(statuses):
        for line in ("gps", "temperature"):
            documents.commit(
                documents.write(f"vehicles/v{number}/workers/{line}", status=status, shard=number % 2, at={"s": number})
            )
    documents.set("vehicles/v0", name="truck")
    return documents


def test_a_collection_is_not_its_descendants(fleet: Documents) -> None:
    assert fleet.found("vehicles") == ["v0"]
    assert fleet.found("workers") == []
    assert fleet.found("workers", parent="vehicles/v1") == ["gps", "temperature"]


def test_a_collection_group_is_every_collection_of_that_name_below_the_parent(fleet: Documents) -> None:
    everywhere = [f"vehicles/v{number}/workers/{line}" for number in range(5) for line in ("gps", "temperature")]
    assert fleet.found("workers", group=True) == everywhere
    assert fleet.found("workers", group=True, parent="vehicles/v1") == everywhere[2:4]


def test_conditions_combine_with_and_and_with_or(fleet: Documents) -> None:
    active = field("status", "==", "active")
    late = field("at.s", ">=", 2)
    found = fleet.found("workers", group=True, where=both(active, late))
    assert [path.split("/")[1] for path in found] == ["v2", "v2", "v4", "v4"]
    ended_or_first = either(field("status", "==", "ended"), both(active, field("at.s", "==", 0)))
    found = fleet.found("workers", group=True, where=ended_or_first)
    assert [path.split("/")[1] for path in found] == ["v0", "v0", "v1", "v1"]


def test_orders_apply_one_after_the_other_each_in_its_direction(fleet: Documents) -> None:
    orders = by(("shard", DESCENDING), ("at.s", ASCENDING), ("__name__", ASCENDING))
    found = fleet.found("workers", group=True, order_by=orders)
    assert [path.split("/")[1] for path in found[::2]] == ["v1", "v3", "v0", "v2", "v4"]


def test_ties_are_broken_by_name_in_the_direction_of_the_last_order(fleet: Documents) -> None:
    found = fleet.found("workers", group=True, order_by=by(("shard", DESCENDING)))
    assert found[:2] == ["vehicles/v3/workers/temperature", "vehicles/v3/workers/gps"]


def test_ordering_by_a_field_leaves_out_documents_without_it(documents: Documents) -> None:
    documents.set("c/with", f=1)
    documents.set("c/without", g=1)
    assert documents.found("c", order_by=by(("f", ASCENDING))) == ["with"]


def test_an_inequality_orders_by_its_field(documents: Documents) -> None:
    for name, number in (("a", 3), ("b", 1), ("c", 2)):
        documents.set(f"c/{name}", f=number)
    assert documents.found("c", where=field("f", ">", 0)) == ["b", "c", "a"]
    assert documents.found("c", where=both(field("f", ">", 1), field("f", "<=", 3))) == ["c", "a"]


@pytest.fixture
def numbers(documents: Documents) -> Documents:
    documents.commit(*[documents.write(f"c/{number}", f=number // 2, g=number) for number in range(6)])
    return documents


def test_limit_and_offset_cut_the_result(numbers: Documents) -> None:
    assert numbers.found("c", limit={"value": 2}) == ["0", "1"]
    assert numbers.found("c", offset=4) == ["4", "5"]
    assert numbers.found("c", offset=1, limit={"value": 2}) == ["1", "2"]
    assert numbers.found("c", offset=9) == []
    assert numbers.found("c", limit={"value": 0}) == []


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (([1], True), None, ["2", "3", "4", "5"]),
        (([1], False), None, ["4", "5"]),
        (None, ([1], True), ["0", "1"]),
        (None, ([1], False), ["0", "1", "2", "3"]),
        (([0], False), ([2], True), ["2", "3"]),
        (([1.5], True), None, ["4", "5"]),
        (([], True), None, ["0", "1", "2", "3", "4", "5"]),
    ],
)
def test_cursors_begin_and_end_at_values(numbers: Documents, start: Any, end: Any, expected: list[str]) -> None:
    cursors = {
        name: {"values": [value(each) for each in content[0]], "before": content[1]}
        for name, content in (("start_at", start), ("end_at", end))
        if content
    }
    assert numbers.found("c", order_by=by(("f", ASCENDING)), **cursors) == expected


def test_a_descending_cursor_begins_from_above(numbers: Documents) -> None:
    start = {"values": [value(1)], "before": True}
    assert numbers.found("c", order_by=by(("f", DESCENDING)), start_at=start) == ["3", "2", "1", "0"]


def test_a_cursor_may_name_the_document_among_equals(numbers: Documents) -> None:
    name = types.Value(reference_value=numbers.name("c/2"))
    start = {"values": [value(1), name], "before": False}
    assert numbers.found("c", order_by=by(("f", ASCENDING), ("__name__", ASCENDING)), start_at=start) == ["3", "4", "5"]


def test_the_name_is_a_field_to_filter_by(numbers: Documents) -> None:
    names = [types.Value(reference_value=numbers.name(f"c/{each}")) for each in (3, 5)]
    assert numbers.found("c", where=field("__name__", ">=", names[0])) == ["3", "4", "5"]
    assert numbers.found("c", where=field("__name__", "in", names)) == ["3", "5"]


def test_a_projection_answers_only_some_fields(numbers: Documents) -> None:
    responses = numbers.query("c", select={"fields": [{"field_path": "g"}]}, limit={"value": 1})
    assert plain_fields(responses[0].document) == {"g": 0}
    responses = numbers.query("c", select={"fields": [{"field_path": "__name__"}]}, limit={"value": 1})
    assert plain_fields(responses[0].document) == {}
    assert responses[0].document.update_time


def test_an_empty_result_still_has_its_read_time(documents: Documents) -> None:
    (response,) = documents.query("empty")
    assert response.read_time
    assert not response.document.name


def test_documents_are_counted(numbers: Documents) -> None:
    assert numbers.count("c") == 6
    assert numbers.count("c", up_to={"value": 4}) == 4
    assert numbers.count("empty") == 0


@pytest.mark.parametrize(
    "query",
    [
        {"where": field("f", "in", [])},
        {"where": field("f", "in", list(range(31)))},
        {"where": field("f", "in", 1)},
        {"where": field("f", "contains any", 1)},
        {"where": field("__name__", "==", "text")},
        {"where": field("a..b", "==", 1)},
        {"limit": {"value": -1}},
        {"offset": -1},
        {"order_by": by(("f", ASCENDING)), "start_at": {"values": [value(1), value(2), value(3)]}},
    ],
    ids=[
        "in of nothing",
        "in of 31",
        "in without array",
        "any without array",
        "name without reference",
        "malformed path",
        "negative limit",
        "negative offset",
        "long cursor",
    ],
)
def test_a_malformed_query_is_refused(numbers: Documents, query: dict[str, Any]) -> None:
    assert outcome(lambda: numbers.query("c", **query)) == "INVALID_ARGUMENT"


def test_a_query_has_one_collection(documents: Documents) -> None:
    query = {"from_": [{"collection_id": "a"}, {"collection_id": "b"}]}
    request = {"parent": documents.root, "structured_query": query}
    assert outcome(lambda: list(documents.rpc.run_query(request, retry=None))) == "INVALID_ARGUMENT"


def test_a_malformed_parent_is_refused(documents: Documents) -> None:
    request = {"parent": "vehicles", "structured_query": {"from_": [{"collection_id": "a"}]}}
    assert outcome(lambda: list(documents.rpc.run_query(request, retry=None))) == "INVALID_ARGUMENT"


def test_an_aggregation_aggregates_something(documents: Documents) -> None:
    query = {"structured_query": {"from_": [{"collection_id": "c"}]}}
    request = {"parent": documents.root, "structured_aggregation_query": query}
    assert outcome(lambda: list(documents.rpc.run_aggregation_query(request, retry=None))) == "INVALID_ARGUMENT"


def test_the_application_client_pages_through_a_query(database: firestore.Client) -> None:
    collection = database.collection("c")
    for number in range(5):
        collection.document(f"d{number}").set({"n": number, "even": number % 2 == 0, "tags": [number, "all"]})
    query = collection.order_by("n").limit(2)
    pages: list[list[str]] = []
    while page := query.get():
        pages.append([snapshot.id for snapshot in page])
        query = query.start_after(page[-1])
    assert pages == [["d0", "d1"], ["d2", "d3"], ["d4"]]
    assert [snapshot.id for snapshot in collection.order_by("n").limit_to_last(2).get()] == ["d3", "d4"]


def test_the_application_client_filters_selects_and_counts(database: firestore.Client) -> None:
    for number in range(4):
        database.document(f"vehicles/v{number}/workers/gps").set({"n": number, "tags": [number, "all"]})
    workers = database.collection_group("workers")
    small, tagged = firestore.FieldFilter("n", "<", 2), firestore.FieldFilter("tags", "array_contains", 3)
    found = workers.where(filter=Or([small, tagged])).select(["n"]).stream()
    assert [snapshot.to_dict() for snapshot in found] == [{"n": 0}, {"n": 1}, {"n": 3}]
    found = workers.where(filter=And([small, firestore.FieldFilter("tags", "array_contains", "all")])).stream()
    assert len(list(found)) == 2
    assert workers.where(filter=small).count().get()[0][0].value == 2
