"""Google's own Pub/Sub and Firestore emulators: found in the Cloud SDK, started from their jars."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from emulator.errors import EmulatorError
from emulator.ports import HOST, free_port
from emulator.processes import Processes

READY_S = 60.0
"""They take 2–5 s on an idle machine."""
_FIRESTORE_MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"


class Sdk(NamedTuple):
    """What of the Cloud SDK is used."""

    java: str
    pubsub_jar: Path
    firestore_jar: Path


def find() -> Sdk:
    """Where the emulators are; EmulatorError says what is missing and how to get it."""
    roots = [root for root in _roots() if (root / "platform").is_dir()]
    if not roots:
        raise EmulatorError(
            "the Google Cloud SDK is not here (no gcloud on PATH, no CLOUDSDK_ROOT): install it, "
            "or use --backend embedded, which needs Python only"
        )
    return Sdk(
        _java(),
        _jar(
            roots,
            "pubsub-emulator/lib",
            "cloud-pubsub-emulator-*-all.jar",
            "pubsub-emulator",
            "google-cloud-cli-pubsub-emulator",
        ),
        _jar(
            roots,
            "cloud-firestore-emulator",
            "cloud-firestore-emulator.jar",
            "cloud-firestore-emulator",
            "google-cloud-cli-firestore-emulator",
        ),
    )


async def start(processes: Processes) -> tuple[str, str]:
    """Start both; (Pub/Sub's host:port, Firestore's), once they answer."""
    sdk = find()
    pubsub, firestore = free_port(), free_port()
    pubsub_child = await processes.start(
        "pubsub-emulator", [sdk.java, "-jar", str(sdk.pubsub_jar), *_where(pubsub)], {}
    )
    firestore_child = await processes.start(
        "firestore-emulator",
        # it speaks English only, whatever the locale says
        [sdk.java, "-Duser.language=en", "-cp", str(sdk.firestore_jar), _FIRESTORE_MAIN, "start", *_where(firestore)],
        {},
    )
    await processes.until_ready(pubsub_child, f"{HOST}:{pubsub}", READY_S)
    await processes.until_ready(firestore_child, f"{HOST}:{firestore}", READY_S)
    return f"{HOST}:{pubsub}", f"{HOST}:{firestore}"


def _where(port: int) -> list[str]:
    return [f"--host={HOST}", f"--port={port}"]


def _roots() -> Iterator[Path]:
    """Places an SDK may be: where it says it is, around the gcloud on PATH, where installers put it."""
    for name in ("CLOUDSDK_ROOT", "CLOUDSDK_ROOT_DIR"):
        if os.environ.get(name):
            yield Path(os.environ[name])
    gcloud = shutil.which("gcloud")
    if gcloud:
        yield Path(gcloud).resolve().parent.parent
    home = Path.home()
    yield home / "google-cloud-sdk"
    for folder in ("/usr/lib", "/usr/share", "/opt", "/snap/google-cloud-sdk/current", "/usr/local/share"):
        yield Path(folder) / "google-cloud-sdk"
    yield Path("/opt/homebrew/share/google-cloud-sdk")


def _jar(roots: list[Path], folder: str, pattern: str, component: str, package: str) -> Path:
    for root in roots:
        found = sorted((root / "platform" / folder).glob(pattern))
        if found:
            return found[-1]
    raise EmulatorError(
        f"the Cloud SDK in {roots[0]} has no {component}: `gcloud components install {component}` "
        f"(Debian and Ubuntu packages of the SDK: `apt install {package}`), or use --backend embedded"
    )


def _java() -> str:
    """A Java that runs: macOS has a stub on PATH even where none is installed."""
    home = os.environ.get("JAVA_HOME")
    candidates = [str(Path(home) / "bin" / "java")] if home else []
    found = shutil.which("java")
    for java in [*candidates, *([found] if found else [])]:
        try:
            if subprocess.run([java, "-version"], capture_output=True, check=False).returncode == 0:
                return java
        except OSError:
            continue
    raise EmulatorError(
        "Google's emulators need Java and there is none: install one "
        "(Debian and Ubuntu: `apt install default-jre-headless`), or use --backend embedded"
    )
