"""One write, pure: precondition, mask and transforms turn the current document into its next version."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import grpc
from google.cloud.firestore_v1 import types

from emulator.embedded.rpc import Refused, invalid, not_found, unimplemented
from emulator.embedded.store import Document, order_key

Value: Any = types.Value.pb()
WriteResult: Any = types.WriteResult.pb()

DOCUMENT_BYTES = 1_048_576
INT64_MAX, INT64_MIN = 2**63 - 1, -(2**63)
_NAME = re.compile(r"(projects/[^/]+/databases/[^/]+/documents)((?:/[^/]+){2})+")
_RESERVED = re.compile(r"__.*__", re.DOTALL)
_PATH_PART = re.compile(r"([A-Za-z_][A-Za-z_0-9]*)|`((?:[^`\\]|\\.)+)`", re.DOTALL)


def target(write: Any) -> str:
    """The name of the document a write is about; refuses a write that could never be applied."""
    operation = write.WhichOneof("operation")
    if operation is None:
        raise invalid("empty write operation")
    if operation == "update":
        check_name(write.update.name)
        check_fields(write.update.fields)
        check_size(write.update)
        return str(write.update.name)
    name = str(write.delete if operation == "delete" else write.transform.document)
    check_name(name)
    return name


def apply(write: Any, name: str, current: Any | None, now: Any) -> tuple[Any | None, Any]:
    """The next version of the document (None: deleted; the same object: nothing changed) and the write's result."""
    if write.HasField("current_document"):
        check_precondition(write.current_document, name, current)
    result = WriteResult()
    if write.WhichOneof("operation") == "delete":
        return None, result
    document = _merged(write, name, current)
    for transform in (*write.transform.field_transforms, *write.update_transforms):
        result.transform_results.append(_transform(document, transform, now))
    document = _versioned(document, current, now)
    result.update_time.CopyFrom(document.update_time)
    return document, result


def check_precondition(precondition: Any, name: str, current: Any | None) -> None:
    condition = precondition.WhichOneof("condition_type")
    if condition == "exists" and precondition.exists and current is None:
        raise not_found(f"no document to update: {name}")
    if condition == "exists" and not precondition.exists and current is not None:
        raise Refused(grpc.StatusCode.ALREADY_EXISTS, f"document already exists: {name}")
    if condition == "update_time" and (current is None or current.update_time != precondition.update_time):
        stored = current.update_time.ToJsonString() if current is not None else "missing"
        reason = f"the stored version ({stored}) of {name} is not {precondition.update_time.ToJsonString()}"
        raise Refused(grpc.StatusCode.FAILED_PRECONDITION, reason)


def _merged(write: Any, name: str, current: Any | None) -> Any:
    """The fields after the write. It is a copy: a part of the request would keep the whole request in memory."""
    document = Document()
    whole = write.WhichOneof("operation") == "update" and not write.HasField("update_mask")
    if whole:
        document.CopyFrom(write.update)
        return document
    if current is not None:
        document.CopyFrom(current)
    document.name = name
    for path in map(parse_path, write.update_mask.field_paths):
        value = find(write.update.fields, path)
        if value is None:
            remove(document.fields, path)
        else:
            place(document.fields, path).CopyFrom(value)
    return document


def _versioned(document: Any, current: Any | None, now: Any) -> Any:
    """A write that changes nothing keeps its version, as on Google's emulator and in production."""
    if current is None:
        document.create_time.CopyFrom(now)
    else:
        document.create_time.CopyFrom(current.create_time)
        document.update_time.CopyFrom(current.update_time)
        if document == current:
            return current
    document.update_time.CopyFrom(now)
    check_size(document)
    return document


def masked(document: Any, field_paths: Sequence[str]) -> Any:
    """A copy with only these fields."""
    part = Document(name=document.name, create_time=document.create_time, update_time=document.update_time)
    for path in map(parse_path, field_paths):
        value = find(document.fields, path)
        if value is not None:
            place(part.fields, path).CopyFrom(value)
    return part


@lru_cache(maxsize=4096)
def parse_path(text: str) -> tuple[str, ...]:
    r"""`a.b` and a.`b c`: plain names, or anything between backticks with \ before a backtick."""
    parts: list[str] = []
    position = 0
    while match := _PATH_PART.match(text, position):
        parts.append(match[1] or re.sub(r"\\(.)", r"\1", match[2]))
        position = match.end()
        if position == len(text):
            return tuple(parts)
        if text[position] != ".":
            break
        position += 1
    raise invalid(f'Invalid property path "{text}".')


def find(fields: Any, path: Sequence[str]) -> Any | None:
    for name in path[:-1]:
        if name not in fields or fields[name].WhichOneof("value_type") != "map_value":
            return None
        fields = fields[name].map_value.fields
    return fields[path[-1]] if path[-1] in fields else None  # noqa: SIM401  a protobuf map's get copies the default


def place(fields: Any, path: Sequence[str]) -> Any:
    """The value at the path, made with the maps that lead to it."""
    for name in path[:-1]:
        fields[name].map_value.SetInParent()
        fields = fields[name].map_value.fields
    return fields[path[-1]]


def remove(fields: Any, path: Sequence[str]) -> None:
    for name in path[:-1]:
        if name not in fields or fields[name].WhichOneof("value_type") != "map_value":
            return
        fields = fields[name].map_value.fields
    if path[-1] in fields:
        del fields[path[-1]]


def check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise invalid(f'"{name}" is not the name of a document.')
    for segment in name.split("/")[5:]:
        if segment in (".", "..") or _RESERVED.fullmatch(segment):
            raise invalid(f'Resource id "{segment}" is invalid because it is reserved.')


def check_size(document: Any) -> None:
    """By its encoded size, which is within a few percent of the size Firestore bills."""
    if document.ByteSize() > DOCUMENT_BYTES:
        raise invalid(f"Document {document.name} is larger than {DOCUMENT_BYTES} bytes.")


def check_fields(fields: Any) -> None:
    for name, value in fields.items():
        if not name or (_RESERVED.fullmatch(name) and name != "__type__"):
            raise invalid(f"The field name {name!r} is empty or reserved.")
        _check_value(value, inside_array=False)


def _check_value(value: Any, inside_array: bool) -> None:
    kind = value.WhichOneof("value_type")
    if kind is None:
        raise invalid("Cannot convert firestore.v1.Value with type unset.")
    if kind == "map_value":
        check_fields(value.map_value.fields)
    if kind == "array_value":
        if inside_array:
            raise invalid("Cannot convert an array value in an array value.")
        for element in value.array_value.values:
            _check_value(element, inside_array=True)


def _transform(document: Any, transform: Any, now: Any) -> Any:
    """Change one field of the document; answers what the write's result reports for it."""
    kind = transform.WhichOneof("transform_type")
    path = parse_path(transform.field_path)
    old = find(document.fields, path)
    new = Value()
    if kind == "set_to_server_value":
        new.timestamp_value.seconds = now.seconds
        new.timestamp_value.nanos = now.nanos // 1_000_000 * 1_000_000  # documented: millisecond precision
    elif kind in _NUMERIC:
        new = _NUMERIC[kind](old, _number(getattr(transform, kind)))
    elif kind in _ARRAYS:
        stored = old.array_value.values if old is not None else ()
        new.array_value.values.extend(_ARRAYS[kind](stored, getattr(transform, kind).values))
    else:
        raise unimplemented(f"the field transform {kind}")
    place(document.fields, path).CopyFrom(new)
    return new if kind not in _ARRAYS else Value(null_value=0)


def _number(value: Any) -> Any:
    if value.WhichOneof("value_type") not in ("integer_value", "double_value"):
        raise invalid("Input must be int64 or double.")
    return value


def _increment(old: Any | None, operand: Any) -> Any:
    if old is None or not _is_number(old):
        return operand
    total = _content(old) + _content(operand)
    if isinstance(total, float):
        return Value(double_value=total)
    return Value(integer_value=max(INT64_MIN, min(INT64_MAX, total)))


def _extreme(sign: int) -> Callable[[Any | None, Any], Any]:
    def choose(old: Any | None, operand: Any) -> Any:
        if old is None or not _is_number(old):
            return operand
        if any(math.isnan(_content(value)) for value in (old, operand)):
            return Value(double_value=math.nan)
        return operand if sign * _content(operand) > sign * _content(old) else old

    return choose


def _is_number(value: Any) -> bool:
    return value.WhichOneof("value_type") in ("integer_value", "double_value")


def _content(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value_type"))


def _union(stored: Sequence[Any], elements: Sequence[Any]) -> Iterator[Any]:
    seen = set(map(order_key, stored))
    yield from stored
    for element in elements:
        if order_key(element) not in seen:
            seen.add(order_key(element))
            yield element


def _difference(stored: Sequence[Any], elements: Sequence[Any]) -> Iterator[Any]:
    gone = set(map(order_key, elements))
    return (value for value in stored if order_key(value) not in gone)


_NUMERIC = {"increment": _increment, "maximum": _extreme(1), "minimum": _extreme(-1)}
_ARRAYS = {"append_missing_elements": _union, "remove_all_from_array": _difference}
