"""A structured query, pure: filter, order, cursors, offset, limit and projection over the documents of its scope."""

from collections.abc import Callable, Iterable
from typing import Any

from google.cloud.firestore_v1 import types

from emulator.embedded.rpc import invalid, unimplemented
from emulator.embedded.store import NAN_RANK, NULL_RANK, REFERENCE_RANK, name_key, order_key
from emulator.embedded.writes import find, masked, parse_path

Key = tuple[int, Any]
Keep = Callable[[Any], bool]
Order = tuple[str, bool]  # field path, descending

DESCENDING = 2
IN_VALUES = 30
NAME = "__name__"
_NULL: Key = (NULL_RANK, 0)
_EQUAL_NOTHING: set[Key] = {_NULL, (NAN_RANK, 0)}
_FieldOp = types.StructuredQuery.FieldFilter.Operator
_UnaryOp = types.StructuredQuery.UnaryFilter.Operator
_CompositeOp = types.StructuredQuery.CompositeFilter.Operator


def scope(parent: str, query: Any) -> Callable[[str], bool]:
    """Which collection paths the query reads."""
    if len(query.from_) != 1:
        raise invalid("StructuredQuery.from must have exactly one collection selector.")
    selector = query.from_[0]
    if not selector.collection_id:
        raise unimplemented("queries over all collections")
    path = f"{parent}/{selector.collection_id}"
    if not selector.all_descendants:
        return path.__eq__
    ending = f"/{selector.collection_id}"
    return lambda candidate: candidate.endswith(ending) and candidate.startswith(f"{parent}/")


def select(query: Any, documents: Iterable[Any]) -> tuple[list[Any], int]:
    """The documents the query answers, in its order, and how many its offset skipped."""
    _check(query)
    orders = _orders(query)
    keep = _filter(query.where)
    rows = []
    for document in documents:
        if keep(document):
            keys = [field_key(document, path) for path, _ in orders]
            if None not in keys:
                rows.append((keys, document))
    for position in reversed(range(len(orders))):  # stable sorts from the last order to the first
        rows.sort(key=lambda row, i=position: row[0][i], reverse=orders[position][1])  # type: ignore[misc]
    rows = [row for row in rows if _between_cursors(query, row[0], orders)]
    following = rows[query.offset :]
    if query.HasField("limit"):
        following = following[: query.limit.value]
    return [document for _, document in following], min(query.offset, len(rows))


def project(query: Any, document: Any) -> Any:
    if not query.select.fields:
        return document
    return masked(document, [f.field_path for f in query.select.fields if f.field_path != NAME])


def field_key(document: Any, path: str) -> Key | None:
    """The ordering key of a field, None where the document has no such field."""
    if path == NAME:
        return REFERENCE_RANK, name_key(document.name)
    value = find(document.fields, parse_path(path))
    return None if value is None else order_key(value)


def _check(query: Any) -> None:
    if query.HasField("find_nearest"):
        raise unimplemented("StructuredQuery.find_nearest")
    if query.offset < 0:
        raise invalid("offset is negative")
    if query.limit.value < 0:
        raise invalid("limit is negative")
    for cursor in (query.start_at, query.end_at):
        if len(cursor.values) > len(query.order_by):
            raise invalid("Cursor has too many values.")


def _orders(query: Any) -> list[Order]:
    """The explicit orders, then the fields of inequalities, then the name, in the last explicit direction."""
    orders = [(order.field.field_path, order.direction == DESCENDING) for order in query.order_by]
    descending = orders[-1][1] if orders else False
    for path in (*sorted(_inequality_fields(query.where)), NAME):
        if path not in [ordered for ordered, _ in orders]:
            orders.append((path, descending))
    return orders


def _inequality_fields(node: Any) -> set[str]:
    kind = node.WhichOneof("filter_type")
    if kind == "composite_filter":
        return set().union(*map(_inequality_fields, node.composite_filter.filters))
    if kind == "field_filter" and node.field_filter.op in _INEQUALITIES:
        return {node.field_filter.field.field_path}
    if kind == "unary_filter" and node.unary_filter.op in (_UnaryOp.IS_NOT_NAN, _UnaryOp.IS_NOT_NULL):
        return {node.unary_filter.field.field_path}
    return set()


def _between_cursors(query: Any, keys: list[Key | None], orders: list[Order]) -> bool:
    if query.HasField("start_at"):
        side = _compare(keys, query.start_at, orders)
        if side < 0 or (side == 0 and not query.start_at.before):
            return False
    if query.HasField("end_at"):
        side = _compare(keys, query.end_at, orders)
        return side < 0 or (side == 0 and not query.end_at.before)
    return True


def _compare(keys: list[Any], cursor: Any, orders: list[Order]) -> int:
    """-1, 0 or 1: the document lies before, at or after the cursor."""
    for key, value, (_, descending) in zip(keys, cursor.values, orders, strict=False):
        mark = order_key(value)
        if key != mark:
            return -1 if (key < mark) != descending else 1
    return 0


def _filter(node: Any) -> Keep:
    kind = node.WhichOneof("filter_type")
    if kind == "composite_filter":
        return _composite_filter(node.composite_filter)
    if kind == "field_filter":
        return _field_filter(node.field_filter)
    if kind == "unary_filter":
        return _unary_filter(node.unary_filter)
    return lambda _: True


def _composite_filter(node: Any) -> Keep:
    parts = [_filter(part) for part in node.filters]
    if node.op == _CompositeOp.AND:
        return lambda document: all(part(document) for part in parts)
    if node.op == _CompositeOp.OR:
        return lambda document: any(part(document) for part in parts)
    raise invalid("A composite filter needs an operator.")


def _unary_filter(node: Any) -> Keep:
    path = node.field.field_path
    if node.op not in _UNARY:
        raise invalid("A unary filter needs an operator.")
    holds = _UNARY[node.op]
    return lambda document: (key := field_key(document, path)) is not None and holds(key[0])


def _field_filter(node: Any) -> Keep:
    path = node.field.field_path
    if path == NAME and node.value.WhichOneof("value_type") not in ("reference_value", "array_value"):
        raise invalid("__name__ filter value must be a reference")
    if node.op in (_FieldOp.ARRAY_CONTAINS, _FieldOp.ARRAY_CONTAINS_ANY):
        wanted = _wanted(node) if node.op == _FieldOp.ARRAY_CONTAINS_ANY else {order_key(node.value)}
        wanted -= _EQUAL_NOTHING
        return lambda document: not wanted.isdisjoint(_element_keys(document, path))
    holds = _comparison(node)
    return lambda document: (key := field_key(document, path)) is not None and holds(key)


def _comparison(node: Any) -> Callable[[Key], bool]:
    """null and NaN equal nothing (unary filters ask for them); a range holds only within the type of its bound."""
    if node.op in (_FieldOp.IN, _FieldOp.NOT_IN):
        wanted = _wanted(node)
        if node.op == _FieldOp.IN:
            return (wanted - _EQUAL_NOTHING).__contains__
        return lambda key: _NULL not in wanted and key[0] != NULL_RANK and key not in wanted
    bound = order_key(node.value)
    if node.op == _FieldOp.NOT_EQUAL:
        return lambda key: key[0] != NULL_RANK and key != bound
    if node.op not in _COMPARISONS:
        raise invalid("A field filter needs an operator.")
    if bound[0] in (NULL_RANK, NAN_RANK):
        return lambda _: False
    compare = _COMPARISONS[node.op]
    return lambda key: key[0] == bound[0] and compare(key, bound)


def _wanted(node: Any) -> set[Key]:
    operator = _FieldOp(node.op).name
    if node.value.WhichOneof("value_type") != "array_value":
        raise invalid(f"'{operator}' requires an ArrayValue.")
    if not node.value.array_value.values:
        raise invalid(f"'{operator}' requires an non-empty ArrayValue.")
    if len(node.value.array_value.values) > IN_VALUES:
        raise invalid(f"'{operator}' supports up to {IN_VALUES} comparison values.")
    return set(map(order_key, node.value.array_value.values))


def _element_keys(document: Any, path: str) -> Iterable[Key]:
    value = find(document.fields, parse_path(path))
    return map(order_key, value.array_value.values) if value is not None else ()


_INEQUALITIES = {
    _FieldOp.LESS_THAN,
    _FieldOp.LESS_THAN_OR_EQUAL,
    _FieldOp.GREATER_THAN,
    _FieldOp.GREATER_THAN_OR_EQUAL,
    _FieldOp.NOT_EQUAL,
    _FieldOp.NOT_IN,
}
_COMPARISONS: dict[int, Callable[[Any, Any], bool]] = {
    _FieldOp.LESS_THAN: lambda key, bound: key < bound,
    _FieldOp.LESS_THAN_OR_EQUAL: lambda key, bound: key <= bound,
    _FieldOp.GREATER_THAN: lambda key, bound: key > bound,
    _FieldOp.GREATER_THAN_OR_EQUAL: lambda key, bound: key >= bound,
    _FieldOp.EQUAL: lambda key, bound: key == bound,
}
_UNARY: dict[int, Callable[[int], bool]] = {
    _UnaryOp.IS_NAN: lambda rank: rank == NAN_RANK,
    _UnaryOp.IS_NULL: lambda rank: rank == NULL_RANK,
    _UnaryOp.IS_NOT_NAN: lambda rank: rank not in (NAN_RANK, NULL_RANK),
    _UnaryOp.IS_NOT_NULL: lambda rank: rank != NULL_RANK,
}
