"""Children: kept running, stopped for certain with everything they started, and gone when their parent is."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from emulator import processes
from emulator.errors import EmulatorError
from emulator.ports import HOST, free_port
from emulator.processes import Child, Processes

PYTHON = [sys.executable, "-c"]
SLEEPS = [*PYTHON, "import time; print('up', flush=True); time.sleep(60)"]
IGNORES_SIGTERM = [*PYTHON, f"import signal; signal.signal(15, signal.SIG_IGN); {SLEEPS[-1]}"]
HAS_A_CHILD = [
    *PYTHON,
    f"import subprocess; print(subprocess.Popen({SLEEPS}, stdout=-3).pid, flush=True); {SLEEPS[-1]}",
]


@pytest.fixture
async def children(tmp_path: Path) -> AsyncIterator[Processes]:
    async with Processes(tmp_path / "logs", lambda _: None) as found:
        yield found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 it lives in another process
            await asyncio.sleep(0.02)


async def until_logged(child: Child) -> str:
    """What the child said first."""
    await until(lambda: bool(child.log_tail()))
    return child.log_tail().splitlines()[0]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


async def until_gone(pid: int) -> None:
    await until(lambda: not alive(pid))


async def test_output_goes_to_a_log_file_of_its_own(children: Processes, tmp_path: Path) -> None:
    child = await children.start("sleeper", SLEEPS, {})
    assert await until_logged(child) == "up"
    assert child.log == tmp_path / "logs/sleeper.log"


async def test_a_child_that_is_killed_is_started_again(children: Processes) -> None:
    child = await children.start("sleeper", SLEEPS, {}, keep=True)
    await until_logged(child)
    first = child.pid
    child.signal(signal.SIGKILL)
    await until(lambda: child.restarts == 1 and child.pid not in (None, first))


async def test_what_a_killed_child_had_started_goes_with_it(children: Processes) -> None:
    child = await children.start("parent", HAS_A_CHILD, {}, keep=True)
    grandchild = int(await until_logged(child))
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)  # the child alone, not its group
    await until_gone(grandchild)


async def test_stopping_ends_the_whole_group(children: Processes) -> None:
    child = await children.start("parent", HAS_A_CHILD, {}, keep=True)
    grandchild = int(await until_logged(child))
    await children.stop(child)
    assert child.pid is None
    await until_gone(grandchild)


async def test_a_child_that_ignores_sigterm_is_killed(children: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE_S", 0.2)
    child = await children.start("stubborn", IGNORES_SIGTERM, {}, keep=True)
    await until_logged(child)
    async with asyncio.timeout(5):
        await children.stop(child)
    assert child.pid is None


async def test_a_child_that_ends_while_starting_is_reported_with_its_last_words(children: Processes) -> None:
    child = await children.start("broken", [sys.executable, "-c", "raise SystemExit('no such thing')"], {})
    with pytest.raises(EmulatorError, match="no such thing"):
        await children.until_ready(child, f"{HOST}:{free_port()}", 10)


async def test_a_child_that_never_answers_is_reported_after_a_while(children: Processes) -> None:
    child = await children.start("mute", SLEEPS, {})
    with pytest.raises(EmulatorError, match="did not answer"):
        await children.until_ready(child, f"{HOST}:{free_port()}", 0.3)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children whose parent was killed")
async def test_children_of_a_killed_parent_end(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom emulator.processes import Processes\n"
        "async def main():\n"
        f"    async with Processes(Path({str(tmp_path)!r}), print) as children:\n"
        "        child = await children.start('sleeper', [sys.executable, '-c', 'import time; time.sleep(60)'], {})\n"
        "        print(child.pid, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, cwd=Path(processes.__file__).parent.parent
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    await asyncio.sleep(0.2)
    parent.kill()
    await parent.wait()
    await until_gone(pid)
