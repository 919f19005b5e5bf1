"""Where functions on this machine read how each subscription fares; in the cloud, Cloud Monitoring tells."""

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path

from emulator.courier import Courier
from emulator.ports import HOST

TAIL_BYTES = 64_000
"""Of a log, to find the totals its function logged last."""


class NoticeBoard:
    """GET anything: {topic: {"oldest_unanswered_s": seconds, "unanswered": messages, and since it came up, `up_s` ago:
    "answered", "failed" (messages) and "quarantined" (events, as the function of that name logs them)}}."""

    def __init__(self, couriers: Mapping[str, Courier], logs: Path | None = None) -> None:
        self._couriers = couriers
        self._logs = logs
        self._up_s = time.monotonic()

    async def start(self) -> None:
        """Serve on a free port until `close`."""
        self._server = await asyncio.start_server(self._answer, HOST, 0)
        self.url = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(5):
                await reader.readuntil(b"\r\n\r\n")
                body = json.dumps(self._notices()).encode()
                head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
                writer.write(head.encode() + b"connection: close\r\n\r\n" + body)
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked has gone; it will ask again
        finally:
            writer.close()

    def _notices(self) -> dict[str, dict[str, float]]:
        return {
            topic: {
                "oldest_unanswered_s": round(courier.counts.oldest_unanswered_s(), 3),
                "unanswered": len(courier.counts.unanswered),
                "up_s": round(time.monotonic() - self._up_s, 3),
                "answered": courier.counts.acked,
                "failed": courier.counts.nacked,
                "quarantined": _quarantined(self._logs / f"{topic}.log") if self._logs else 0,
            }
            for topic, courier in self._couriers.items()
        }


def _quarantined(log: Path) -> int:
    """What a function said last of its events that could not be read; one started again counts from 0."""
    if not log.exists():
        return 0
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        lines = file.read().splitlines()
    for line in reversed(lines):
        if line.startswith(b"{") and b'"totals"' in line:
            return int(json.loads(line).get("quarantined", 0))
    return 0
