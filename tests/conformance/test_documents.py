"""Single documents: get, batch get, list, create, update, delete."""

import datetime
import time
from typing import Any

import pytest
from google.cloud import firestore
from google.cloud.firestore_v1 import types
from google.protobuf.timestamp_pb2 import Timestamp

from .backends import Backend
from .speech import OWNER, Documents, outcome, plain_fields

EVERY_TYPE = {
    "null": types.Value(null_value=0),
    "boolean": types.Value(boolean_value=False),
    "integer": types.Value(integer_value=-(2**63)),
    "double": types.Value(double_value=-0.5),
    "timestamp": types.Value(timestamp_value=Timestamp(seconds=-1, nanos=999_999_000)),
    "string": types.Value(string_value="ünï\x00"),
    "bytes": types.Value(bytes_value=b"\xff\x00"),
    "reference": types.Value(reference_value="projects/p/databases/(default)/documents/c/d"),
    "geo": types.Value(geo_point_value={"latitude": -90, "longitude": 180}),
    "array": types.Value(array_value={"values": [{"integer_value": 1}, {"map_value": {}}]}),
    "map": types.Value(map_value={"fields": {"a b": {"map_value": {"fields": {"c": {"string_value": ""}}}}}}),
}


def test_a_document_comes_back_with_every_type_of_value(documents: Documents) -> None:
    documents.set("c/d", **EVERY_TYPE)
    assert dict(documents.get("c/d").fields) == EVERY_TYPE


def test_the_application_client_reads_what_it_wrote(database: firestore.Client) -> None:
    content = {
        "status": "active",
        "readings": 3,
        "speed": 1.5,
        "at": datetime.datetime(2026, 1, 1, 12, 0, 0, 123456, datetime.UTC),
        "where": firestore.GeoPoint(1.5, -2.5),
        "memory": b"\x00\x01",
        "route": ["a", None, {"b": True}],
        "nested": {"deep": {"er": 1}},
    }
    reference = database.document("vehicles/v1/workers/gps")
    reference.set(content)
    snapshot = reference.get()
    assert snapshot.exists
    assert snapshot.to_dict() == content
    assert (
        snapshot.create_time == snapshot.update_time == snapshot.read_time or snapshot.read_time > snapshot.update_time
    )


async def test_the_async_client_reads_what_it_wrote(
    backend: Backend, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", backend.firestore)
    client = firestore.AsyncClient(project=project)
    await client.document("c/d").set({"n": 1})
    await client.document("c/d").update({"n": firestore.Increment(2)})
    assert (await client.document("c/d").get()).to_dict() == {"n": 3}
    assert [found.id async for found in client.collection("c").where(filter=_equal("n", 3)).stream()] == ["d"]
    await client._firestore_api.transport.close()


def _equal(field: str, content: object) -> firestore.FieldFilter:
    return firestore.FieldFilter(field, "==", content)


def test_a_missing_document_is_not_found(documents: Documents) -> None:
    assert outcome(lambda: documents.get("c/missing")) == "NOT_FOUND"


@pytest.mark.parametrize("path", ["c", "c/d/e", "c//d/e", "c/.", "c/..", "c/__d__"])
def test_a_malformed_document_name_is_refused(documents: Documents, path: str) -> None:
    assert outcome(lambda: documents.get(path)) == "INVALID_ARGUMENT"
    assert outcome(lambda: documents.set(path, a=1)) == "INVALID_ARGUMENT"


def test_a_mask_chooses_the_fields_of_a_read(documents: Documents) -> None:
    documents.set("c/d", a=1, b={"c": 2, "d": 3}, **{"e f": 4})
    masked = documents.get("c/d", mask={"field_paths": ["b.c", "`e f`", "missing"]})
    assert plain_fields(masked) == {"b": {"c": 2}, "e f": 4}
    assert masked.update_time == documents.get("c/d").update_time


def test_batch_get_answers_found_and_missing_each_once(documents: Documents) -> None:
    documents.set("c/one", a=1, b=2)
    responses = documents.batch_get("c/one", "c/two", "c/one", mask={"field_paths": ["a"]})
    found = [response.found for response in responses if response.found.name]
    assert [(document.name, plain_fields(document)) for document in found] == [(documents.name("c/one"), {"a": 1})]
    assert [response.missing for response in responses if response.missing] == [documents.name("c/two")]
    assert all(response.read_time for response in responses)


def test_batch_get_of_nothing_is_empty(documents: Documents) -> None:
    assert documents.batch_get() == []


def test_a_created_document_is_answered_with_its_times(documents: Documents) -> None:
    request = {"parent": documents.root, "collection_id": "c", "document_id": "d", "document": {}}
    created = documents.rpc.create_document(request)
    assert created.name == documents.name("c/d")
    assert created.create_time == created.update_time
    assert outcome(lambda: documents.rpc.create_document(request, retry=None)) == "ALREADY_EXISTS"


def test_a_created_document_gets_an_id_of_20_characters_when_it_has_none(documents: Documents) -> None:
    request = {"parent": documents.root, "collection_id": "c", "document": {}}
    names = {documents.rpc.create_document(request).name for _ in range(3)}
    assert {len(name.rpartition("/")[2]) for name in names} == {20}
    assert len(names) == 3


def test_creating_without_a_collection_is_refused(documents: Documents) -> None:
    request = {"parent": documents.root, "document_id": "d", "document": {}}
    assert outcome(lambda: documents.rpc.create_document(request, retry=None)) == "INVALID_ARGUMENT"


def test_update_document_creates_replaces_and_merges(documents: Documents) -> None:
    def update(mask: list[str] | None, **fields: Any) -> dict[str, Any]:
        request: dict[str, Any] = {"document": documents.write("c/d", **fields).update}
        if mask is not None:
            request["update_mask"] = {"field_paths": mask}
        return plain_fields(documents.rpc.update_document(request, retry=None))

    assert update(None, a=1, b=2) == {"a": 1, "b": 2}
    assert update(["b", "c"], a=7, c=3) == {"a": 1, "c": 3}
    assert update(None, z=0) == {"z": 0}


def test_update_and_delete_document_obey_preconditions(documents: Documents) -> None:
    exists = {"exists": True}
    update = {"document": documents.write("c/d", a=1).update, "current_document": exists}
    delete = {"name": documents.name("c/d"), "current_document": exists}
    assert outcome(lambda: documents.rpc.update_document(update, retry=None)) == "NOT_FOUND"
    assert outcome(lambda: documents.rpc.delete_document(delete, retry=None)) == "NOT_FOUND"
    documents.set("c/d")
    assert outcome(lambda: documents.rpc.update_document(update, retry=None)) == "OK"
    assert outcome(lambda: documents.rpc.delete_document(delete, retry=None)) == "OK"
    assert not documents.exists("c/d")


def test_deleting_a_missing_document_is_no_error(documents: Documents) -> None:
    documents.rpc.delete_document({"name": documents.name("c/missing")}, retry=None)


def test_a_deleted_document_leaves_the_documents_below_it(documents: Documents) -> None:
    documents.set("c/d", a=1)
    documents.set("c/d/below/e", a=1)
    documents.rpc.delete_document({"name": documents.name("c/d")})
    assert not documents.exists("c/d")
    assert documents.exists("c/d/below/e")


def test_documents_are_listed_by_name_in_pages(documents: Documents) -> None:
    for path in ("c/a", "c/b", "c/c", "c/a/below/x", "other/y"):
        documents.set(path, p=path, q=1)
    pages = documents.page("c", page_size=2, mask={"field_paths": ["p"]}).pages
    listed = [[plain_fields(document) for document in page.documents] for page in pages]
    assert listed == [[{"p": "c/a"}, {"p": "c/b"}], [{"p": "c/c"}]]
    assert [document.name for document in documents.page("below", parent="c/a")] == [documents.name("c/a/below/x")]
    assert list(documents.page("empty")) == []


def test_a_listing_shows_missing_documents_when_asked(documents: Documents) -> None:
    documents.set("c/there", a=1)
    documents.set("c/missing/below/x", a=1)
    listed = list(documents.page("c", metadata=OWNER, show_missing=True))
    assert [document.name for document in listed] == [documents.name("c/missing"), documents.name("c/there")]
    assert not listed[0].create_time


def test_a_page_token_of_another_listing_is_refused(documents: Documents) -> None:
    assert outcome(lambda: documents.page("c", page_token="zzz")) == "INVALID_ARGUMENT"


def test_projects_and_databases_are_apart(documents: Documents) -> None:
    documents.set("c/d", a=1)
    elsewhere = Documents(documents.rpc, documents.database.replace("conformance", "elsewhere"))
    assert not elsewhere.exists("c/d")


def test_times_are_aware_move_forward_and_have_microseconds(documents: Documents) -> None:
    first = documents.set("c/d", a=1)
    time.sleep(0.002)
    second = documents.set("c/d", a=2)
    now = datetime.datetime.now(datetime.UTC)
    assert first < second
    assert abs((now - second).total_seconds()) < 60
    assert second.nanosecond % 1000 == 0
    assert documents.get("c/d").create_time == first
