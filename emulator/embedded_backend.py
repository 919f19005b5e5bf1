"""The small stand-ins for Pub/Sub and Firestore, Python only, as a process of their own."""

import sys
from pathlib import Path

from emulator.ports import HOST, free_port, speaks_grpc
from emulator.processes import Processes

READY_S = 30.0
ROOT = Path(__file__).resolve().parent.parent


async def start(processes: Processes) -> tuple[str, str]:
    """Start both; (Pub/Sub's host:port, Firestore's), once they answer."""
    pubsub, firestore = free_port(), free_port()
    command = [sys.executable, "-m", "emulator.embedded", "--host", HOST]
    child = await processes.start(
        "embedded", [*command, "--pubsub-port", str(pubsub), "--firestore-port", str(firestore)], {}, cwd=ROOT
    )
    for port in (pubsub, firestore):
        await processes.until_ready(child, f"{HOST}:{port}", READY_S, speaks_grpc)
    return f"{HOST}:{pubsub}", f"{HOST}:{firestore}"
