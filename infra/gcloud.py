"""Runs gcloud and bq: resolves the parts of a command, tries again what may pass, and says what a failure means."""

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra import source
from infra.resource import Command, Existing, File, Output, Part, Source, words

RETRY_AFTER_S = (3.0, 10.0, 30.0, 60.0)
MOST_AT_ONCE = 3
_PASSING = re.compile(
    r"\b(429|503)\b|RESOURCE_EXHAUSTED|UNAVAILABLE|ABORTED|concurrent policy changes|unable to queue the operation"
    r"|Eventarc Service Agent|Service account \S+ does not exist|Cannot find metric|does not exist in the resource's"
    r"|SERVICE_DISABLED|has not been used in project",
    re.IGNORECASE,
)
"""Quota, outage, somebody else's change; and what was made a moment ago is not known everywhere at Google yet."""

_MEANINGS: tuple[tuple[str, str], ...] = (
    (
        r"active account|auth login|refreshing|invalid_grant|\b401\b|UNAUTHENTICATED",
        "gcloud is not logged in: `gcloud auth login`.",
    ),
    (
        r"SERVICE_DISABLED|has not been used in project",
        "The API was enabled a moment ago: wait a minute, run it again.",
    ),
    (
        r"[Bb]illing (account|is|must)",
        "Billing is off for this project: `gcloud billing projects link PROJECT --billing-account=…`.",
    ),
    (
        r"\b403\b|PERMISSION_DENIED|does not have permission|Forbidden|Access Denied",
        "Your account may not do this: ask for roles/owner, or for the roles that `python3 -m infra doctor` names.",
    ),
    (
        r"\b429\b|RESOURCE_EXHAUSTED|[Qq]uota",
        "A quota is used up: wait a minute, raise it under IAM & Admin, or lower max_instances in environments.toml.",
    ),
    (r"\b503\b|UNAVAILABLE", "Google's service does not answer at the moment."),
    (r"\b409\b|ALREADY_EXISTS|already exists|ABORTED", "Somebody else has just made it, or is changing it."),
)


_GONE = re.compile(r"NOT_FOUND|\b404\b|[Nn]ot found|does not exist|IamPolicyBindingNotFound")


class CommandFailed(Exception):
    """A command that failed for good; `text` is what it said."""

    def __init__(self, command: Sequence[str], text: str) -> None:
        super().__init__(text)
        self.command = command
        self.text = text

    @property
    def first(self) -> str:
        """The sentence that says what happened, of all that gcloud says."""
        lines = self.text.splitlines() or [""]
        told = next((line for line in lines if line.startswith("ERROR: ")), lines[0])
        return re.sub(r"^ERROR: (\(\S+\) )?", "", told)

    @property
    def says_it_is_gone(self) -> bool:
        """Whether it failed because there is nothing left to delete."""
        return bool(_GONE.search(self.text))

    @property
    def meaning(self) -> str:
        """What a person can do about it; empty where gcloud's own words must do."""
        return next((meaning for pattern, meaning in _MEANINGS if re.search(pattern, self.text)), "")


class Gcloud:
    """Commands of one run, with the files they need in `folder`. Threads may share it."""

    def __init__(self, folder: Path, retry_after_s: Sequence[float] = RETRY_AFTER_S) -> None:
        self._folder = folder
        self._retry_after_s = retry_after_s
        self._printed: dict[Command, str] = {}
        self._staged = threading.Lock()

    def listing(self, command: Command) -> list[dict[str, Any]]:
        """What a command with --format=json prints."""
        printed: list[dict[str, Any]] | dict[str, Any] = json.loads(self.run(command) or "[]")
        return [printed] if isinstance(printed, dict) else printed

    def run(self, command: Command) -> str:
        """What the command prints; CommandFailed when it fails, after having tried again what may pass."""
        line = words(command, self._resolve)
        for wait_s in (*self._retry_after_s, None):
            try:
                return self._once(line)
            except CommandFailed as error:
                if wait_s is None or not _PASSING.search(error.text):
                    raise
                time.sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    def source(self) -> Path:
        """The staged source."""
        with self._staged:
            folder = self._folder / "source"
            return folder if folder.exists() else source.stage(folder)

    def _once(self, line: Sequence[str]) -> str:
        program = shutil.which(line[0])
        if program is None:
            raise CommandFailed(line, f"{line[0]} is not installed: https://cloud.google.com/sdk/docs/install")
        done = subprocess.run(
            [program, *line[1:]], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
        if done.returncode != 0:
            raise CommandFailed(line, (done.stderr.strip() + "\n" + (done.stdout if line[0] == "bq" else "")).strip())
        return done.stdout

    def _resolve(self, part: Part) -> str:
        match part:
            case str():
                return part
            case File(name, content):
                path = self._folder / name
                path.write_text(content, encoding="utf-8")
                return str(path)
            case Output(command):
                return self._output(command)
            case Source():
                return str(self.source())
            case Existing():
                raise AssertionError("named when the change was planned")

    def _output(self, command: Command) -> str:
        """Asked once a run."""
        if command not in self._printed:
            printed = self.run(command).strip()
            if not printed:
                raise CommandFailed(words(command, self._resolve), "printed nothing, so what it asks for is not there")
            self._printed[command] = printed
        return self._printed[command]
