"""The project's own .venv: made by the running Python, filled from the requirements files, entered. Stdlib only.

Quick the second time: a stamp in .venv says which requirements it was filled from. It is removed before an install
and written after it, so that one that was interrupted is repaired by the next command.
"""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emulator.lock import locked

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "fleetline.json"
STATE = ROOT / ".fleetline"
LOG = STATE / "install.log"
LOG_TAIL_LINES = 20
SETS = {"emulator": ROOT / "emulator/requirements.txt", "tests": ROOT / "tests/requirements.txt"}
COVERS = {"emulator": ("emulator",), "tests": ("emulator", "tests")}
"""What is installed once a set is: the tests' holds the emulator's."""


class EnvironmentProblem(Exception):
    """What a person must mend before anything can run."""


def ensure(wanted: str, arguments: list[str]) -> None:
    """Make sure this process runs inside .venv with a set of requirements ("emulator" or "tests").

    Outside, it goes on inside with `arguments` for Python ("-m", "emulator", …) and does not return.
    """
    if sys.version_info < OLDEST:
        raise EnvironmentProblem(f"Python {_dotted(OLDEST)} or newer is needed; this is {sys.version.split()[0]}")
    if not _is_filled(wanted):
        with _alone():
            if not _is_filled(wanted):
                _fill(wanted)
    if not _inside():
        _enter(arguments)


def _inside() -> bool:
    return Path(sys.prefix).resolve() == VENV.resolve()


def _python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _is_filled(wanted: str) -> bool:
    stamp = _stamp()
    return stamp.get("python") == _dotted(sys.version_info[:2]) and stamp.get(wanted) == _hash(wanted)


def _stamp() -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return found if _python().exists() else {}


def _hash(wanted: str) -> str:
    """Of the requirements file and of those it includes."""
    digest = hashlib.sha256()
    for path in _files(SETS[wanted]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    yield path
    for line in path.read_text().splitlines():
        if line.startswith("-r "):
            yield from _files((path.parent / line[3:].strip()).resolve())


@contextmanager
def _alone() -> Iterator[None]:
    """One command at a time installs; the others wait, and find it done."""
    STATE.mkdir(exist_ok=True)
    with (STATE / "install.lock").open("w") as lock:
        if not locked(lock):
            _tell("another command is setting up .venv; waiting for it")
            locked(lock, wait=True)
        yield


def _fill(wanted: str) -> None:
    kept = _stamp()
    same_python = kept.get("python") == _dotted(sys.version_info[:2])
    STAMP.unlink(missing_ok=True)
    if not _inside() and not (_python_works() and (same_python or not kept)):
        _make()
    _tell(f"installing what {wanted} needs into .venv (once; details in {LOG.relative_to(ROOT)})")
    pip = [str(_python()), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    _logged([*pip, "--requirement", str(SETS[wanted])], "installing")
    stamp = {name: kept[name] for name in SETS if name in kept and same_python}
    stamp |= {"python": _dotted(sys.version_info[:2])} | {name: _hash(name) for name in COVERS[wanted]}
    STAMP.write_text(json.dumps(stamp, indent=1))


def _python_works() -> bool:
    """Whether .venv holds this very Python, with pip (an interrupted one may lack either)."""
    check = "import pip, sys; print('%d.%d' % sys.version_info[:2])"
    try:
        found = subprocess.run([_python(), "-c", check], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return found.returncode == 0 and found.stdout.strip() == _dotted(sys.version_info[:2])


def _make() -> None:
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise EnvironmentProblem(
            "this Python cannot make a virtual environment: its venv module comes in a package of its own "
            f"(Debian and Ubuntu: `apt install python3-venv`, or python{_dotted(sys.version_info[:2])}-venv)"
        )
    _tell(f"making .venv with Python {sys.version.split()[0]}")
    _logged([sys.executable, "-m", "venv", "--clear", str(VENV)], "making .venv")


def _logged(command: list[str], doing: str) -> None:
    """Run a command, its output to the log, what it is at on the terminal; a failure shows the end of the log."""
    started_s = time.monotonic()
    with LOG.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        progress = _Progress(doing)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                log.flush()
                progress.at(line)
        except BaseException:
            process.terminate()
            raise
        finally:
            progress.close()
            status = process.wait()
    if status != 0:
        tail = "\n".join(LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:])
        raise EnvironmentProblem(f"{doing} failed (exit status {status}); the end of {LOG}:\n{tail}")
    _tell(f"{doing}: done in {time.monotonic() - started_s:.0f} s")


class _Progress:
    """What pip is at: one line redrawn on a terminal, else a line now and then."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._redraws = sys.stderr.isatty()
        self._started_s = time.monotonic()
        self._steps = 0
        self._now = "starting"
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._ticker.start()

    def at(self, line: str) -> None:
        words = line.split()
        if words and words[0] in ("Collecting", "Downloading", "Using", "Building", "Installing"):
            self._steps += words[0] == "Collecting"
            self._now = " ".join(words[:2]) if words[0] != "Installing" else "Installing them"

    def close(self) -> None:
        self._over.set()
        self._ticker.join()
        if self._redraws:
            sys.stderr.write("\r\x1b[K")

    def _tick(self) -> None:
        while not self._over.wait(0.2 if self._redraws else 5.0):
            text = (
                f"  {self._doing} · {time.monotonic() - self._started_s:.0f} s · {self._steps} packages · {self._now}"
            )
            sys.stderr.write(f"\r{text[:110]}\x1b[K" if self._redraws else text + "\n")
            sys.stderr.flush()


def _enter(arguments: list[str]) -> None:
    """Go on inside .venv, as the same process where the system can."""
    command = [str(_python()), *arguments]
    if os.name == "nt":
        sys.exit(subprocess.run(command, check=False).returncode)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], command)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
