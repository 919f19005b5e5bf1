"""Folders of runs: each run has one of its own, with logs, mails and exports, and only the newest stay."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emulator.errors import EmulatorError
from emulator.lock import locked
from emulator.processes import Say

KEPT = 5
MARK = "in-use"
"""Locked as long as the run is on. A folder without it is of an older release, or just being made: it stays."""


def state_folder() -> Path:
    """Where plants of this machine leave what outlives a command; tests have one of their own."""
    return Path(os.environ.get("FLEETLINE_STATE") or Path(__file__).resolve().parent.parent / ".fleetline")


@contextmanager
def begun(folder: Path, exports: Path, say: Say) -> Iterator[None]:
    """Make a run's folder, in use until the end, and the one its exports go to; clear away what is too old.

    EmulatorError when one cannot be made.
    """
    try:
        folder.mkdir(parents=True)
        exports.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmulatorError(f"{error.filename} cannot be made: {error.strerror}") from None
    with (folder / MARK).open("w") as mark:
        locked(mark)
        runs = sorted(run for run in folder.parent.glob("run-*") if (run / MARK).exists())
        for run in runs[:-KEPT]:
            if not exports.is_relative_to(run):
                _clear(run, say)
        yield


def _clear(run: Path, say: Say) -> None:
    """Delete a run's folder, unless its run is still on."""
    try:
        with (run / MARK).open("a") as mark:
            over = locked(mark)
        if over:
            shutil.rmtree(run)
    except FileNotFoundError:  # another command was faster
        return
    except OSError as error:
        say(f"an old run could not be cleared away: {error.filename}: {error.strerror}")
