"""A small HTTP/1.1 client for loopback: keep-alive connections to one function instance, one request at a time on each.

A general client costs the courier 250 µs and more a request, this one about 60: it shares two cores with the
functions it feeds.
"""

import asyncio
from typing import NamedTuple, cast

import httptools

IDLE_S = 1.0
"""An idle connection is not used again after this: gunicorn closes them after 2 s."""


class Answer(NamedTuple):
    """What a function answered."""

    status: int
    body: bytes


class Down(Exception):
    """Nobody listens there: the request was never sent."""


class Lost(Exception):
    """The connection broke after the request was sent: it may or may not have been served."""


class Instance:
    """One function instance's address, and the connections to it that are free."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._free: list[tuple[float, _Connection]] = []

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    async def post(self, path: bytes, headers: bytes, body: bytes) -> Answer:
        """POST and wait for the answer; raises Down or Lost. `headers` are whole lines, each with its CRLF."""
        connection = self._kept() or await self._opened()
        request = b"POST %b HTTP/1.1\r\nhost: %b:%d\r\ncontent-length: %d\r\n%b\r\n%b" % (
            path, self.host.encode(), self.port, len(body), headers, body,
        )  # fmt: skip
        try:
            answer = await connection.ask(request)
        except BaseException:  # a cancelled request leaves an answer on its way: that connection is of no use
            connection.close()
            raise
        if connection.usable:
            self._free.append((asyncio.get_running_loop().time(), connection))
        return answer

    def close(self) -> None:
        for _, connection in self._free:
            connection.close()
        self._free.clear()

    def _kept(self) -> "_Connection | None":
        oldest = asyncio.get_running_loop().time() - IDLE_S
        while self._free:
            since, connection = self._free.pop()
            if since >= oldest and connection.usable:
                return connection
            connection.close()
        return None

    async def _opened(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(_Connection, self.host, self.port)
        except OSError as error:
            raise Down(f"{self.url}: {error}") from error
        return connection


class _Connection(asyncio.Protocol):
    """One connection; its parser's callbacks are the on_… methods."""

    def __init__(self) -> None:
        self.usable = False
        self._answer: asyncio.Future[Answer] | None = None
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpResponseParser(self)
        self.usable = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Lost(str(exc or "closed by the function")))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.connection_lost(error)
            self.close()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self.usable = self.usable and self._parser.should_keep_alive()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(self._parser.get_status_code(), self._body))

    def ask(self, request: bytes) -> "asyncio.Future[Answer]":
        self._answer = asyncio.get_running_loop().create_future()
        self._body = b""
        if self.usable:
            self._transport.write(request)
        else:
            self._answer.set_exception(Lost("closed by the function"))
        return self._answer

    def close(self) -> None:
        self.usable = False
        self._transport.close()
