"""gRPC channels to Google's APIs, or to their emulators, and what a failed call means to us."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
import grpc.aio

from functions.errors import FleetlineError, Refused, Unavailable

DEADLINE_S = 5.0
"""Every call ends within this. A call that timed out may have worked: whoever made it must look again."""
MOST_MESSAGE_BYTES = 16 * 1024 * 1024

_OPTIONS = [
    ("grpc.max_receive_message_length", MOST_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MOST_MESSAGE_BYTES),
    ("grpc.enable_retries", 0),
]
_REFUSALS = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.OUT_OF_RANGE}

T = TypeVar("T")


def open_channel(host: str, emulator: str | None) -> grpc.aio.Channel:
    """A channel to `host` with this machine's Google credentials, or an open one to an emulator ("127.0.0.1:8085")."""
    if emulator:
        return grpc.aio.insecure_channel(emulator, options=_OPTIONS)
    from google.api_core import grpc_helpers_async

    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    channel: grpc.aio.Channel = grpc_helpers_async.create_channel(host, default_scopes=scopes, options=_OPTIONS)
    return channel


def unary(channel: grpc.aio.Channel, method: str, reply_type: Any) -> Callable[..., Awaitable[Any]]:
    """One method of a service, as a call that takes and returns plain protobuf messages."""
    return channel.unary_unary(  # type: ignore[no-any-return]
        method, request_serializer=_serialized, response_deserializer=reply_type.FromString
    )


def streamed(channel: grpc.aio.Channel, method: str, reply_type: Any) -> Callable[..., Any]:
    """One method that answers with a stream of plain protobuf messages."""
    return channel.unary_stream(  # type: ignore[no-any-return]
        method, request_serializer=_serialized, response_deserializer=reply_type.FromString
    )


def meaning(error: grpc.aio.AioRpcError) -> FleetlineError:
    """Our error for a failed call: Refused when repeating it cannot help, else Unavailable."""
    kind = Refused if error.code() in _REFUSALS else Unavailable
    return kind(f"{error.code().name}: {error.details()}")


def _serialized(message: Any) -> bytes:
    packed: bytes = message.SerializeToString()
    return packed
