"""The three places a production line stands in, held against one another before anything starts."""

import ast
from pathlib import Path

from emulator.errors import EmulatorError
from functions import lines
from infra import plant

MAIN = Path(__file__).resolve().parent.parent / "main.py"


def check() -> None:
    """EmulatorError names what one place lacks: found later, it is a plant that never comes up."""
    entries = {node.name for node in ast.parse(MAIN.read_text("utf-8")).body if isinstance(node, ast.AsyncFunctionDef)}
    lacking = {
        "LINES in functions/lines/__init__.py": [name for name in plant.LINES if name not in lines.LINES],
        "LINES in infra/plant.py": [name for name in lines.LINES if name not in plant.LINES],
        "main.py": [function.name for function in plant.FUNCTIONS if function.name not in entries],
    }
    faults = [f"{place} lacks {', '.join(names)}" for place, names in lacking.items() if names]
    if faults:
        raise EmulatorError(f"{'; '.join(faults)}: README.md says where a production line must stand")
