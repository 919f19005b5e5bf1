"""The CEO hires exactly whom the plant table names, and importing it costs no role more than it needs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from functions.lines import LINES
from infra import plant

ROOT = Path(__file__).resolve().parents[2]


def entry_points() -> dict[str, str]:
    """Name of each entry point in main.py, and the decorator that says what calls it."""
    tree = ast.parse((ROOT / "main.py").read_text())
    functions = [node for node in tree.body if isinstance(node, ast.AsyncFunctionDef)]
    return {node.name: ast.unparse(node.decorator_list[0]) for node in functions}


def test_main_has_an_entry_point_for_every_function_of_the_plant_and_no_other() -> None:
    expected = {function.name: "cloud_event" if function.topic else "http" for function in plant.FUNCTIONS}
    assert entry_points() == expected


def test_every_line_has_its_topic_and_its_function() -> None:
    assert set(LINES) == set(plant.LINES)
    assert {function.name for function in plant.FUNCTIONS if function.topic in plant.LINES} == set(LINES)


def test_every_trigger_is_a_topic_with_a_place_for_its_dead_letters() -> None:
    topics = {topic.name for topic in plant.TOPICS}
    triggers = {function.topic for function in plant.FUNCTIONS if function.topic}
    assert triggers <= topics
    assert {plant.dead_letter_topic(trigger) for trigger in triggers} <= topics


@pytest.mark.parametrize("module", ["pandas", "pyarrow", "shapely", "functions.roles"])
def test_a_cold_start_imports_nothing_that_only_some_roles_need(module: str) -> None:
    code = f"import sys, main; sys.exit(any(f'{{name}}.'.startswith('{module}.') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
