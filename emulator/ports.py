"""Loopback ports: finding free ones, and waiting until somebody answers behind one."""

import asyncio
import random
import socket
from pathlib import Path

HOST = "127.0.0.1"

FIRST_PORT = 12_000
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_PROBE = b"GET /robots.txt HTTP/1.1\r\nhost: " + HOST.encode() + b"\r\nconnection: close\r\n\r\n"


def free_port() -> int:
    """A port nobody listens on.

    Below the range that outgoing connections take theirs from: a function that is restarted must find its port free,
    while the courier opens hundreds of connections.
    """
    end = int(EPHEMERAL_RANGE.read_text().split()[0]) if EPHEMERAL_RANGE.exists() else 32_768
    end = end if end > FIRST_PORT + 1_000 else 65_535
    chooser = random.SystemRandom()
    while True:
        port = chooser.randrange(FIRST_PORT, end)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        return port


async def answers(host_port: str) -> bool:
    """Whether something speaks HTTP there (any status will do: an event function knows no GET)."""
    return (await _asked(host_port, _PROBE)).startswith(b"HTTP/")


async def speaks_grpc(host_port: str) -> bool:
    """Whether something there answers an HTTP/2 preface with its settings."""
    return len(await _asked(host_port, _PREFACE)) > 0


async def _asked(host_port: str, question: bytes) -> bytes:
    """The first bytes of the answer; none when there is no answer within a second."""
    host, _, port = host_port.rpartition(":")
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(question)
                return await reader.read(5)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return b""
