"""A small HTTP server on loopback, for tests of what calls functions."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from emulator.http_client import Instance
from emulator.ports import HOST


class Request(NamedTuple):
    """What arrived; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Request], Awaitable[bytes | None]]
"""Gives the bytes to answer with; None breaks the connection."""

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK"
ERROR = b"HTTP/1.1 500 Internal Server Error\r\ntransfer-encoding: chunked\r\n\r\n5\r\nnever\r\n0\r\n\r\n"


class Server:
    """Serves between `async with` and its end; counts connections."""

    def __init__(self, answer: Answer) -> None:
        self.connections = 0
        self.requests: list[Request] = []
        self._answer = answer
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> "Server":
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.instance = Instance(HOST, self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self.instance.close()
        self._server.close()
        for writer in self._open:
            writer.close()
        await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            while request := await _read(reader):
                self.requests.append(request)
                answer = await self._answer(request)
                if answer is None:
                    break
                writer.write(answer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Request(first.split()[1], headers, await reader.readexactly(int(headers.get("content-length", 0))))
