"""Child processes by id: started in a group of their own, kept running, logged to a file each, stopped for certain."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from emulator.errors import EmulatorError
from emulator.ports import answers

GRACE_S = 10.0
"""What Cloud Run gives a process between SIGTERM and SIGKILL."""
FIRST_RESTART_S = 0.1
SLOWEST_RESTART_S = 5.0
LASTING_S = 10.0
"""A child that lived this long is restarted at once; one that dies sooner, again and again, ever more slowly."""
LOG_TAIL_LINES = 15

Say = Callable[[str], None]
Ready = Callable[[str], Awaitable[bool]]


class Child:
    """One program under this parent's care."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path, cwd: Path | None
    ) -> None:
        self.name = name
        self.environment = dict(environment)
        self.log = log
        self.restarts = 0
        self.stopping = False
        self._command = list(command)
        self._cwd = cwd
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Id of the process, which is also that of its group; None when it is not running."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await _spawn(self._command, self.environment, log, self._cwd)

    async def ended(self) -> int:
        """Wait until it ends, and clear away what it left of its group."""
        assert self._process is not None
        status = await self._process.wait()
        _signal_group(self._process.pid, signal.SIGKILL)
        return status

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group (a function is a gunicorn master and its worker)."""
        if self.pid is not None:
            _signal_group(self.pid, number)

    async def stop(self) -> None:
        """End it for good: SIGTERM, a grace, SIGKILL."""
        self.stopping = True
        if self._process is None:
            return
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(GRACE_S):
                await self.ended()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.ended()

    def log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-LOG_TAIL_LINES:])


class Processes:
    """All children of one run. A child that dies by itself is started again, as Cloud Run would."""

    def __init__(self, log_folder: Path, say: Say) -> None:
        self._log_folder = log_folder
        self._say = say
        self._children: list[Child] = []
        self._keepers: dict[Child, asyncio.Task[None]] = {}

    async def __aenter__(self) -> "Processes":
        self._log_folder.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, the last started first in line: functions before the emulators they talk to."""
        for child in self._children:
            child.stopping = True
        functions = [child for child in self._children if child in self._keepers]
        rest = [child for child in self._children if child not in self._keepers]
        for group in (functions, rest):
            await asyncio.gather(*(self.stop(child) for child in reversed(group)))

    async def start(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        keep: bool = False,
        cwd: Path | None = None,
    ) -> Child:
        """Start a program; with `keep`, start it again whenever it dies."""
        child = Child(name, command, environment, self._log_folder / f"{name}.log", cwd)
        await child.start()
        self._children.append(child)
        if keep:
            self._keepers[child] = asyncio.create_task(self._keep(child), name=f"keeper of {name}")
        return child

    async def stop(self, child: Child) -> None:
        await child.stop()
        keeper = self._keepers.pop(child, None)
        if keeper is not None:
            await keeper
        if child in self._children:
            self._children.remove(child)

    async def until_ready(self, child: Child, host_port: str, limit_s: float, ready: Ready = answers) -> None:
        """Wait until a child serves; EmulatorError with the end of its log when it ends or takes too long."""
        try:
            async with asyncio.timeout(limit_s):
                while not await ready(host_port):
                    if child.pid is None and child not in self._keepers:
                        raise EmulatorError(
                            f"{child.name} ended while starting; the end of {child.log}:\n{child.log_tail()}"
                        )
                    await asyncio.sleep(0.05)
        except TimeoutError:
            late = f"{child.name} did not answer on {host_port} within {limit_s:.0f} s"
            raise EmulatorError(f"{late}; the end of {child.log}:\n{child.log_tail()}") from None

    async def _keep(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        pause_s = 0.0
        while not child.stopping:
            started_s = loop.time()
            status = await child.ended()
            if child.stopping:
                return
            pause_s = (
                0.0
                if loop.time() - started_s > LASTING_S
                else min(max(2 * pause_s, FIRST_RESTART_S), SLOWEST_RESTART_S)
            )
            self._say(f"{child.name} ended ({_ending(status)}) and is started again; its log: {child.log}")
            await asyncio.sleep(pause_s)
            if not child.stopping:
                child.restarts += 1
                await self._started_again(child)

    async def _started_again(self, child: Child) -> None:
        """Start it, however long this machine has no process or no memory to give."""
        while True:
            try:
                return await child.start()
            except OSError as error:
                self._say(f"{child.name} cannot be started again ({error}); trying on")
                await asyncio.sleep(SLOWEST_RESTART_S)


async def _spawn(
    command: Sequence[str], environment: Mapping[str, str], log: IO[bytes], cwd: Path | None
) -> asyncio.subprocess.Process:
    tethered = list(command)
    if sys.platform == "linux":
        tether = str(Path(__file__).with_name("tether.py"))
        tethered = [sys.executable, "-I", "-S", tether, str(os.getpid()), *command]
    return await asyncio.create_subprocess_exec(
        *tethered,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=log,
        stderr=asyncio.subprocess.STDOUT,
        cwd=cwd,
        start_new_session=True,
    )


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):  # gone already; macOS says "not permitted" of a dead group
        return


def _ending(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
