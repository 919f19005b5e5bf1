"""`python3 -m tests`: every check this project has, each with a heading, in a .venv it sets up by itself."""

import argparse
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from emulator import environment

ROOT = Path(__file__).resolve().parent.parent
QUICK = ("tests/unit", "tests/property")
EXAMPLES = """\
examples:
  python3 -m tests                    everything that takes seconds
  python3 -m tests --quick            under a minute: static checks, unit and property tests
  python3 -m tests --full             the tests that take minutes too
  python3 -m tests -k courier -x      what follows goes to pytest
  python3 -m tests --backend embedded tests/conformance
"""


class Check(NamedTuple):
    """One command, and what it is called."""

    name: str
    command: list[str]


class Counted(NamedTuple):
    """Tests by what became of them."""

    passed: int
    failed: int
    skipped: int


def main() -> int:
    options, pytest_arguments = _arguments().parse_known_args()
    try:
        environment.ensure("tests", ["-m", "tests", *sys.argv[1:]])
        return _run(options.quick, options.full, pytest_arguments)
    except environment.EnvironmentProblem as problem:
        print(f"tests: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _run(quick: bool, full: bool, pytest_arguments: Sequence[str]) -> int:
    """All checks, however many fail; the last line counts tests, with failed static checks among the failures."""
    failed = [check.name for check in _static_checks() if not _passes(check)]
    counted, pytest_status = _tested(quick, full, pytest_arguments)
    _head("summary")
    for name in failed:
        print(f"failed: {name}")
    if pytest_status:
        print("failed: pytest")
    if not failed and not pytest_status:
        print("everything passed")
    failures = counted.failed + len(failed)
    if pytest_status and not counted.failed:
        failures += 1  # it did not even come to testing
    skipped = f", {counted.skipped} skipped" if counted.skipped else ""
    print(f"{counted.passed} passed, {failures} failed{skipped}")
    return 1 if failures else 0


def _static_checks() -> list[Check]:
    return [
        Check("ruff format", _tool("ruff", "format", "--check", ".")),
        Check("ruff check", _tool("ruff", "check", ".")),
        Check("mypy", _tool("mypy")),
        Check("lint-imports", _tool("lint-imports")),
    ]


def _tested(quick: bool, full: bool, arguments: Sequence[str]) -> tuple[Counted, int]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", f"--junitxml={report}", *arguments]
        named = any((ROOT / argument.split("::")[0]).exists() for argument in arguments)
        if quick and not named:
            command += [folder for folder in QUICK if (ROOT / folder).is_dir()]
        if full:
            command.append("--full")
        _head("pytest")
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        return _counted(report), status


def _counted(report: Path) -> Counted:
    if not report.exists():
        return Counted(0, 0, 0)
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    tests, failures, errors, skipped = (
        sum(int(suite.get(name, 0)) for suite in suites) for name in ("tests", "failures", "errors", "skipped")
    )
    return Counted(max(0, tests - failures - errors - skipped), failures + errors, skipped)


def _passes(check: Check) -> bool:
    _head(check.name)
    return subprocess.run(check.command, cwd=ROOT, check=False).returncode == 0


def _tool(name: str, *arguments: str) -> list[str]:
    return [str(Path(sys.executable).parent / name), *arguments]


def _head(name: str) -> None:
    print(f"\n== {name} · {time.strftime('%H:%M:%S')}", flush=True)


def _arguments() -> argparse.ArgumentParser:
    description = "Format, lint, types, imports and tests. Arguments it does not know go to pytest."
    parser = argparse.ArgumentParser(
        "python3 -m tests",
        description=textwrap.fill(description, 100),
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--quick", action="store_true", help="under a minute: static checks, unit and property tests")
    parser.add_argument("--full", action="store_true", help="tests that take minutes too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
