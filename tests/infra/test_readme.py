"""The README's section on deploying, typed word for word in a rehearsal: what it shows is what is said."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra import source
from tests.infra.cloud import PROJECT

ROOT = Path(__file__).resolve().parents[2]
SECTION = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## Deploy\n")[1].split("\n## ")[0]
BLOCKS = SECTION.split("```")[1::2]
TYPED = [block.removeprefix("sh\n") for block in BLOCKS if block.startswith("sh\n")]
SHOWN = [block for block in BLOCKS if block.startswith("\n")]
VARIES = r"^\[ *\d+/\d+\] |\d+\.\d s\b|, about \d+ (s|min) left|'\d+'|(?<=gcloud: )[\d.]+"
"""Numbers of steps and messages, times, gcloud's version."""


def fixed(text: str) -> list[str]:
    text = re.sub(r"(?<=to go on:)(.*)", r"\n\1", text)  # what is typed is not echoed here, nor is its end of line
    return [re.sub(VARIES, "", line.lstrip()).rstrip() for line in text.splitlines()]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as it is now, where nobody else works in it."""
    folder = source.stage(tmp_path_factory.mktemp("readme") / "fleetline")
    subprocess.run(["cp", "-R", ROOT / "infra", folder], check=True)
    return folder


def rehearsed(checkout: Path, script: str) -> str:
    """What is said, by the commands too, when a script is run in the shell that `python3 -m tests.infra` opens."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLOUDSDK_")}
    line = [sys.executable, "-m", "tests.infra", "bash", "-euo", "pipefail", "-c", f"cd {checkout}\n{script}"]
    done = subprocess.run(line, cwd=ROOT, env=kept, input=f"{PROJECT}\n", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.full
@pytest.mark.usefixtures("gcloud_there")
def test_the_deploy_section_works_word_for_word(checkout: Path) -> None:
    said = fixed(rehearsed(checkout, "\n".join(TYPED)))
    shown = [line for block in SHOWN for line in fixed(block) if line not in ("…", PROJECT)]
    assert len(shown) > 40
    assert [line for line in shown if line not in said] == []
    assert ["1", "databases"] in [line.split() for line in said]  # destroyed, but for the data
    assert (checkout / "deploy.sh").stat().st_size > 10_000


@pytest.mark.usefixtures("gcloud_there")
def test_a_rehearsal_tells_what_was_asked_of_google(checkout: Path) -> None:
    said = rehearsed(checkout, 'gcloud pubsub topics create gps --project="$PROJECT"')
    assert "requests, 1 of them changes; now there are:\n     1 topics\n" in said
