"""Folders of runs: the newest stay, and so does one that is in use, however old it is."""

import shutil
from pathlib import Path

import pytest

from emulator import runs
from emulator.errors import EmulatorError
from emulator.runs import KEPT, begun


def run(state: Path, name: str, said: list[str] | None = None, exports: Path | None = None) -> None:
    """One run from beginning to end."""
    folder = state / f"run-{name}"
    with begun(folder, exports or folder / "exports", (said if said is not None else []).append):
        (folder / "logs").mkdir()
        (folder / "logs" / "gps.log").write_text("…")


def names(state: Path) -> list[str]:
    return sorted(path.name for path in state.glob("run-*"))


def test_the_newest_runs_stay(tmp_path: Path) -> None:
    said: list[str] = []
    for number in range(KEPT + 3):
        run(tmp_path, str(number), said)
    assert names(tmp_path) == [f"run-{number}" for number in range(3, KEPT + 3)]
    assert said == []


def test_a_run_that_is_on_stays_however_old_it_is(tmp_path: Path) -> None:
    with begun(tmp_path / "run-0", tmp_path / "run-0" / "exports", print):
        for number in range(1, KEPT + 3):
            run(tmp_path, str(number))
        assert "run-0" in names(tmp_path)
        assert "run-1" not in names(tmp_path)
    run(tmp_path, "9")
    assert "run-0" not in names(tmp_path)


def test_what_a_run_exports_to_stays(tmp_path: Path) -> None:
    for number in range(KEPT + 2):
        run(tmp_path, str(number), exports=tmp_path / "run-0" / "exports")
    assert "run-0" in names(tmp_path)


def test_a_folder_that_no_run_has_marked_stays(tmp_path: Path) -> None:
    (tmp_path / "run-").mkdir()
    for number in range(KEPT + 2):
        run(tmp_path, str(number))
    assert "run-" in names(tmp_path)


def test_what_cannot_be_deleted_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Path) -> None:
        raise PermissionError(13, "Permission denied", "run-0/logs")

    monkeypatch.setattr(shutil, "rmtree", refused)
    said: list[str] = []
    for number in range(KEPT + 1):
        run(tmp_path, str(number), said)
    assert said == ["an old run could not be cleared away: run-0/logs: Permission denied"]


def test_a_place_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmulatorError, match=r"file/exports cannot be made: Not a directory"):
        run(tmp_path, "0", exports=tmp_path / "file" / "exports")


def test_tests_have_a_state_folder_of_their_own() -> None:
    assert runs.state_folder() != Path(runs.__file__).resolve().parent.parent / ".fleetline"
