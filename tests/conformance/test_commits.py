"""Commit and BatchWrite: preconditions, masks, transforms, limits, and what happens to the neighbours of a refusal."""

import math

import pytest
from google.cloud import firestore
from google.cloud.firestore_v1 import types
from google.protobuf.timestamp_pb2 import Timestamp

from .speech import Documents, outcome, plain, value

LONG_AGO = types.Precondition(update_time=Timestamp(seconds=5))
EXISTS, MISSING = types.Precondition(exists=True), types.Precondition(exists=False)
NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION = 5, 6, 9


def test_a_batch_write_answers_for_each_write_by_itself(documents: Documents) -> None:
    stale = documents.set("c/stale", n=1)
    documents.set("c/stale", n=2)
    current = types.Precondition(update_time=documents.set("c/current", n=1))
    response = documents.batch_write(
        documents.write("c/stale", current=types.Precondition(update_time=stale), n=3),
        documents.write("c/never", current=LONG_AGO, n=3),
        documents.write("c/missing", current=EXISTS, n=3),
        documents.write("c/current", current=MISSING, n=3),
        documents.write("c/new", current=MISSING, n=3),
        documents.deletion("c/gone", current=EXISTS),
        documents.deletion("c/gone2"),
    )
    codes = [status.code for status in response.status]
    assert codes == [FAILED_PRECONDITION, FAILED_PRECONDITION, NOT_FOUND, ALREADY_EXISTS, 0, NOT_FOUND, 0]
    assert [bool(result.update_time) for result in response.write_results] == [code == 0 for code in codes[:5]] + [
        False
    ] * 2
    assert documents.fields("c/new") == {"n": 3}
    assert documents.fields("c/stale") == {"n": 2}
    second = documents.batch_write(documents.write("c/current", current=current, n=3))
    assert second.write_results[0].update_time == documents.get("c/current").update_time


def test_a_batch_write_has_each_document_once(documents: Documents) -> None:
    twice = [documents.write("c/d", n=1), documents.write("c/other", n=1), documents.write("c/d", n=2)]
    assert outcome(lambda: documents.batch_write(*twice)) == "INVALID_ARGUMENT"
    assert not documents.exists("c/other")


def test_a_document_over_1_mib_refuses_the_whole_batch_write(documents: Documents) -> None:
    writes = [documents.write("c/small", n=1), documents.write("c/big", n=b"x" * (1024 * 1024 + 1))]
    assert outcome(lambda: documents.batch_write(*writes)) == "INVALID_ARGUMENT"
    assert not documents.exists("c/small")


def test_a_document_just_under_1_mib_is_written(documents: Documents) -> None:
    documents.set("c/big", n=b"x" * 1_048_000)
    assert len(documents.fields("c/big")["n"]) == 1_048_000


def test_a_batch_write_of_500_documents(documents: Documents) -> None:
    response = documents.batch_write(*[documents.write(f"c/d{number}", n=number) for number in range(500)])
    assert [status.code for status in response.status] == [0] * 500
    assert documents.count("c") == 500


@pytest.mark.parametrize("send", ["commit", "batch_write"])
def test_a_write_that_changes_nothing_keeps_its_update_time(documents: Documents, send: str) -> None:
    first = documents.set("c/d", n=1, m={"a": [1.5, None]})
    response = getattr(documents, send)(documents.write("c/d", n=1, m={"a": [1.5, None]}))
    assert response.write_results[0].update_time == first
    assert documents.get("c/d").update_time == first


@pytest.mark.parametrize("send", ["commit", "batch_write"])
@pytest.mark.parametrize(
    "refused",
    [
        types.Write(),
        types.Write(update={"name": "c/d"}),
        types.Write(delete="c/d"),
    ],
)
def test_a_write_without_a_document_is_refused_and_its_neighbours_with_it(
    documents: Documents, send: str, refused: types.Write
) -> None:
    assert outcome(lambda: getattr(documents, send)(documents.write("c/d", n=1), refused)) == "INVALID_ARGUMENT"
    assert not documents.exists("c/d")


@pytest.mark.parametrize(
    "fields",
    [{"": 1}, {"__f__": 1}, {"a": [[1]]}, {"a": types.Value()}, {"a": {"": 1}}, {"a": [types.Value()]}],
    ids=["empty name", "reserved name", "array in array", "unset value", "empty nested name", "unset element"],
)
def test_fields_firestore_cannot_hold_are_refused(documents: Documents, fields: dict[str, object]) -> None:
    assert outcome(lambda: documents.set("c/d", **fields)) == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("current", "reason"), [(EXISTS, "NOT_FOUND"), (LONG_AGO, "FAILED_PRECONDITION")], ids=["exists", "update_time"]
)
def test_a_commit_is_atomic(documents: Documents, current: types.Precondition, reason: str) -> None:
    documents.set("c/kept", n=1)
    writes = [
        documents.write("c/new", n=1),
        documents.deletion("c/kept"),
        documents.write("c/missing", current=current, n=1),
    ]
    assert outcome(lambda: documents.commit(*writes)) == reason
    assert not documents.exists("c/new")
    assert documents.exists("c/kept")


def test_a_commit_gives_its_documents_one_time(documents: Documents) -> None:
    response = documents.commit(documents.write("c/a", n=1), documents.write("c/b", n=1))
    assert {result.update_time for result in response.write_results} == {response.commit_time}


def test_a_commit_may_write_a_document_several_times_in_order(documents: Documents) -> None:
    documents.commit(
        documents.write("c/d", n=1),
        documents.write("c/d", mask=["m"], m=2),
        documents.write("c/e", n=1),
        documents.deletion("c/e"),
    )
    assert documents.fields("c/d") == {"n": 1, "m": 2}
    assert not documents.exists("c/e")


def test_an_empty_commit_is_accepted(documents: Documents) -> None:
    assert not documents.commit().write_results


def test_a_create_refuses_an_existing_document(documents: Documents) -> None:
    documents.set("c/d", n=1)
    assert outcome(lambda: documents.commit(documents.write("c/d", current=MISSING, n=2))) == "ALREADY_EXISTS"


def test_a_mask_sets_deletes_and_leaves_alone(documents: Documents) -> None:
    documents.set("c/d", kept=1, dropped=2, m={"kept": 1, "dropped": 2, "changed": 3})
    mask = ["dropped", "m.dropped", "m.changed", "new.deep.er", "never"]
    documents.commit(documents.write("c/d", mask=mask, m={"changed": 4}, new={"deep": {"er": 5}}, ignored=6))
    assert documents.fields("c/d") == {"kept": 1, "m": {"kept": 1, "changed": 4}, "new": {"deep": {"er": 5}}}


def test_a_mask_replaces_a_value_in_the_way_of_a_path(documents: Documents) -> None:
    documents.set("c/d", a=1)
    documents.commit(documents.write("c/d", mask=["a.b"], a={"b": 2}))
    assert documents.fields("c/d") == {"a": {"b": 2}}


def test_an_empty_mask_creates_an_empty_document_and_changes_no_other(documents: Documents) -> None:
    documents.set("c/there", n=1)
    documents.commit(documents.write("c/new", mask=[], n=2), documents.write("c/there", mask=[], n=2))
    assert documents.fields("c/new") == {}
    assert documents.fields("c/there") == {"n": 1}


def test_a_path_may_quote_any_name(documents: Documents) -> None:
    documents.commit(documents.write("c/d", mask=[r"`a.b`", r"`\``", "`1`.x"], **{"a.b": 1, "`": 2, "1": {"x": 3}}))
    assert documents.fields("c/d") == {"a.b": 1, "`": 2, "1": {"x": 3}}


@pytest.mark.parametrize("path", ["a..b", "", ".a", "a.", "1a", "a b", "`a", "a-b"])
def test_a_malformed_path_is_refused(documents: Documents, path: str) -> None:
    assert outcome(lambda: documents.commit(documents.write("c/d", mask=[path], a=1))) == "INVALID_ARGUMENT"


def test_the_server_time_is_that_of_the_commit_in_milliseconds(documents: Documents) -> None:
    response = documents.commit(documents.transform("c/d", at={"set_to_server_value": 1}))
    (result,) = response.write_results
    at = plain(result.transform_results[0])
    assert documents.fields("c/d") == {"at": at}
    assert at.nanosecond % 1_000_000 == 0
    assert abs((response.commit_time - at).total_seconds()) < 1


@pytest.mark.parametrize(
    ("before", "transform", "after"),
    [
        (5, {"increment": 3}, 8),
        (5, {"increment": 0.5}, 5.5),
        (0.5, {"increment": 1}, 1.5),
        ("text", {"increment": 3}, 3),
        (2**63 - 1, {"increment": 1}, 2**63 - 1),
        (-(2**63), {"increment": -1}, -(2**63)),
        (5, {"maximum": 7}, 7),
        (5, {"maximum": 3.5}, 5),
        (5, {"minimum": 3.5}, 3.5),
        (3, {"minimum": 3.0}, 3),
        ("text", {"maximum": 3}, 3),
        ([1, "a"], {"append_missing_elements": [2, 1, 2, "a", None]}, [1, "a", 2, None]),
        ("text", {"append_missing_elements": [1]}, [1]),
        ([1, 2, 1, "a"], {"remove_all_from_array": [1, "b"]}, [2, "a"]),
        ("text", {"remove_all_from_array": [1]}, []),
    ],
)
def test_a_transform_changes_one_field(documents: Documents, before: object, transform: dict, after: object) -> None:  # type: ignore[type-arg]
    documents.set("c/d", f=before, other=1)
    ((kind, operand),) = transform.items()
    content = value(operand).array_value if isinstance(operand, list) else value(operand)
    (result,) = documents.commit(documents.transform("c/d", f={kind: content})).write_results
    stored = documents.fields("c/d")
    assert stored == {"f": after, "other": 1}
    assert type(stored["f"]) is type(after)
    assert plain(result.transform_results[0]) == (None if isinstance(after, list) else after)


def test_the_maximum_with_nan_is_nan(documents: Documents) -> None:
    documents.set("c/d", f=5)
    documents.commit(documents.transform("c/d", f={"maximum": value(math.nan)}))
    assert math.isnan(documents.fields("c/d")["f"])


def test_transforms_apply_to_missing_fields_and_in_order(documents: Documents) -> None:
    write = documents.write("c/d", name="v1")
    write.update_transforms.extend(
        [
            {"field_path": "n", "increment": value(2)},
            {"field_path": "n", "increment": value(3)},
            {"field_path": "deep.list", "append_missing_elements": value([1]).array_value},
        ]
    )
    documents.commit(write)
    assert documents.fields("c/d") == {"name": "v1", "n": 5, "deep": {"list": [1]}}


def test_a_transform_may_be_a_write_of_its_own(documents: Documents) -> None:
    transform = {"document": documents.name("c/d"), "field_transforms": [{"field_path": "n", "increment": value(2)}]}
    documents.commit(types.Write(transform=transform))
    assert documents.fields("c/d") == {"n": 2}


def test_only_numbers_can_be_added(documents: Documents) -> None:
    write = documents.transform("c/d", n={"increment": value("1")})
    assert outcome(lambda: documents.commit(write)) == "INVALID_ARGUMENT"


def test_the_application_client_merges_updates_and_batches(database: firestore.Client) -> None:
    reference = database.document("c/d")
    reference.set({"a": 1, "m": {"x": 1, "y": 2}})
    reference.set({"m": {"x": 5}}, merge=True)
    reference.update(
        {"m.y": firestore.DELETE_FIELD, "tags": firestore.ArrayUnion(["t"]), "at": firestore.SERVER_TIMESTAMP}
    )
    stored = reference.get().to_dict()
    assert stored.pop("at")
    assert stored == {"a": 1, "m": {"x": 5}, "tags": ["t"]}
    batch = database.batch()
    batch.create(database.document("c/new"), {"n": 1})
    batch.delete(reference)
    batch.commit()
    assert [snapshot.id for snapshot in database.collection("c").stream()] == ["new"]
    assert outcome(lambda: database.document("c/missing").update({"a": 1})) == "NOT_FOUND"
    assert outcome(lambda: database.document("c/new").create({"a": 1})) == "ALREADY_EXISTS"
