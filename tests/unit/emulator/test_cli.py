"""The command line: it teaches before anything is installed, and says what is wrong."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from emulator import addresses, arguments, backends, environment, google_backend
from emulator.errors import EmulatorError

ROOT = Path(environment.__file__).resolve().parent.parent
COMMANDS = ("demo", "up", "replay", "sample", "publish", "state", "roster")


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_answers_without_any_installed_package(command: tuple[str, ...]) -> None:
    """-S leaves site-packages out: whatever is not in the standard library could not be imported."""
    found = subprocess.run(
        [sys.executable, "-S", "-m", "emulator", *command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert "usage: python3 -m emulator" in found.stdout


def test_a_reader_that_has_enough_ends_a_command_quietly() -> None:
    command = [sys.executable, "-m", "emulator", "sample", "--hours", "2"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as sample:
        assert sample.stdout
        assert sample.stderr
        assert sample.stdout.readline().startswith(b"{")
        sample.stdout.close()
        said = sample.stderr.read()
    assert (sample.returncode, said) == (0, b"")


def test_help_of_the_tests_answers_too() -> None:
    found = subprocess.run([sys.executable, "-S", "-m", "tests", "--help"], cwd=ROOT, capture_output=True, check=False)
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize(
    "line",
    [
        "nonsense", "replay", "replay x.jsonl --speed 0", "replay x.jsonl --speed fast", "replay x.jsonl --repeat 0",
        "demo --instances gps", "demo --instances gps=0", "demo --backend azure", "demo --vehicles -1", "publish gps",
        "demo --seconds 0", "demo --seconds -1", "demo --rate 0", "sample --hours -1", "replay x.jsonl --shuffle -1",
        "replay x.jsonl --line gpx", "alerts snooze 2b --minutes 0", "state a/b", "forget a/b",
        "demo --report /nowhere/r.json", "up --addresses /nowhere/a.json", "up --addresses .",
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        parsed(line)
    assert refusal.value.code == 2
    assert "error:" in capsys.readouterr().err


def parsed(line: str) -> argparse.Namespace:
    return arguments.parser().parse_args(line.split())


def test_options_become_what_commands_work_with() -> None:
    options = parsed("replay a.csv b.gpx --speed max --instances gps=2,stevedore=3")
    assert options.files == [Path("a.csv"), Path("b.gpx")]
    assert options.speed is None
    assert options.instances == {"gps": 2, "stevedore": 3}
    assert parsed("replay a.csv --speed 2.5").speed == 2.5


def test_without_an_sdk_the_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_backend, "_roots", lambda: iter(()))
    with pytest.raises(EmulatorError, match="Cloud SDK is not here"):
        google_backend.find()


def test_an_sdk_without_the_emulators_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "platform").mkdir()
    monkeypatch.setattr(google_backend, "_roots", lambda: iter((tmp_path,)))
    monkeypatch.setattr(google_backend, "_java", lambda: "java")
    with pytest.raises(EmulatorError) as missing:
        google_backend.find()
    assert "gcloud components install pubsub-emulator" in str(missing.value)
    assert "google-cloud-cli-pubsub-emulator" in str(missing.value)


def test_without_java_the_message_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "platform").mkdir()
    monkeypatch.setattr(google_backend, "_roots", lambda: iter((tmp_path,)))
    monkeypatch.setattr(google_backend.shutil, "which", lambda _: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EmulatorError, match="need Java"):
        google_backend.find()


def test_auto_takes_the_embedded_backend_where_google_s_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_backend, "_roots", lambda: iter(()))
    name, why = backends.chosen("auto")
    assert name == "embedded"
    assert "Cloud SDK is not here" in why
    with pytest.raises(EmulatorError):
        backends.chosen("google")


async def test_a_plant_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="start one with"):
        await addresses.running(tmp_path / "none.json")
    file = tmp_path / "addresses.json"
    file.write_text("[]")
    with pytest.raises(EmulatorError, match="does not hold"):
        await addresses.running(file)
    there = {"project": "p", "pubsub": "127.0.0.1:1", "firestore": "127.0.0.1:1", "functions": {}}
    file.write_text(json.dumps(there))
    with pytest.raises(EmulatorError, match="does not answer"):
        await addresses.running(file)


class TestEnvironment:
    """When .venv counts as filled."""

    @pytest.fixture(autouse=True)
    def _elsewhere(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.root = tmp_path
        (tmp_path / "emulator").mkdir()
        (tmp_path / "base.txt").write_text("one==1\n")
        (tmp_path / "emulator/requirements.txt").write_text("-r ../base.txt\ntwo==2\n")
        venv = tmp_path / ".venv"
        (venv / "bin").mkdir(parents=True)
        (venv / "bin/python").write_text("")
        sets = {"emulator": tmp_path / "emulator/requirements.txt", "tests": tmp_path / "base.txt"}
        state = tmp_path / ".fleetline"
        for name, value in {
            "ROOT": tmp_path, "VENV": venv, "STAMP": venv / "fleetline.json", "SETS": sets,
            "STATE": state, "LOG": state / "install.log",
        }.items():  # fmt: skip
            monkeypatch.setattr(environment, name, value)
        self.commands: list[list[str]] = []
        monkeypatch.setattr(environment, "_logged", lambda command, _: self.commands.append(command))
        monkeypatch.setattr(environment, "_enter", lambda _: None)

    def test_the_second_time_nothing_is_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(environment, "_python_works", lambda: True)
        environment.ensure("emulator", [])
        assert len(self.commands) == 1
        environment.ensure("emulator", [])
        assert len(self.commands) == 1

    def test_a_changed_requirement_is_installed_even_where_it_is_included(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(environment, "_python_works", lambda: True)
        environment.ensure("emulator", [])
        (self.root / "base.txt").write_text("one==1.1\n")
        environment.ensure("emulator", [])
        assert len(self.commands) == 2

    def test_the_tests_hold_what_the_emulator_needs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(environment, "_python_works", lambda: True)
        environment.ensure("tests", [])
        environment.ensure("emulator", [])
        assert len(self.commands) == 1

    def test_an_interrupted_install_is_done_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(environment, "_python_works", lambda: True)

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(environment, "_logged", interrupted)
            with pytest.raises(KeyboardInterrupt):
                environment.ensure("emulator", [])
        environment.ensure("emulator", [])
        assert len(self.commands) == 1

    def test_a_broken_or_other_python_is_made_anew(self) -> None:
        environment.ensure("emulator", [])
        assert self.commands[0][1:4] == ["-m", "venv", "--clear"]

    def test_a_python_without_venv_names_the_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(environment.importlib.util, "find_spec", lambda _: None)
        with pytest.raises(environment.EnvironmentProblem, match="python3-venv"):
            environment.ensure("emulator", [])

    def test_an_old_python_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(environment, "OLDEST", (9, 9))
        with pytest.raises(environment.EnvironmentProblem, match=r"Python 9\.9 or newer"):
            environment.ensure("emulator", [])
