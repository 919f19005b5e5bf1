"""Where a running plant is: written by it, read by commands that talk to it."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import google.auth
import google.auth.exceptions

from emulator.errors import EmulatorError
from emulator.plant import Plant
from emulator.ports import speaks_grpc
from emulator.runs import state_folder


def current() -> Path:
    """Where commands look by default: the plant that came up last."""
    return state_folder() / "current.json"


class Addresses(NamedTuple):
    """A plant that runs; hosts as host:port (None: Google's own), functions and backlog (the notice board) as URLs."""

    project: str
    pubsub: str | None
    firestore: str | None
    functions: dict[str, str]
    exports: str | None
    backlog: str | None


@contextmanager
def written(plant: Plant, file: Path | None = None) -> Iterator[None]:
    """Keep the plant's addresses in `file` (if any) and where commands look by default, while it is up."""
    text = json.dumps(plant.addresses(), indent=2) + "\n"
    if file is not None:
        file.write_text(text)
    current().write_text(text)
    try:
        yield
    finally:
        if current().exists() and current().read_text() == text:  # another plant may have come up since
            current().unlink()


async def asked(options: argparse.Namespace) -> Addresses:
    """The plant that --project or --addresses name, else the one that came up last. EmulatorError when none answers,
    or when this machine has no credentials for a project."""
    if options.project is None:
        return await running(options.addresses)
    try:
        google.auth.default()
    except google.auth.exceptions.DefaultCredentialsError:
        raise EmulatorError(
            f"no Google credentials here for project {options.project}: `gcloud auth application-default login`"
        ) from None
    return Addresses(options.project, None, None, {}, None, None)


async def running(file: Path | None) -> Addresses:
    """The plant to talk to: that of a file, else the one that came up last. EmulatorError when none answers."""
    path = file or current()
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        places = (found["project"], found["pubsub"], found["firestore"])
        addresses = Addresses(*places, found["functions"], found.get("exports"), found.get("backlog"))
        firestore = str(found["firestore"])
    except FileNotFoundError:
        if file is not None:
            raise EmulatorError(
                f"there is no file {file}: start one with `python3 -m emulator up --addresses {file}`"
            ) from None
        raise EmulatorError("no plant is up: start one with `python3 -m emulator up`") from None
    except (ValueError, KeyError, TypeError) as error:
        raise EmulatorError(f"{path} does not hold a plant's addresses ({error!r})") from None
    if not await speaks_grpc(firestore):
        raise EmulatorError(f"the plant of {path} does not answer: start one with `python3 -m emulator up`")
    return addresses
