"""The production lines, one file each; LINES is the ordered table a new line joins with one row."""

from typing import Any

from functions.core.line import Line
from functions.lines import gps, inventory, maintenance, temperature

LINES: dict[str, Line[Any, Any]] = {
    line.name: line for line in (gps.LINE, temperature.LINE, maintenance.LINE, inventory.LINE)
}
