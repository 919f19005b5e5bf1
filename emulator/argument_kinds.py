"""What an argument may be: each turns text into a value, or says what is wrong with it. Standard library only."""

import argparse
import re
from math import inf, nan
from pathlib import Path

WEEK_MIN = 7 * 24 * 60


def minutes(text: str) -> float:
    if positive(text) > WEEK_MIN:
        raise argparse.ArgumentTypeError(f"{text} is more than a week ({WEEK_MIN:,})")
    return float(text)


def positive(text: str) -> float:
    if not 0 < _number(text) < inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return float(text)


def not_negative(text: str) -> float:
    if not 0 <= _number(text) < inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 0 or more")
    return float(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return nan


def speed(text: str) -> float | None:
    return None if text == "max" else positive(text)


def new_file(text: str) -> Path:
    """A file that will be written: it is late to find at the end of a run that it cannot be."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder, not a file to write")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent} to write into")
    return path


def vehicle(text: str) -> str:
    """No vehicle can have another id, and a slash in it would lead elsewhere."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:-]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no vehicle id: letters, digits and ._:- only")
    return text


def count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def instances(text: str) -> dict[str, int]:
    found = {}
    for pair in text.split(","):
        name, _, count = pair.partition("=")
        if not count.isdigit() or int(count) < 1:
            raise argparse.ArgumentTypeError(f"{pair!r} is not NAME=N")
        found[name] = int(count)
    return found
