"""REST: the paths of Google's public API, each mapped onto a gRPC method by protobuf's own JSON mapping."""

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor

from emulator.embedded.front import Answer
from emulator.embedded.rpc import REQUEST_LIMIT_BYTES, Method, Refused, invalid

_TOPIC = "projects/[^/]+/topics/[^/:]+"
_SUBSCRIPTION = "projects/[^/]+/subscriptions/[^/:]+"
_DATABASE = "projects/[^/]+/databases/[^/]+"
_DOCUMENT = f"{_DATABASE}/documents(?:/[^/]+/[^/:]+)+"
_PARENT = f"{_DATABASE}/documents(?:/[^/]+/[^/:]+)*"
_COLLECTION = f"(?P<parent>{_PARENT})/(?P<collection_id>[^/:]+)"

# verb, path, method, where the body goes ("" = it is the request itself). A group named a__b fills field b of field a.
PUBSUB_ROUTES = (
    ("PUT", f"(?P<name>{_TOPIC})", "CreateTopic", ""),
    ("GET", f"(?P<topic>{_TOPIC})", "GetTopic", ""),
    ("GET", "(?P<project>projects/[^/]+)/topics", "ListTopics", ""),
    ("GET", f"(?P<topic>{_TOPIC})/subscriptions", "ListTopicSubscriptions", ""),
    ("DELETE", f"(?P<topic>{_TOPIC})", "DeleteTopic", ""),
    ("POST", f"(?P<topic>{_TOPIC}):publish", "Publish", ""),
    ("PUT", f"(?P<name>{_SUBSCRIPTION})", "CreateSubscription", ""),
    ("GET", f"(?P<subscription>{_SUBSCRIPTION})", "GetSubscription", ""),
    ("GET", "(?P<project>projects/[^/]+)/subscriptions", "ListSubscriptions", ""),
    ("DELETE", f"(?P<subscription>{_SUBSCRIPTION})", "DeleteSubscription", ""),
    ("POST", f"(?P<subscription>{_SUBSCRIPTION}):pull", "Pull", ""),
    ("POST", f"(?P<subscription>{_SUBSCRIPTION}):acknowledge", "Acknowledge", ""),
    ("POST", f"(?P<subscription>{_SUBSCRIPTION}):modifyAckDeadline", "ModifyAckDeadline", ""),
)
FIRESTORE_ROUTES = (
    ("GET", f"(?P<name>{_DOCUMENT})", "GetDocument", ""),
    ("GET", _COLLECTION, "ListDocuments", ""),
    ("POST", _COLLECTION, "CreateDocument", "document"),
    ("PATCH", f"(?P<document__name>{_DOCUMENT})", "UpdateDocument", "document"),
    ("DELETE", f"(?P<name>{_DOCUMENT})", "DeleteDocument", ""),
    ("POST", f"(?P<database>{_DATABASE})/documents:batchGet", "BatchGetDocuments", ""),
    ("POST", f"(?P<database>{_DATABASE})/documents:batchWrite", "BatchWrite", ""),
    ("POST", f"(?P<database>{_DATABASE})/documents:beginTransaction", "BeginTransaction", ""),
    ("POST", f"(?P<database>{_DATABASE})/documents:commit", "Commit", ""),
    ("POST", f"(?P<database>{_DATABASE})/documents:rollback", "Rollback", ""),
    ("POST", f"(?P<parent>{_PARENT}):runQuery", "RunQuery", ""),
    ("POST", f"(?P<parent>{_PARENT}):runAggregationQuery", "RunAggregationQuery", ""),
)
_HTTP_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.UNIMPLEMENTED: 501,
}


@dataclass(frozen=True, slots=True)
class Route:
    verb: str
    path: re.Pattern[str]
    method: Method
    body_field: str


class Rest:
    """Answers HTTP requests with a service's methods."""

    def __init__(self, routes: tuple[tuple[str, str, str, str], ...], methods: Mapping[str, Method]) -> None:
        self._routes = [
            Route(verb, re.compile(f"/v1/{path}"), methods[name], body) for verb, path, name, body in routes
        ]

    async def respond(self, verb: str, url: str, body: bytes) -> Answer:
        parts = urlsplit(url)
        if parts.path == "/":
            return 200, b"Ok\n"
        path = unquote(parts.path)
        for route in self._routes:
            if route.verb == verb and (match := route.path.fullmatch(path)):
                try:
                    return 200, await _answer(route, match.groupdict(), parts.query, body)
                except Refused as refusal:
                    return _refusal(refusal)
        return _error(404, f"no method for {verb} {path}", "NOT_FOUND")


async def _answer(route: Route, names: dict[str, str], query: str, body: bytes) -> bytes:
    request = route.method.request()
    try:
        content = json.loads(body or b"{}")
        content = {route.body_field: content} if route.body_field else content
        for path, value in names.items():
            _put(content, path.split("__"), value)
        _add_query(content, request.DESCRIPTOR, query)
        json_format.ParseDict(content, request)
    except (ValueError, TypeError, KeyError, AttributeError, json_format.ParseError) as error:
        raise invalid(f"Payload isn't valid for request: {error}") from error
    if request.ByteSize() > REQUEST_LIMIT_BYTES:
        raise invalid(f"Request payload size exceeds the limit: {REQUEST_LIMIT_BYTES} bytes.")
    answer = route.method.call(request)
    if inspect.isawaitable(answer):
        answer = await answer
    if route.method.streams:
        return _encode([json_format.MessageToDict(message) for message in answer])
    return _encode(json_format.MessageToDict(answer))


def _add_query(content: dict[str, Any], descriptor: Descriptor, query: str) -> None:
    """Query parameters are fields by their dotted JSON path; `$alt` and the like are not."""
    for key, text in parse_qsl(query):
        if key.startswith("$") or key in ("alt", "key", "prettyPrint"):
            continue
        field: Any = None
        message: Any = descriptor
        path = key.split(".")
        for name in path:
            field = next(f for f in message.fields if name in (f.name, f.json_name))
            message = field.message_type
        value: Any = {"true": True, "false": False}.get(text, text)
        if field.is_repeated:
            value = [*_get(content, path), value]
        _put(content, path, value)


def _get(content: Any, path: list[str]) -> list[Any]:
    for name in path:
        content = content.get(name, {})
    return content or []


def _put(content: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        content = content.setdefault(name, {})
    content[path[-1]] = value


def _refusal(refusal: Refused) -> Answer:
    return _error(_HTTP_STATUS.get(refusal.code, 500), refusal.reason, refusal.code.name)


def _error(status: int, message: str, name: str) -> Answer:
    return status, _encode({"error": {"code": status, "message": message, "status": name}})


def _encode(content: Any) -> bytes:
    return json.dumps(content, indent=2).encode() + b"\n"
