"""Every command that deploy, status and destroy can run, as gcloud's own linter sees it: flags, values, bounds."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from infra import listing
from infra.desired import waves
from infra.resource import Command, Output, Part, parts, words
from infra.site import site
from tests.infra.cloud import PROJECT, REGION

pytestmark = pytest.mark.usefixtures("gcloud_there")


def commands(environment: str) -> Iterator[Command]:
    """All of them, those whose output others use included; bq has no linter."""
    here = site(PROJECT, REGION, environment)
    yield listing.services(here)
    yield from (command for _, command in listing.every(here).values())
    yield from listing.described(here, {"permits": [{"name": here.permit("driver")}]}).values()
    for wave in waves(here, "hash"):
        for resource in wave:
            for command in (*resource.create, *resource.update, *resource.delete):
                yield from _asking(command)
            if resource.sought:
                yield resource.sought


def _asking(command: Command) -> Iterator[Command]:
    yield command
    for part in parts(command):
        if isinstance(part, Output):
            yield from _asking(part.command)


def written(command: Command) -> str:
    def shown(part: Part) -> str:
        if isinstance(part, Output) and "--format=value(serviceConfig.uri)" in part.command:
            return "https://x"
        if isinstance(part, Output) and part.command[1:3] == ("secrets", "versions"):
            return "1"
        return part if isinstance(part, str) else "x"

    return shlex.join(words(command, shown))


def refused(lines: Iterable[str], folder: Path) -> list[str]:
    """What the linter says of each command that it does not accept."""
    wanted = sorted(line for line in set(lines) if line.startswith("gcloud "))
    file = folder / "commands.json"
    file.write_text(json.dumps([{"command_string": line} for line in wanted]))
    lint = ("gcloud", "meta", "lint-gcloud-commands", f"--commands-file={file}", f"--project={PROJECT}")
    done = subprocess.run(lint, capture_output=True, text=True, check=True)
    verdicts = {one["command_string"]: one for one in json.loads(done.stdout)}
    assert set(verdicts) == set(wanted)
    return [f"{line}: {one['error_message']}" for line, one in verdicts.items() if not one["success"]]


def test_one_command_of_each_shape_is_accepted(tmp_path: Path) -> None:
    """Of commands that differ in names alone one is looked at, but every function's."""
    shapes: dict[str, str] = {}
    for line in map(written, commands("prod")):
        shapes.setdefault(line if "functions deploy" in line else _shape(line), line)
    assert refused(shapes.values(), tmp_path) == []


def _shape(line: str) -> str:
    """The words before the first flag but the last (a name), and the flags."""
    before = re.split(r" --| '", line)[0].split()
    return f"{before[:-1]} {sorted(re.findall(r'--[a-z-]+', line))}"


@pytest.mark.full
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_every_command_is_accepted(environment: str, tmp_path: Path) -> None:
    assert refused(map(written, commands(environment)), tmp_path) == []


def test_the_linter_does_refuse(tmp_path: Path) -> None:
    """So that its silence means something."""
    wrong = "gcloud pubsub topics create gps --message-retention-duratoin=1d"
    assert refused([wrong], tmp_path)
