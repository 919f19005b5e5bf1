"""A line that stands in one place and lacks in another is named before anything starts."""

from pathlib import Path

import pytest

from emulator import line_table
from emulator.errors import EmulatorError
from emulator.plant import Plant
from functions import lines
from infra import plant


def test_the_tables_agree() -> None:
    line_table.check()


def test_a_line_the_plant_table_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(lines.LINES, "tyres", lines.LINES["gps"])
    with pytest.raises(EmulatorError, match=r"^LINES in infra/plant\.py lacks tyres: "):
        line_table.check()


def test_a_line_without_its_module_and_entry_point_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plant, "LINES", (*plant.LINES, "tyres"))
    monkeypatch.setattr(plant, "FUNCTIONS", (*plant.FUNCTIONS, plant.Function("tyres", topic="tyres")))
    with pytest.raises(EmulatorError, match=r"functions/lines/__init__\.py lacks tyres; main\.py lacks tyres: "):
        line_table.check()


def test_no_plant_is_begun_then(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(line_table, "MAIN", tmp_path / "main.py")
    (tmp_path / "main.py").write_text("")
    with pytest.raises(EmulatorError, match=r"main\.py lacks gps, temperature"):
        Plant("embedded")
