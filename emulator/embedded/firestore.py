"""Firestore: the service's methods, from request to response, over one Store."""

import secrets
import string
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from google.cloud.firestore_v1 import types
from google.protobuf.empty_pb2 import Empty
from google.rpc.status_pb2 import Status

from emulator.embedded import query as queries
from emulator.embedded import writes
from emulator.embedded.rpc import Method, Refused, invalid, not_found, unimplemented
from emulator.embedded.store import Document, Store, Transaction

BatchGetDocumentsResponse: Any = types.BatchGetDocumentsResponse.pb()
BatchWriteResponse: Any = types.BatchWriteResponse.pb()
CommitResponse: Any = types.CommitResponse.pb()
Precondition: Any = types.Precondition.pb()
RunQueryResponse: Any = types.RunQueryResponse.pb()
Write: Any = types.Write.pb()

LIST_PAGE = 300
AGGREGATIONS = 5


class Firestore:
    """The Firestore service. Each method runs to its end on one event loop, which is what makes a commit atomic."""

    def __init__(self) -> None:
        self.store = Store()

    def methods(self) -> dict[str, Method]:
        return {
            "GetDocument": Method(types.GetDocumentRequest.pb(), self.get_document),
            "BatchGetDocuments": Method(types.BatchGetDocumentsRequest.pb(), self.batch_get_documents, streams=True),
            "ListDocuments": Method(types.ListDocumentsRequest.pb(), self.list_documents),
            "CreateDocument": Method(types.CreateDocumentRequest.pb(), self.create_document),
            "UpdateDocument": Method(types.UpdateDocumentRequest.pb(), self.update_document),
            "DeleteDocument": Method(types.DeleteDocumentRequest.pb(), self.delete_document),
            "Commit": Method(types.CommitRequest.pb(), self.commit),
            "BatchWrite": Method(types.BatchWriteRequest.pb(), self.batch_write),
            "BeginTransaction": Method(types.BeginTransactionRequest.pb(), self.begin_transaction),
            "Rollback": Method(types.RollbackRequest.pb(), self.rollback),
            "RunQuery": Method(types.RunQueryRequest.pb(), self.run_query, streams=True),
            "RunAggregationQuery": Method(
                types.RunAggregationQueryRequest.pb(), self.run_aggregation_query, streams=True
            ),
        }

    def get_document(self, request: Any) -> Any:
        writes.check_name(request.name)
        document = self.store.get(request.name, self._transaction(request))
        if document is None:
            raise not_found(f"Document ({request.name}) not found.")
        return _shown(document, request)

    def batch_get_documents(self, request: Any) -> Iterator[Any]:
        for name in request.documents:
            writes.check_name(name)
        transaction = self._transaction(request)
        now = self.store.now()
        if request.HasField("new_transaction") and transaction:
            yield BatchGetDocumentsResponse(transaction=transaction.id)
        found = {name: self.store.get(name, transaction) for name in request.documents}
        for name, document in found.items():
            if document is None:
                yield BatchGetDocumentsResponse(missing=name, read_time=now)
            else:
                yield BatchGetDocumentsResponse(found=_shown(document, request), read_time=now)

    def list_documents(self, request: Any) -> Any:
        if request.order_by not in ("", queries.NAME) or not request.collection_id:
            raise unimplemented("ListDocuments with order_by or without collection_id")
        path = f"{request.parent}/{request.collection_id}"
        if request.page_token and not request.page_token.startswith(f"{path}/"):
            raise invalid("invalid page token")
        transaction = self._transaction(request)
        found = {d.name: d for d in self.store.scan(path.__eq__, transaction)}
        if request.show_missing:
            found = {name: Document(name=name) for name in self._parents(path)} | found
        if transaction:
            transaction.names.update(found)
        names = sorted(name for name in found if name >= request.page_token)
        size = request.page_size if request.page_size > 0 else LIST_PAGE
        return types.ListDocumentsResponse.pb()(
            documents=[_shown(found[name], request) for name in names[:size]],
            next_page_token=names[size] if len(names) > size else "",
        )

    def _parents(self, path: str) -> Iterator[str]:
        """The documents of a collection that have documents below them, whether they exist or not."""
        for deeper in self.store.collections:
            if deeper.startswith(f"{path}/"):
                yield f"{path}/{deeper[len(path) + 1 :].split('/')[0]}"

    def create_document(self, request: Any) -> Any:
        if not request.collection_id:
            raise invalid("collectionId is the empty string.")
        document_id = request.document_id or _random_id()
        request.document.name = f"{request.parent}/{request.collection_id}/{document_id}"
        write = Write(update=request.document, current_document=Precondition(exists=False))
        self._apply_all([write])
        return _shown(self.store.get(request.document.name), request)

    def update_document(self, request: Any) -> Any:
        write = Write(update=request.document)
        for name in ("update_mask", "current_document"):
            if request.HasField(name):
                getattr(write, name).CopyFrom(getattr(request, name))
        self._apply_all([write])
        return _shown(self.store.get(request.document.name), request)

    def delete_document(self, request: Any) -> Any:
        write = Write(delete=request.name)
        if request.HasField("current_document"):
            write.current_document.CopyFrom(request.current_document)
        self._apply_all([write])
        return Empty()

    def commit(self, request: Any) -> Any:
        transaction = self.store.transaction(request.transaction) if request.transaction else None
        results, now = self._apply_all(request.writes, transaction)
        return CommitResponse(write_results=results, commit_time=now)

    def batch_write(self, request: Any) -> Any:
        """Each write for itself; a write that could never be applied refuses them all, as Google's does."""
        names = [writes.target(write) for write in request.writes]
        if len(set(names)) < len(names):
            raise invalid("the same document cannot be written more than once in a single request")
        response = BatchWriteResponse()
        now = self.store.now()
        for name, write in zip(names, request.writes, strict=True):
            try:
                document, result = writes.apply(write, name, self.store.get(name), now)
            except Refused as refusal:
                response.write_results.add()
                response.status.append(_status(refusal))
            else:
                self.store.put(name, document)
                response.write_results.append(result)
                response.status.add()
        return response

    def begin_transaction(self, request: Any) -> Any:
        return types.BeginTransactionResponse.pb()(transaction=self._begin(request.options).id)

    def rollback(self, request: Any) -> Any:
        self.store.transactions.pop(request.transaction, None)
        return Empty()

    def run_query(self, request: Any) -> Iterator[Any]:
        transaction = self._transaction(request)
        now = self.store.now()
        query = request.structured_query
        found, skipped = self._select(request.parent, query, transaction)
        opening = {"transaction": transaction.id} if transaction and request.HasField("new_transaction") else {}
        if skipped or opening or not found:
            yield RunQueryResponse(read_time=now, skipped_results=skipped, **opening)
        for document in found:
            yield RunQueryResponse(document=queries.project(query, document), read_time=now)

    def run_aggregation_query(self, request: Any) -> Iterator[Any]:
        asked = request.structured_aggregation_query
        if not asked.aggregations:
            raise invalid("Aggregations can not be empty.")
        if len(asked.aggregations) > AGGREGATIONS:
            raise invalid(f"The maximum number of aggregations allowed in a query is {AGGREGATIONS}.")
        transaction = self._transaction(request)
        found, _ = self._select(request.parent, asked.structured_query, transaction)
        response = types.RunAggregationQueryResponse.pb()(read_time=self.store.now())
        for position, aggregation in enumerate(asked.aggregations):
            if not aggregation.HasField("count"):
                raise unimplemented(f"the aggregation {aggregation.WhichOneof('operator')}")
            limit = aggregation.count.up_to.value if aggregation.count.HasField("up_to") else len(found)
            alias = aggregation.alias or f"field_{position}"
            response.result.aggregate_fields[alias].integer_value = min(len(found), limit)
        if transaction and request.HasField("new_transaction"):
            response.transaction = transaction.id
        yield response

    def _select(self, parent: str, query: Any, transaction: Transaction | None) -> tuple[list[Any], int]:
        in_scope = queries.scope(_checked_parent(parent), query)
        found, skipped = queries.select(query, self.store.scan(in_scope, transaction))
        if transaction:
            transaction.has_read = True
            transaction.names.update(document.name for document in found)
            transaction.queries.append((partial(self._rerun, in_scope, query), found))
        return found, skipped

    def _rerun(self, in_scope: Any, query: Any) -> list[Any]:
        return queries.select(query, self.store.scan(in_scope))[0]

    def _apply_all(self, batch: Iterable[Any], transaction: Transaction | None = None) -> tuple[list[Any], Any]:
        """All writes or none: they are applied one upon the other aside, then put in the store together."""
        named = [(writes.target(write), write) for write in batch]
        if transaction:
            self.store.end(transaction, dict(named))
        now = self.store.now()
        changed: dict[str, Any] = {}
        results = []
        for name, write in named:
            current = changed[name] if name in changed else self.store.get(name)
            changed[name], result = writes.apply(write, name, current, now)
            results.append(result)
        for name, document in changed.items():
            self.store.put(name, document)
        return results, now

    def _transaction(self, request: Any) -> Transaction | None:
        """The transaction a read belongs to, begun here when the request asks for a new one."""
        selector = request.WhichOneof("consistency_selector")
        if selector == "read_time":
            raise unimplemented("reads at a past read_time")
        if selector == "new_transaction":
            return self._begin(request.new_transaction)
        return self.store.transaction(request.transaction) if selector else None

    def _begin(self, options: Any) -> Transaction:
        if options.read_only.HasField("read_time"):
            raise unimplemented("reads at a past read_time")
        return self.store.begin(options.WhichOneof("mode") == "read_only")


def _shown(document: Any, request: Any) -> Any:
    return writes.masked(document, request.mask.field_paths) if request.HasField("mask") else document


def _status(refusal: Refused) -> Any:
    number, _ = refusal.code.value
    return Status(code=number, message=refusal.reason)


def _checked_parent(parent: str) -> str:
    if not parent.endswith("/documents"):
        writes.check_name(parent)
    return parent


def _random_id() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(20))
