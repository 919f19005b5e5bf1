"""One host:port for gRPC and REST: the first bytes of a connection decide, as they do on Google's emulators.

gRPC bytes are relayed to the inner gRPC listener, which is on a loopback port of its own; HTTP/1.1 goes to REST.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import h11

PREFACE = b"PRI * HTTP/2.0"
BODY_LIMIT_BYTES = 16 * 1024 * 1024  # a request of 10 MiB in JSON, where bytes are base64

Answer = tuple[int, bytes]
Respond = Callable[[str, str, bytes], Awaitable[Answer]]


class Front(asyncio.Protocol):
    """A new connection whose protocol is not known yet."""

    def __init__(self, grpc_port: int, respond: Respond) -> None:
        self._grpc_port = grpc_port
        self._respond = respond
        self._seen = b""
        self._transport: asyncio.Transport
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._seen += data
        if PREFACE.startswith(self._seen[: len(PREFACE)]):
            if len(self._seen) >= len(PREFACE):
                self._transport.pause_reading()
                self._connecting = asyncio.create_task(self._relay())
            return
        connection = RestConnection(self._transport, self._respond)
        self._transport.set_protocol(connection)
        connection.data_received(self._seen)

    async def _relay(self) -> None:
        outer = self._transport
        loop = asyncio.get_running_loop()
        try:
            inner, _ = await loop.create_connection(lambda: Relay(outer), "127.0.0.1", self._grpc_port)
        except OSError:
            outer.close()
            return
        outer.set_protocol(Relay(inner))
        inner.write(self._seen)
        outer.resume_reading()


class Relay(asyncio.Protocol):
    """One direction of a relayed connection: what arrives here leaves at the peer, no faster than the peer takes it."""

    def __init__(self, peer: asyncio.Transport) -> None:
        self._peer = peer

    def data_received(self, data: bytes) -> None:
        self._peer.write(data)

    def pause_writing(self) -> None:
        self._peer.pause_reading()

    def resume_writing(self) -> None:
        self._peer.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._peer.close()


class RestConnection(asyncio.Protocol):
    """An HTTP/1.1 connection: requests one after the other, each answered with JSON."""

    def __init__(self, transport: asyncio.Transport, respond: Respond) -> None:
        self._transport = transport
        self._respond = respond
        self._http = h11.Connection(h11.SERVER)
        self._request: h11.Request | None = None
        self._body = bytearray()
        self._answering: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._advance()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._answering:
            self._answering.cancel()

    def _advance(self) -> None:
        try:
            while not isinstance(event := self._http.next_event(), type(h11.NEED_DATA) | type(h11.PAUSED)):
                self._take(event)
        except h11.RemoteProtocolError:
            self._transport.close()
            return
        if self._http.they_are_waiting_for_100_continue:
            self._send(h11.InformationalResponse(status_code=100, headers=[]))

    def _take(self, event: object) -> None:
        if isinstance(event, h11.Request):
            self._request, self._body = event, bytearray()
        elif isinstance(event, h11.Data):
            self._body += event.data
            if len(self._body) > BODY_LIMIT_BYTES:
                raise h11.RemoteProtocolError("the body is too large")
        elif isinstance(event, h11.EndOfMessage):
            self._answering = asyncio.create_task(self._answer())
        elif isinstance(event, h11.ConnectionClosed):
            raise h11.RemoteProtocolError("closed")

    async def _answer(self) -> None:
        request = self._request
        assert request is not None
        try:
            status, body = await self._respond(request.method.decode(), request.target.decode(), bytes(self._body))
        except Exception:
            self._transport.close()
            raise
        headers = [("content-type", "application/json"), ("content-length", str(len(body)))]
        self._send(h11.Response(status_code=status, headers=headers))
        self._send(h11.Data(data=b"" if request.method == b"HEAD" else body))
        self._send(h11.EndOfMessage())
        if self._http.our_state is h11.MUST_CLOSE:
            self._transport.close()
            return
        self._http.start_next_cycle()
        self._advance()

    def _send(self, event: h11.Event) -> None:
        self._transport.write(self._http.send(event) or b"")
