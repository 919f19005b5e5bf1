"""`profiles FILE`: settings reach a running plant, or a clear message says why not."""

import argparse
import json
from pathlib import Path

import pytest

from emulator.backends import Backend
from emulator.commands import profiles
from emulator.errors import EmulatorError
from functions.adapters.firestore import Firestore


def options(file: Path, addresses: Path | None = None, project: str | None = None) -> argparse.Namespace:
    return argparse.Namespace(file=file, addresses=addresses, project=project)


async def test_settings_are_written_over_those_before_and_the_functions_told(
    backend: Backend, project: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant, file = tmp_path / "plant.json", tmp_path / "fleet.json"
    where = {"project": project, "pubsub": backend.pubsub, "firestore": backend.firestore, "functions": {}}
    plant.write_text(json.dumps(where))
    for settings in ({"speed_limit_kph": 90.0}, {"cargo_profile": "frozen"}):
        file.write_text(json.dumps({"van-7": settings}))
        assert await profiles.main(options(file, plant)) == 0
    assert capsys.readouterr().out == "1 profile written; the functions read them within 30 s\n" * 2
    store = Firestore(project, emulator=backend.firestore)
    try:
        found = await store.get(["vehicles/van-7", "fleet/settings"])
    finally:
        await store.close()
    assert found["vehicles/van-7"].fields == {"speed_limit_kph": 90.0, "cargo_profile": "frozen"}
    assert found["fleet/settings"].fields["profiles_version"] == 2


async def test_a_project_needs_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    file = tmp_path / "fleet.json"
    file.write_text("{}")
    with pytest.raises(EmulatorError, match="no Google credentials here for project my-fleet: `gcloud auth"):
        await profiles.main(options(file, project="my-fleet"))
