"""Transactions: a consistent view, all or nothing, ABORTED on conflict, and the client's retries on top."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.cloud import firestore

from .speech import Documents, outcome


def read(documents: Documents, transaction: bytes, path: str = "c/d") -> None:
    documents.batch_get(path, transaction=transaction)


def test_a_transaction_commits_what_it_read_and_wrote(documents: Documents) -> None:
    documents.set("c/d", n=1)
    transaction = documents.begin()
    read(documents, transaction)
    documents.commit(documents.write("c/d", n=2), documents.write("c/e", n=2), transaction=transaction)
    assert documents.fields("c/d") == documents.fields("c/e") == {"n": 2}


def test_a_transaction_may_begin_with_its_first_read(documents: Documents) -> None:
    responses = documents.batch_get("c/d", new_transaction={"read_write": {}})
    (transaction,) = [response.transaction for response in responses if response.transaction]
    assert outcome(lambda: documents.commit(documents.write("c/d", n=1), transaction=transaction)) == "OK"


def test_a_rolled_back_transaction_writes_nothing(documents: Documents) -> None:
    transaction = documents.begin()
    read(documents, transaction)
    documents.rpc.rollback(database=documents.database, transaction=transaction)
    write = documents.write("c/d", n=1)
    assert outcome(lambda: documents.commit(write, transaction=transaction)) == "INVALID_ARGUMENT"
    assert not documents.exists("c/d")


def test_a_transaction_commits_once(documents: Documents) -> None:
    transaction = documents.begin()
    documents.commit(documents.write("c/d", n=1), transaction=transaction)
    write = documents.write("c/d", n=2)
    assert outcome(lambda: documents.commit(write, transaction=transaction)) == "INVALID_ARGUMENT"


def test_an_unknown_transaction_is_refused(documents: Documents) -> None:
    assert outcome(lambda: documents.commit(documents.write("c/d", n=1), transaction=b"unknown")) == "INVALID_ARGUMENT"
    assert outcome(lambda: read(documents, b"unknown")) == "INVALID_ARGUMENT"
    assert outcome(lambda: documents.get("c/d", transaction=b"unknown")) == "INVALID_ARGUMENT"


def test_a_read_only_transaction_refuses_writes(documents: Documents) -> None:
    transaction = documents.begin(read_only={})
    write = documents.write("c/d", n=1)
    assert outcome(lambda: documents.commit(write, transaction=transaction)) == "INVALID_ARGUMENT"


def test_a_failed_precondition_fails_the_transaction(documents: Documents) -> None:
    transaction = documents.begin()
    writes = [documents.write("c/d", n=1), documents.write("c/missing", current={"exists": True})]
    assert outcome(lambda: documents.commit(*writes, transaction=transaction)) == "NOT_FOUND"
    assert not documents.exists("c/d")


def test_a_transaction_sees_what_was_written_before_its_first_read(documents: Documents) -> None:
    transaction = documents.begin()
    documents.set("c/d", n=1)
    read(documents, transaction)
    assert outcome(lambda: documents.commit(documents.write("c/d", n=2), transaction=transaction)) == "OK"


@pytest.mark.parametrize("path", ["c/d", "c/created"], ids=["changed", "created"])
def test_of_a_transaction_and_a_write_it_did_not_see_only_one_succeeds(documents: Documents, path: str) -> None:
    documents.set("c/d", n=1)
    transaction = documents.begin()
    read(documents, transaction, path)
    outside = outcome(lambda: documents.commit(documents.write(path, n=2)))
    inside = outcome(lambda: documents.commit(documents.write(path, n=3), transaction=transaction))
    assert sorted([outside, inside]) == ["ABORTED", "OK"]
    assert documents.fields(path) == {"n": 2 if outside == "OK" else 3}


def test_a_query_in_a_transaction_conflicts_with_a_document_that_joins_its_result(documents: Documents) -> None:
    documents.set("c/d", n=1)
    transaction = documents.begin()
    where = {"field_filter": {"field": {"field_path": "n"}, "op": 5, "value": {"integer_value": 1}}}
    query = {"from_": [{"collection_id": "c"}], "where": where}
    request = {"parent": documents.root, "structured_query": query, "transaction": transaction}
    assert len(list(documents.rpc.run_query(request))) == 1
    outside = outcome(lambda: documents.commit(documents.write("c/joins", n=1)))
    inside = outcome(lambda: documents.commit(documents.write("c/result", found=1), transaction=transaction))
    assert sorted([outside, inside]) == ["ABORTED", "OK"]


def test_of_two_transactions_on_one_document_at_most_one_commits(documents: Documents) -> None:
    documents.set("c/d", n=1)
    transactions = [documents.begin(), documents.begin()]
    for transaction in transactions:
        read(documents, transaction)
    together = threading.Barrier(2)

    def commit(transaction: bytes) -> str:
        together.wait()
        return outcome(lambda: documents.commit(documents.write("c/d", n=2), transaction=transaction))

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(commit, transactions))
    assert outcomes in (["ABORTED", "OK"], ["ABORTED", "ABORTED"])


def test_transactions_on_other_documents_do_not_disturb(documents: Documents) -> None:
    transactions = {path: documents.begin() for path in ("c/one", "c/two")}
    for path, transaction in transactions.items():
        read(documents, transaction, path)
    for path, transaction in transactions.items():
        documents.commit(documents.write(path, n=1), transaction=transaction)
    assert documents.count("c") == 2


def test_the_application_client_retries_until_every_increment_is_counted(database: firestore.Client) -> None:
    reference = database.document("c/counter")
    reference.set({"n": 0})

    @firestore.transactional  # type: ignore[untyped-decorator]
    def increment(transaction: firestore.Transaction) -> None:
        count = reference.get(transaction=transaction).to_dict()["n"]
        transaction.set(reference, {"n": count + 1})

    increment(database.transaction())
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: increment(database.transaction(max_attempts=30)), range(2)))
    assert reference.get().to_dict() == {"n": 3}
