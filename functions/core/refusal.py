"""What was refused, as people read it: the field, the value that was sent, and what is allowed there."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from functions.core.allowed import allowed
from functions.errors import NOT_SENT, Malformed

_STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")
"""Of msgspec's paths, such as `$.stops[0].latitude`; [...] is an entry of a mapping, it does not say which."""


def refusal(error: msgspec.ValidationError, payload: Any, wanted: Any) -> Malformed:
    """msgspec says "Expected `float` <= 90.0 - at `$.latitude`"; this says "latitude: 91: must be a number from …".

    `wanted` is the type that `payload` was to be converted to. What a type's own check says stands as it is.
    """
    said, _, where = str(error).partition(" - at ")
    path, kind, value = "", _shape(wanted), payload
    for name, place in _STEP.findall(where):
        step = int(place) if place.isdigit() else name or _entry(error, payload, wanted, path)
        path += f"[{place}]" if place.isdigit() else f".{step}" if path else str(step)
        kind, value = _inside(kind, step, value), _at(value, step)
    if isinstance(error.__cause__, ValueError):
        return Malformed(path, NOT_SENT, str(error.__cause__))
    if missing := re.search(r"missing required field `(\w+)`", said):
        return Malformed(".".join(filter(None, (path, missing[1]))), NOT_SENT, "is required")
    if unknown := re.search(r"contains unknown field `(.*)`", said):
        return Malformed(".".join(filter(None, (path, unknown[1]))), NOT_SENT, "is no setting")
    if where.startswith("`key`") and isinstance(kind, inspect.DictType):
        kind, value = kind.key_type, _entry(error, payload, wanted, path)
    return Malformed(path, value, f"must be {allowed(kind)}")


def _inside(kind: inspect.Type, step: str | int, value: Any) -> inspect.Type:
    """What may stand one step inside a type; of several, inside the one whose tag the value has."""
    kinds = list(_members(kind))
    for one in kinds:
        match one:
            case inspect.StructType():
                if one.tag is not None and one.tag_field == step:
                    return inspect.LiteralType(tuple(getattr(other, "tag", None) for other in kinds))
                if one.tag is None or _at(value, str(one.tag_field)) == one.tag:
                    return next((field.type for field in one.fields if field.encode_name == step), _ANY)
            case inspect.DictType():
                return one.value_type
            case inspect.ListType() | inspect.VarTupleType():
                return one.item_type
            case inspect.TupleType():
                return one.item_types[int(step)]
    return _ANY


def _members(kind: inspect.Type) -> Iterator[inspect.Type]:
    match kind:
        case inspect.Metadata():
            yield from _members(kind.type)
        case inspect.UnionType():
            for one in kind.types:
                yield from _members(one)
        case _:
            yield kind


def _entry(error: msgspec.ValidationError, payload: Any, wanted: Any, field: str) -> str:
    """Which entry of a mapping is refused: the first that is, alone and for the same reason."""
    for name, part in payload.get(field, {}).items():
        try:
            msgspec.convert({**payload, field: {name: part}}, wanted)
        except msgspec.ValidationError as again:
            if str(again) == str(error):
                return str(name)
    return "…"


def _at(value: Any, step: str | int) -> Any:
    """What stands one step inside a value; the whole where it is not known."""
    return value[step] if isinstance(step, int) else value.get(step, value) if isinstance(value, dict) else value


_ANY = inspect.AnyType()


@cache
def _shape(wanted: Any) -> inspect.Type:
    return inspect.type_info(wanted)
