"""Google's Firestore emulator, for what only the real one shows."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

JAR = "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
READY_S = 30


@pytest.fixture(scope="session")
def firestore_host() -> Iterator[str]:
    gcloud, java = shutil.which("gcloud"), shutil.which("java")
    jar = Path(gcloud).resolve().parents[1] / JAR if gcloud else None
    if jar is None or java is None or not jar.exists():
        pytest.skip("needs Java and the Google Cloud SDK with its Firestore emulator")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [java, "-Duser.language=en", "-cp", str(jar), MAIN, "start", "--host=127.0.0.1", f"--port={port}"]
    emulator = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"127.0.0.1:{port}"
    finally:
        emulator.terminate()
        emulator.wait(10)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
