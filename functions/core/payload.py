"""The payload of a message: one JSON object, or a list of them."""

import json
from typing import Any

import msgspec

from functions.errors import Malformed


def elements(data: bytes) -> list[tuple[int | None, Any]]:
    """The events of a message with their place in its list (None when it is not a list).

    Malformed when it is no JSON at all. Python's own reader stands behind the fast one: it takes NaN and numbers
    beyond a float, which are then refused field by field, so that one such element does not take its whole list along.
    """
    try:
        payload = msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        payload = _lenient(data)
    return list(enumerate(payload)) if isinstance(payload, list) else [(None, payload)]


def packed(element: Any, limit: int) -> bytes:
    """An element of a list as bytes again, for the quarantine; cut at `limit` when it is larger."""
    try:
        return msgspec.json.encode(element)
    except (msgspec.MsgspecError, RecursionError, TypeError, UnicodeEncodeError):
        return repr(element)[:limit].encode("utf-8", "replace")


def _lenient(data: bytes) -> Any:
    if not data.strip():
        raise Malformed("", data, "is empty")
    try:
        return json.loads(data)
    except RecursionError:
        raise Malformed("", data, "is nested too deeply") from None
    except ValueError as error:
        raise Malformed("", data, not_json(error)) from None


def not_json(error: ValueError) -> str:
    """What json.loads met, and where."""
    match error:
        case json.JSONDecodeError(msg=said, lineno=line, colno=column):
            return f"is not JSON (line {line}, column {column}: {said[0].lower()}{said[1:]})"
        case UnicodeDecodeError():
            return "is not JSON (bytes that are no UTF-8)"
        case _:
            return "is not JSON (a number of too many digits)"
