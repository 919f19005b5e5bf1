"""Starts each backend as the user would, as processes of their own, and stops them again."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

SDK_FOLDERS = (Path("/usr/lib/google-cloud-sdk"), Path("/usr/share/google-cloud-sdk"), Path.home() / "google-cloud-sdk")
ROOT = Path(__file__).resolve().parents[2]
GOOGLE_READY_S = 60


@dataclass(frozen=True)
class Backend:
    """Where a running backend is reached."""

    name: str
    pubsub: str
    firestore: str


class Missing(Exception):
    """Why a backend cannot run on this machine."""


@contextmanager
def google() -> Iterator[Backend]:
    java = shutil.which("java")
    if java is None:
        raise Missing("Google's emulators need Java")
    pubsub_jar = _jar("pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar")
    firestore_jar = _jar("cloud-firestore-emulator/cloud-firestore-emulator.jar")
    firestore_main = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
    ports = free_ports(2)
    where = [["--host=127.0.0.1", f"--port={port}"] for port in ports]
    with ExitStack() as running:
        running.enter_context(_process([java, "-jar", str(pubsub_jar), *where[0]]))
        running.enter_context(
            _process([java, "-Duser.language=en", "-cp", str(firestore_jar), firestore_main, "start", *where[1]])
        )
        pubsub, firestore = (f"127.0.0.1:{port}" for port in ports)
        _wait_until_answering(pubsub)
        _wait_until_answering(firestore)
        yield Backend("google", pubsub, firestore)


@contextmanager
def embedded(*options: str) -> Iterator[Backend]:
    command = [sys.executable, "-m", "emulator.embedded", "--until-stdin-closes", *options]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            yield Backend("embedded", ready["pubsub"], ready["firestore"])
        finally:
            process.terminate()
            process.wait(10)


STARTERS = {"google": google, "embedded": embedded}


def free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _jar(pattern: str) -> Path:
    folders = [Path(os.environ["CLOUDSDK_ROOT"])] if "CLOUDSDK_ROOT" in os.environ else SDK_FOLDERS
    for folder in folders:
        found = sorted((folder / "platform").glob(pattern))
        if found:
            return found[-1]
    raise Missing(f"the Google Cloud SDK has no {pattern}")


@contextmanager
def _process(command: list[str]) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(10)


def _wait_until_answering(address: str) -> None:
    deadline = time.monotonic() + GOOGLE_READY_S
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}/", timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
