"""The command line. Standard library only, so that --help answers before anything is installed."""

import argparse
import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from emulator import environment
from emulator.errors import EmulatorError

DESCRIPTION = """\
The whole of Fleetline on this machine: Pub/Sub and Firestore, the functions that run in the cloud, what Eventarc and
Cloud Scheduler do, and a fleet to drive it. Without a command: demo.
"""
EXAMPLES = """\
examples:
  python3 -m emulator                                    a minute of 50 simulated vehicles
  python3 -m emulator demo --vehicles 500 --rate 1500    more of them, faster
  python3 -m emulator up                                 everything up until Ctrl-C, then in another terminal:
  python3 -m emulator publish gps '{"vehicle_id": "bus-7", "event_time": "2025-01-06T08:00:00Z",
                                    "latitude": 52.52, "longitude": 13.405, "speed_kph": 31}'
  python3 -m emulator state bus-7
  python3 -m emulator sample > day.jsonl && python3 -m emulator replay day.jsonl
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given if _names_command(given) else ["demo", *given])
    try:
        environment.ensure("emulator", ["-m", "emulator", *given])
        os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # children are started while gRPC's threads run
        command = importlib.import_module(f"emulator.commands.{options.command}")
        return _run(command.main(options))
    except (EmulatorError, environment.EnvironmentProblem) as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 1
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
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not received:
            raise
        return 128 + received[0]


def _names_command(given: Sequence[str]) -> bool:
    return bool(given) and (not given[0].startswith("-") or given[0] in ("-h", "--help"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python3 -m emulator",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    _add_demo(commands)
    return parser


def _add_demo(commands: Any) -> None:
    demo = _command(
        commands, "demo", "a simulated fleet drives for a while, with faults in it",
        "Everything up, a seeded fleet with faults (repeats, late lists, out of order, (0, 0), sentinel speeds, jumps, "
        "clocks ahead, silence, malformed events), a live table, a drain, a summary. Exit status 0 when every event "
        "that was published is in the exported files exactly once.",
    )  # fmt: skip
    demo.add_argument("--seconds", type=float, default=60.0, help="how long the fleet drives (60)")
    demo.add_argument("--vehicles", type=int, default=50, help="how many vehicles (50)")
    demo.add_argument("--rate", type=float, help="events per second of the whole fleet (one per vehicle)")
    demo.add_argument("--seed", type=int, default=1, help="the same seed gives the same drives and faults (1)")
    _plant_options(demo)
    _report_options(demo)


def _command(commands: Any, name: str, brief: str, description: str, examples: str = "") -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=brief, description=description, epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    return parser


def _plant_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--backend", choices=("auto", "google", "embedded"), default="auto",
        help="google: the Cloud SDK's emulators (need Java); embedded: Python only; auto: google where it can run",
    )  # fmt: skip
    parser.add_argument(
        "--instances", type=_instances, default={}, metavar="NAME=N,…", help="instances of a function, e.g. gps=2"
    )
    parser.add_argument("--exports", type=Path, metavar="DIR", help="where Parquet goes (a folder of this run's own)")


def _report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the figures of the run as JSON")
    parser.add_argument("--quiet", action="store_true", help="print the summary only")


def _instances(text: str) -> dict[str, int]:
    found = {}
    for pair in text.split(","):
        name, _, count = pair.partition("=")
        if not count.isdigit() or int(count) < 1:
            raise argparse.ArgumentTypeError(f"{pair!r} is not NAME=N")
        found[name] = int(count)
    return found
