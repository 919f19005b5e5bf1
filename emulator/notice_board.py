"""Where functions on this machine read how far behind each subscription is; in the cloud, Cloud Monitoring tells."""

import asyncio
import json
from collections.abc import Mapping

from emulator.courier import Courier
from emulator.ports import HOST


class NoticeBoard:
    """GET anything: {topic: {"oldest_unanswered_s": seconds, "unanswered": messages}}."""

    def __init__(self, couriers: Mapping[str, Courier]) -> None:
        self._couriers = couriers

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
            }
            for topic, courier in self._couriers.items()
        }
