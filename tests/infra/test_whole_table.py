"""The whole table, by the commands a person types: deploy, deploy again, status, the script, destroy. Minutes."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.source import UPLOADED, stage
from tests.infra.cloud import PROJECT, Cloud
from tests.infra.recorder import Recorder
from tests.infra.story import WHERE

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as it is now, where nobody else works in it."""
    folder = stage(tmp_path_factory.mktemp("checkout") / "fleetline")
    subprocess.run(["cp", "-R", str(Path(__file__).resolve().parents[2] / "infra"), str(folder)], check=True)
    assert {one.name for one in folder.iterdir()} == {*UPLOADED, "infra"}
    return folder


def infra(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infra", *arguments, *WHERE]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def shape(cloud: Cloud) -> dict[str, Any]:
    """What there is, without the numbers that Google chose and the hashes of uploads."""
    numbered = re.compile(r"made-\d+")
    return {numbered.sub("made", key): sorted(value) for key, value in cloud.resources.items()}


@pytest.fixture(scope="module")
def deployed(recorded: Recorder, checkout: Path) -> Cloud:
    cloud = Cloud()
    recorded.responder = cloud.answer
    done = infra(checkout, "deploy")
    assert done.returncode == 0, done.stdout + done.stderr
    return cloud


def test_deploying_again_changes_nothing_and_status_agrees(recorded: Recorder, checkout: Path, deployed: Cloud) -> None:
    recorded.responder = deployed.answer
    before = len(recorded.requests)
    done = infra(checkout, "deploy")
    assert "0 created, 0 updated" in done.stdout
    assert infra(checkout, "status").returncode == 0
    assert [one.path for one in recorded.requests[before:] if one.changes] == []
    topic = next(one for key, one in deployed.resources.items() if key.endswith("/topics/gps"))
    topic["messageRetentionDuration"] = "600s"
    old = f"projects/{PROJECT}/serviceAccounts/fleetline-old@{PROJECT}.iam.gserviceaccount.com"
    deployed.resources[old] = {"name": old, "email": old.rpartition("/")[2]}
    drifted = infra(checkout, "status")
    topic["messageRetentionDuration"] = "86400s"
    del deployed.resources[old]
    assert drifted.returncode == 1
    assert "DIFFERS         topic gps: retention is 600s, shall be 86400s" in drifted.stdout
    assert "LEFT OVER       account fleetline-old: no row asks for it" in drifted.stdout


def test_the_script_makes_the_same_with_bash_and_gcloud_alone_and_can_be_run_again(
    recorded: Recorder, checkout: Path, deployed: Cloud
) -> None:
    cloud = Cloud()
    recorded.responder = cloud.answer
    script = infra(checkout, "deploy", "--dry-run").stdout
    kept = {name: value for name, value in os.environ.items() if name.startswith("CLOUDSDK_")}
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(checkout), **kept}
    for _ in range(2):
        subprocess.run(["bash"], input=script, text=True, cwd=checkout, env=environment, check=True)
        assert shape(cloud) == shape(deployed)
        assert cloud.bindings() == deployed.bindings()


def test_destroy_keeps_data_unless_told(recorded: Recorder, checkout: Path, deployed: Cloud) -> None:
    recorded.responder = deployed.answer
    kept = infra(checkout, "destroy", "--yes")
    assert kept.returncode == 0, kept.stdout
    left = {key.split("/")[-2] for key, one in deployed.resources.items() if not one.get("deleted")}
    assert left == {"databases", "fields", "indexes", "b", "secrets", "versions", "roles"}
    assert infra(checkout, "destroy", "--yes", "--data").returncode == 0
    assert [key for key, one in deployed.resources.items() if not one.get("deleted")] == []
