"""The command line. Standard library only, so that --help answers before anything is installed."""

import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

from emulator import arguments, environment
from emulator.errors import EmulatorError


def main(command_line: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    given = list(sys.argv[1:] if command_line is None else command_line)
    options = arguments.parser().parse_args(given if _names_command(given) else ["demo", *given])
    try:
        environment.ensure("emulator", ["-m", "emulator", *given])
        os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # children are started while gRPC's threads run
        command = importlib.import_module(f"emulator.commands.{options.command.replace('-', '_')}")
        return _run(command.main(options))
    except (EmulatorError, environment.EnvironmentProblem) as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _run(work: Coroutine[Any, Any, int]) -> int:
    """Run to the end, or until Ctrl-C or SIGTERM: then everything is stopped, and the status is 130 or 143."""
    try:
        import uvloop  # type: ignore[import-not-found,unused-ignore]
    except ImportError:  # not on Windows
        factory = None
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(_stoppable(work))


async def _stoppable(work: Coroutine[Any, Any, int]) -> int:
    task = asyncio.create_task(work)
    received: list[int] = []

    def stop(number: int) -> None:
        if not received:  # once is enough: a second one would interrupt the stopping
            received.append(number)
            print("stopping", file=sys.stderr, flush=True)
            task.cancel()

    loop = asyncio.get_running_loop()
    if os.name == "posix":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not received:
            raise
        return 128 + received[0]


def _names_command(given: Sequence[str]) -> bool:
    return bool(given) and (not given[0].startswith("-") or given[0] in ("-h", "--help"))
