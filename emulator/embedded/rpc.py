"""How a service's methods meet gRPC: generic handlers over raw bytes, one refusal type, UNIMPLEMENTED by name.

A method is a plain function from request message to response message; REST calls the same functions.
"""

import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError

REQUEST_LIMIT_BYTES = 10 * 1024 * 1024  # production's limit for both services


class Refused(Exception):
    """A method's answer when it is not a response: a gRPC status code and the reason."""

    def __init__(self, code: grpc.StatusCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def invalid(reason: str) -> Refused:
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, reason)


def not_found(reason: str) -> Refused:
    return Refused(grpc.StatusCode.NOT_FOUND, reason)


def unimplemented(what: str) -> Refused:
    return Refused(grpc.StatusCode.UNIMPLEMENTED, f"the embedded backend does not implement {what}")


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC. `call` answers a message, an awaitable of one or, when `streams`, an iterable of messages."""

    request: Any
    call: Callable[[Any], Any]
    streams: bool = False


Conversation = Callable[[AsyncIterator[bytes], Callable[[bytes], Any]], Any]


def generic_handlers(
    service: str, methods: Mapping[str, Method], conversations: Mapping[str, Conversation]
) -> grpc.GenericRpcHandler:
    """Conversations are the bidirectional methods: they read raw requests and write raw responses."""
    table = {name: _streaming(method) if method.streams else _unary(method) for name, method in methods.items()}
    table |= {name: _bidirectional(conversation) for name, conversation in conversations.items()}
    return grpc.method_handlers_generic_handler(service, table)


class UnimplementedByName(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """The last handler of a server: says which method is missing."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        refusal = unimplemented(handler_call_details.method)

        async def refuse(_: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:
            await context.abort(refusal.code, refusal.reason)

        return grpc.stream_stream_rpc_method_handler(refuse)


def parse(request: Any, raw: bytes) -> Any:
    if len(raw) > REQUEST_LIMIT_BYTES:
        raise invalid(f"Request payload size exceeds the limit: {REQUEST_LIMIT_BYTES} bytes.")
    try:
        return request.FromString(raw)
    except DecodeError as error:
        raise invalid(f"the request is not a {request.DESCRIPTOR.full_name}: {error}") from error


def _unary(method: Method) -> Any:
    waits = inspect.iscoroutinefunction(method.call)

    async def serve(raw: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        try:
            answer = method.call(parse(method.request, raw))
            if waits:
                answer = await answer
        except Refused as refusal:
            await context.abort(refusal.code, refusal.reason)
        return bytes(answer.SerializeToString())

    return grpc.unary_unary_rpc_method_handler(serve)


def _streaming(method: Method) -> Any:
    async def serve(raw: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        try:
            for answer in method.call(parse(method.request, raw)):
                await context.write(answer.SerializeToString())
        except Refused as refusal:
            await context.abort(refusal.code, refusal.reason)

    return grpc.unary_stream_rpc_method_handler(serve)


def _bidirectional(conversation: Conversation) -> Any:
    async def serve(requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        try:
            await conversation(requests, context.write)
        except Refused as refusal:
            await context.abort(refusal.code, refusal.reason)

    return grpc.stream_stream_rpc_method_handler(serve)
