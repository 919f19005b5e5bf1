"""Where the plant's Pub/Sub and Firestore come from on this machine."""

import importlib.util
from typing import Literal, NamedTuple

from emulator import embedded_backend, google_backend
from emulator.errors import EmulatorError
from emulator.processes import Processes, Say

BACKENDS = ("auto", "google", "embedded")


class Backend(NamedTuple):
    """Addresses as host:port."""

    name: str
    pubsub: str
    firestore: str


def chosen(choice: str) -> tuple[Literal["google", "embedded"], str]:
    """Which backend it will be, and why. `auto` takes Google's where it can run."""
    if choice == "google":
        google_backend.find()
        return "google", "the emulators of the Google Cloud SDK"
    if choice == "embedded":
        return "embedded", "the stand-ins in emulator/embedded"
    try:
        google_backend.find()
    except EmulatorError as error:
        if importlib.util.find_spec("emulator.embedded.__main__") is None:
            raise
        return "embedded", f"the stand-ins in emulator/embedded, because {error}"
    return "google", "the emulators of the Google Cloud SDK"


async def start(choice: str, processes: Processes, say: Say) -> Backend:
    """Start a backend and wait until it answers; the first line said tells which."""
    name, why = chosen(choice)
    say(f"backend: {name} ({why})")
    starter = google_backend if name == "google" else embedded_backend
    pubsub, firestore = await starter.start(processes)
    return Backend(name, pubsub, firestore)
