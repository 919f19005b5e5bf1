"""REST: what curl and gcloud send to the same host and port."""

from google.cloud import firestore

from .conftest import Curl
from .speech import Documents, Plumbing

OK, BAD_REQUEST, NOT_FOUND, CONFLICT = 200, 400, 404, 409


def test_the_root_says_ok(curl_pubsub: Curl, curl_firestore: Curl) -> None:
    assert curl_pubsub.text("/").strip() == curl_firestore.text("/").strip() == "Ok"


def test_a_topic_is_created_read_listed_and_deleted(curl_pubsub: Curl, project: str) -> None:
    topic = f"projects/{project}/topics/gps"
    assert curl_pubsub("PUT", f"/v1/{topic}", {}) == (OK, {"name": topic})
    assert curl_pubsub("PUT", f"/v1/{topic}", {})[0] == CONFLICT
    assert curl_pubsub("GET", f"/v1/{topic}") == (OK, {"name": topic})
    assert curl_pubsub("GET", f"/v1/projects/{project}/topics") == (OK, {"topics": [{"name": topic}]})
    assert curl_pubsub("DELETE", f"/v1/{topic}") == (OK, {})
    status, answer = curl_pubsub("GET", f"/v1/{topic}")
    assert (status, answer["error"]["code"], answer["error"]["status"]) == (NOT_FOUND, NOT_FOUND, "NOT_FOUND")


def test_a_subscription_is_created_read_listed_and_deleted(curl_pubsub: Curl, plumbing: Plumbing) -> None:
    topic, name = plumbing.topic(), plumbing.subscription_name()
    status, created = curl_pubsub("PUT", f"/v1/{name}", {"topic": topic, "ackDeadlineSeconds": 30})
    assert (status, created["topic"], created["ackDeadlineSeconds"]) == (OK, topic, 30)
    assert curl_pubsub("GET", f"/v1/{name}") == (OK, created)
    assert curl_pubsub("GET", f"/v1/{plumbing.project}/subscriptions") == (OK, {"subscriptions": [created]})
    assert curl_pubsub("GET", f"/v1/{topic}/subscriptions") == (OK, {"subscriptions": [name]})
    assert curl_pubsub("DELETE", f"/v1/{name}") == (OK, {})
    assert curl_pubsub("GET", f"/v1/{name}")[0] == NOT_FOUND


def test_a_message_is_published_pulled_and_acknowledged(curl_pubsub: Curl, plumbing: Plumbing) -> None:
    name = plumbing.line()
    body = {"messages": [{"data": "aGVsbG8=", "attributes": {"vehicle": "v1"}}]}
    status, published = curl_pubsub("POST", f"/v1/{plumbing.topic_name()}:publish", body)
    _, pulled = curl_pubsub("POST", f"/v1/{name}:pull", {"maxMessages": 10})
    (received,) = pulled["receivedMessages"]
    assert status == OK
    assert received["message"]["data"] == "aGVsbG8="
    assert received["message"]["attributes"] == {"vehicle": "v1"}
    assert received["message"]["messageId"] == published["messageIds"][0]
    assert received["message"]["publishTime"].endswith("Z")
    ack_ids = [received["ackId"]]
    assert curl_pubsub("POST", f"/v1/{name}:modifyAckDeadline", {"ackIds": ack_ids, "ackDeadlineSeconds": 20})[0] == OK
    assert curl_pubsub("POST", f"/v1/{name}:acknowledge", {"ackIds": ack_ids}) == (OK, {})


def test_refusals_have_the_documented_http_status(curl_pubsub: Curl, plumbing: Plumbing) -> None:
    topic = plumbing.topic_name()
    assert curl_pubsub("POST", f"/v1/{topic}:publish", {"messages": [{"data": "eA=="}]})[0] == NOT_FOUND
    plumbing.topic()
    status, answer = curl_pubsub("POST", f"/v1/{topic}:publish", {"messages": [{}]})
    assert (status, answer["error"]["status"]) == (BAD_REQUEST, "INVALID_ARGUMENT")
    assert curl_pubsub("POST", f"/v1/{topic}:publish", {"unknown": 1})[0] == BAD_REQUEST


def test_a_document_is_read_as_json(curl_firestore: Curl, database: firestore.Client, documents: Documents) -> None:
    database.document("vehicles/v 1/workers/gps").set({"n": 1, "s": "x", "none": None, "b": b"\x00", "l": [1.5, True]})
    status, answer = curl_firestore("GET", f"/v1/{documents.name('vehicles/v%201/workers/gps')}")
    assert (status, answer["name"]) == (OK, documents.name("vehicles/v 1/workers/gps"))
    assert answer["fields"] == {
        "n": {"integerValue": "1"},
        "s": {"stringValue": "x"},
        "none": {"nullValue": None},
        "b": {"bytesValue": "AA=="},
        "l": {"arrayValue": {"values": [{"doubleValue": 1.5}, {"booleanValue": True}]}},
    }
    assert answer["updateTime"].endswith("Z")


def test_a_missing_document_is_a_404(curl_firestore: Curl, documents: Documents) -> None:
    status, answer = curl_firestore("GET", f"/v1/{documents.name('c/missing')}")
    assert (status, answer["error"]["status"]) == (NOT_FOUND, "NOT_FOUND")


def test_a_collection_is_listed_in_pages_with_a_mask(curl_firestore: Curl, documents: Documents) -> None:
    for path in ("c/a", "c/b", "c/c"):
        documents.set(path, keep=1, drop=2)
    url = f"/v1/{documents.name('c')}?pageSize=2&mask.fieldPaths=keep&mask.fieldPaths=more"
    status, first = curl_firestore("GET", url)
    _, second = curl_firestore("GET", f"{url}&pageToken={first['nextPageToken']}")
    assert status == OK
    listed = [*first["documents"], *second["documents"]]
    assert [document["name"] for document in listed] == [documents.name(path) for path in ("c/a", "c/b", "c/c")]
    assert all(document["fields"] == {"keep": {"integerValue": "1"}} for document in listed)
    assert "nextPageToken" not in second


def test_a_query_answers_a_list(curl_firestore: Curl, documents: Documents) -> None:
    documents.set("vehicles/v1/workers/gps", n=1)
    documents.set("vehicles/v2/workers/gps", n=2)
    where = {"fieldFilter": {"field": {"fieldPath": "n"}, "op": "GREATER_THAN", "value": {"integerValue": "1"}}}
    query = {"from": [{"collectionId": "workers", "allDescendants": True}], "where": where, "limit": 5}
    status, answer = curl_firestore("POST", f"/v1/{documents.root}:runQuery", {"structuredQuery": query})
    assert status == OK
    assert [each["document"]["name"] for each in answer] == [documents.name("vehicles/v2/workers/gps")]
    below = {"structuredQuery": {"from": [{"collectionId": "workers"}]}}
    _, answer = curl_firestore("POST", f"/v1/{documents.name('vehicles/v1')}:runQuery", below)
    assert [each["document"]["name"] for each in answer] == [documents.name("vehicles/v1/workers/gps")]


def test_a_count_answers_a_list(curl_firestore: Curl, documents: Documents) -> None:
    documents.set("c/d", n=1)
    query = {"structuredQuery": {"from": [{"collectionId": "c"}]}, "aggregations": [{"alias": "n", "count": {}}]}
    url = f"/v1/{documents.root}:runAggregationQuery"
    status, answer = curl_firestore("POST", url, {"structuredAggregationQuery": query})
    assert (status, answer[0]["result"]["aggregateFields"]) == (OK, {"n": {"integerValue": "1"}})


def test_documents_are_created_patched_and_deleted(curl_firestore: Curl, documents: Documents) -> None:
    url = f"/v1/{documents.name('c')}"
    created = curl_firestore("POST", f"{url}?documentId=d", {"fields": {"a": {"integerValue": "1"}}})
    patch = {"fields": {"b": {"timestampValue": "2026-01-01T00:00:00Z"}}}
    patched = curl_firestore("PATCH", f"{url}/d?updateMask.fieldPaths=b&currentDocument.exists=true", patch)
    assert created[0] == patched[0] == OK
    assert patched[1]["fields"] == {"a": {"integerValue": "1"}, **patch["fields"]}
    assert curl_firestore("PATCH", f"{url}/d?currentDocument.exists=false", {})[0] == CONFLICT
    assert curl_firestore("DELETE", f"{url}/d") == (OK, {})
    assert curl_firestore("GET", f"{url}/d")[0] == NOT_FOUND


def test_a_commit_writes_documents(curl_firestore: Curl, documents: Documents) -> None:
    write = {"update": {"name": documents.name("c/d"), "fields": {"a": {"doubleValue": 0.5}}}}
    status, answer = curl_firestore("POST", f"/v1/{documents.root}:commit", {"writes": [write]})
    assert (status, len(answer["writeResults"])) == (OK, 1)
    assert documents.fields("c/d") == {"a": 0.5}


def test_an_unknown_path_is_a_404(curl_pubsub: Curl, curl_firestore: Curl) -> None:
    assert curl_pubsub.status("/v1/nothing") == curl_firestore.status("/v1/nothing") == NOT_FOUND
