"""What the README tells people to write works as it stands there."""

import asyncio
import importlib.util
import json
import re
import shlex
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from emulator import arguments, profiles
from functions.core.cargo import CARGOS, Cargo
from functions.core.excursion import said
from functions.core.line import Line
from functions.core.ports import Message
from functions.core.profile import Profile
from functions.core.profile_fields import profile_of
from functions.lines import LINES
from functions.roles.director import Director
from functions.tally import Tally
from tests.memory import MemoryBus, MemoryProfiles, MemoryStore

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


def section(heading: str) -> str:
    """What stands under a heading."""
    return README.split(f"## {heading}\n")[1].split("\n## ")[0]


def block(heading: str, language: str = "python") -> str:
    """The first code block of a language under a heading."""
    found = re.search(rf"```{language}\n(.*?)```", section(heading), re.DOTALL)
    assert found, f"no {language} under {heading}"
    return found[1]


@pytest.fixture
def module(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ModuleType]:
    """The code block under the heading the test names, as a module."""
    path = tmp_path / "readme_example.py"
    path.write_text(block(request.param))
    spec = importlib.util.spec_from_file_location("readme_example", path)
    assert spec
    assert spec.loader
    example = importlib.util.module_from_spec(spec)
    sys.modules["readme_example"] = example
    spec.loader.exec_module(example)
    yield example
    del sys.modules["readme_example"]


def directed(
    line: Line[Any, Any], *events: dict[str, Any], own: dict[str, Profile] | None = None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The face of the vehicle's worker, and all that was published, after these events and much later ones."""
    store, bus = MemoryStore(), MemoryBus()

    async def direct() -> None:
        director = Director(line, store, bus, MemoryProfiles(own), Tally(lambda: 0.0))
        for number, event in enumerate(events):
            await director.take(Message(str(number), json.dumps(event).encode(), NOW))

    asyncio.run(direct())
    (document,) = [found for path, found in store.documents.items() if "/workers/" in path]
    return document.fields, bus.rows


@pytest.mark.parametrize("module", ["Add a production line"], indirect=True)
def test_the_line_of_the_readme_takes_events(module: ModuleType) -> None:
    event = {"vehicle_id": "bus-7", "event_time": NOW.isoformat(), "wheel": "front left", "pressure_kpa": 820}
    face, rows = directed(module.LINE, event, event, {**event, "pressure_kpa": "much"})
    assert face["pressure_kpa"] == {"front left": 820.0}
    assert [row["pclass"] for row in rows] == ["pressures", "pressures", "quarantined"]
    assert len({row["product_id"] for row in rows}) == 2
    assert rows[2]["reason"] == "pressure_kpa: 'much': must be a number from 0 to 2,000"


@pytest.mark.parametrize("module", ["Replace a step"], indirect=True)
def test_the_step_of_the_readme_adds_its_event(module: ModuleType) -> None:
    def fix(second: int, altitude_m: float) -> dict[str, Any]:
        at = NOW.timestamp() - 3600 + second
        return {"vehicle_id": "bus-7", "event_time": at, "latitude": 47, "longitude": 11, "altitude_m": altitude_m}

    _, rows = directed(module.GPS, fix(0, 1_900), fix(1, 2_100), *(fix(second, 500) for second in range(200, 300)))
    events = [row for row in rows if row["pclass"] == "events"]
    assert [(row["kind"], row["altitude_m"]) for row in events] == [("high_up", 2_100)]


def test_the_profile_of_the_readme_is_one_that_can_be_loaded(tmp_path: Path) -> None:
    file = tmp_path / "profiles.json"
    file.write_text(block("Settings of a vehicle", "json"))
    fields = profiles.read(file)["van-7"]
    assert profile_of(fields).route is not None
    assert isinstance(fields["geofences"], str)


def test_the_cargo_profiles_of_the_readme_are_those_of_the_code() -> None:
    table = [line for line in section("Settings of a vehicle").splitlines() if re.match(r"\| `\w+` \|", line)]
    assert table[1:] == [in_words(cargo) for cargo in CARGOS.values()]


def in_words(cargo: Cargo) -> str:
    """A cargo as a row of the README."""
    low, high = cargo.low, cargo.high
    within = [f"{'>' if low.reached else '≥'} {low.limit:.4g}"] if low else []
    within += [f"{'<' if high.reached else '≤'} {high.limit:.4g}"] if high else []
    warm, cold = ("; ".join(said(rule, side.sign) for rule in side.rules) if side else "–" for side in (high, low))
    days = "24 h" if cargo.mkt_days == 1 else f"{cargo.mkt_days} days"
    mkt = f"> {cargo.mkt_limit_c:g} over {days}" if cargo.mkt_limit_c else "–"
    return f"| `{cargo.name}` | {', '.join(within)} | {warm} | {cold} | {mkt} |"


def test_the_alert_of_the_readme_has_the_id_that_is_acknowledged_there(tmp_path: Path) -> None:
    text = section("Alerts and commands")
    (file,) = re.findall(r"echo '(.*)' > profiles.json", text)
    (tmp_path / "profiles.json").write_text(file)
    own = {name: profile_of(fields) for name, fields in profiles.read(tmp_path / "profiles.json").items()}
    (events,) = re.findall(r"publish temperature '(.*?)'", text, re.DOTALL)
    _, rows = directed(LINES["temperature"], *json.loads(events), own=own)
    (alert,) = [row for row in rows if "alert_id" in row]
    assert (alert["kind"], alert["status"]) == ("temperature_high", "open")
    named = re.findall(r"alerts (?:ack|snooze|close) (\w+)", text)
    assert [alert["alert_id"].startswith(beginning) for beginning in named] == [True] * 3


@pytest.mark.parametrize("line", re.findall(r"^python3 -m emulator .*?$(?:\n  .*?$)*", README, re.MULTILINE))
def test_every_command_of_the_readme_is_one(line: str) -> None:
    arguments.parser().parse_args(shlex.split(line, comments=True)[3:] or ["demo"])
