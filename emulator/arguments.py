"""The arguments of every command, and the help that teaches them. Standard library only."""

import argparse
import textwrap
from pathlib import Path
from typing import Any

from emulator import argument_kinds as kinds
from infra.plant import LINES

WIDTH = 79
DESCRIPTION = (
    "The whole of Fleetline on this machine: Pub/Sub and Firestore, the functions that run in the cloud, what Eventarc "
    "and Cloud Scheduler do, and a fleet to drive it. Without a command: demo."
)
PUBLISH = """\
  python3 -m emulator publish gps '{"vehicle_id": "bus-7", "latitude": 52.52,
    "event_time": "2025-01-06T08:00:00Z", "longitude": 13.405, "speed_kph": 31}'"""
EXAMPLES = f"""\
examples:
  python3 -m emulator                a minute of 50 simulated vehicles
  python3 -m emulator demo --vehicles 500 --rate 1500
                                     more of them, faster
  python3 -m emulator up             everything up until Ctrl-C; meanwhile:
{PUBLISH}
  python3 -m emulator state bus-7
  python3 -m emulator sample > day.jsonl && python3 -m emulator replay day.jsonl
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line; `command` names what is asked for."""
    whole = argparse.ArgumentParser(
        "python3 -m emulator",
        description=textwrap.fill(DESCRIPTION, WIDTH),
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = whole.add_subparsers(dest="command", metavar="command", required=True)
    _add_demo(commands)
    _add_up(commands)
    _add_replay(commands)
    _add_sample(commands)
    _add_publish(commands)
    _add_state(commands)
    _add_roster(commands)
    _add_alerts(commands)
    _add_lines(commands)
    _add_profiles(commands)
    _add_dead_letters(commands)
    _add_verify(commands)
    _add_forget(commands)
    _add_bench(commands)
    return whole


def _add_demo(commands: Any) -> None:
    demo = _command(
        commands, "demo", "a simulated fleet drives for a while, with faults in it",
        "Everything up, a seeded fleet on four lines, its profiles and contracts of 20 s, faults on every line "
        "(repeats, late lists, out of order, (0, 0), sentinel speeds, jumps, impossible temperatures, clocks ahead, "
        "silence, malformed events), a live table, a drain, and a summary with the faults injected and found. Exit "
        "status 0 when every event that was published is in the exported files exactly once.",
    )  # fmt: skip
    demo.add_argument(
        "--seconds", type=kinds.positive, default=60.0, metavar="N", help="how long the fleet drives (60)"
    )
    demo.add_argument("--vehicles", type=kinds.count, default=50, metavar="N", help="how many vehicles (50)")
    demo.add_argument(
        "--rate", type=kinds.positive, metavar="N", help="events per second of the whole fleet (about 1.3 per vehicle)"
    )
    demo.add_argument(
        "--seed", type=int, default=1, metavar="N", help="the same seed gives the same drives and faults (1)"
    )
    _plant_options(demo)
    _report_options(demo)


def _add_up(commands: Any) -> None:
    up = _command(
        commands, "up", "everything up until Ctrl-C",
        "Everything up until Ctrl-C or SIGTERM. Prints the variables Google's own tools and libraries read, and writes "
        "all addresses as JSON: project, pubsub, firestore, dashboard, functions {name: url}.",
        "example, with plain gcloud against it:\n"
        "  CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB=http://$PUBSUB_EMULATOR_HOST/ \\\n"
        "    gcloud pubsub topics publish gps --project=fleetline --message='{…}'",
    )  # fmt: skip
    up.add_argument("--addresses", type=kinds.new_file, metavar="FILE", help="write the addresses here too")
    up.add_argument("--quiet", action="store_true", help="print nothing")
    _plant_options(up)


def _add_replay(commands: Any) -> None:
    replay = _command(
        commands, "replay", "recorded events from JSON Lines, CSV or GPX",
        "Everything up, the events of files in file order, a drain, a summary. JSON Lines: one event a line, with its "
        '"line" ({"line": "gps", "vehicle_id": …}). CSV: columns named like the fields of events, `line` among them or '
        "--line. GPX: track points become gps events of a vehicle called like the file. All may be gzipped.",
        "examples:\n  python3 -m emulator replay day.jsonl --report r.json\n"
        "  python3 -m emulator replay drive.gpx --speed 10\n"
        "  python3 -m emulator replay day.csv.gz --shuffle 60 --repeat 2",
    )  # fmt: skip
    replay.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a recording")
    replay.add_argument(
        "--speed",
        type=kinds.speed,
        default=None,
        metavar="N|max",
        help="times real time, or as fast as answered (max)",
    )
    replay.add_argument(
        "--line", choices=LINES, default="gps", metavar="LINE", help="the line of events that name none (gps)"
    )
    replay.add_argument(
        "--shuffle",
        type=kinds.not_negative,
        default=0.0,
        metavar="SECONDS",
        help="disorder: delay each event by up to so much",
    )
    replay.add_argument("--repeat", type=kinds.count, default=1, metavar="N", help="publish everything N times (1)")
    replay.add_argument("--seed", type=int, default=1, metavar="N", help="of --shuffle (1)")
    _plant_options(replay)
    _report_options(replay)


def _add_sample(commands: Any) -> None:
    sample = _command(
        commands, "sample", "print a seeded day of events to replay",
        "Prints events of all lines as JSON Lines: a fix every 30 s and vehicle, each probe every 2 min, maintenance "
        "every 6 min, inventory on change; faults included. The same seed prints the same.",
        "example:\n  python3 -m emulator sample --vehicles 3 --hours 2 > day.jsonl",
    )  # fmt: skip
    sample.add_argument("--vehicles", type=kinds.count, default=10, metavar="N", help="how many vehicles (10)")
    sample.add_argument("--hours", type=kinds.positive, default=24.0, metavar="N", help="how many hours (24)")
    sample.add_argument("--seed", type=int, default=1, metavar="N", help="of the drives and faults (1)")
    sample.add_argument("--line", choices=LINES, metavar="LINE", help="events of this line only")


def _add_publish(commands: Any) -> None:
    publish = _command(
        commands, "publish", "one message to a running plant",
        "Publishes one event, or a JSON list of them, to a line of a plant that `up` started; - reads standard input. "
        "To `replies` goes what a vehicle or workshop answers to a command.",
        f"example:\n{PUBLISH}",
    )  # fmt: skip
    publish.add_argument("line", metavar="LINE", help="gps, …; or replies")
    publish.add_argument("payload", metavar="JSON", help="the message, or - for standard input")
    _plant_asked(publish)


def _add_state(commands: Any) -> None:
    state = _command(commands, "state", "what a vehicle's workers know", "Reads one vehicle's workers from Firestore.")
    state.add_argument("vehicle", type=kinds.vehicle, metavar="VEHICLE", help="its id")
    state.add_argument("--json", action="store_true", help="every field, memory in base64")
    _plant_asked(state)


def _add_roster(commands: Any) -> None:
    roster = _command(
        commands, "roster", "all workers that are employed", "Reads workers under contract from Firestore."
    )
    roster.add_argument("--all", action="store_true", help="those whose contract has ended too")
    roster.add_argument("--limit", type=kinds.count, default=100, metavar="N", help="rows to show (100)")
    _addresses_option(roster)


def _add_alerts(commands: Any) -> None:
    alerts = _command(
        commands, "alerts", "what is wrong, who was told, who sees to it",
        "Lists alerts, newest first, with a receipt for everybody who was told; ack, snooze and close change one, "
        "named by the beginning of its id. Every change keeps who, when and why.",
        "examples:\n  python3 -m emulator alerts --open --kind temperature_high\n"
        '  python3 -m emulator alerts ack 3f2a91 --comment "calling the driver"\n'
        "  python3 -m emulator alerts snooze 3f2a91 --minutes 30\n"
        '  python3 -m emulator alerts close 3f2a91 --reason "faulty sensor"',
    )  # fmt: skip
    alerts.add_argument("--open", action="store_true", help="only those that nobody and nothing has closed")
    alerts.add_argument("--kind", metavar="K", help="only of this kind")
    alerts.add_argument("--vehicle", metavar="V", help="only of this vehicle")
    alerts.add_argument("--limit", type=kinds.count, default=100, metavar="N", help="how many at most (100)")
    alerts.add_argument("--json", action="store_true", help="every field")
    _plant_asked(alerts)
    actions = alerts.add_subparsers(dest="action", metavar="action")
    ack = actions.add_parser("ack", help="somebody sees to it: nobody else is called")
    ack.add_argument("--comment", default="", help="what is being done")
    snooze = actions.add_parser("snooze", help="nobody is told for a while; then a reminder")
    snooze.add_argument("--minutes", type=kinds.minutes, required=True, metavar="N", help="how long, a week at most")
    snooze.add_argument("--comment", default="", help="why")
    close = actions.add_parser("close", help="final for this episode, whatever its vehicle still says")
    close.add_argument("--reason", required=True, help="faulty sensor, …")
    for action in (ack, snooze, close):
        action.add_argument("id", metavar="ID", help="the alert's id, or how it begins")
        action.add_argument("--by", metavar="NAME", help="who does it (you)")
        action.add_argument("--addresses", type=Path, metavar="FILE", default=argparse.SUPPRESS, help="as for alerts")
        action.add_argument("--project", metavar="ID", default=argparse.SUPPRESS, help="as for alerts")


def _add_lines(commands: Any) -> None:
    lines = _command(
        commands, "lines", "every line with its workers and backlog",
        "Workers by status and their readings from Firestore, unanswered messages from the courier.",
    )  # fmt: skip
    _addresses_option(lines)


def _add_profiles(commands: Any) -> None:
    profiles = _command(
        commands, "profiles", "settings of vehicles, from a file into a running plant",
        "Checks the profiles of a JSON object keyed by vehicle id, all of them before it writes any, sets each setting "
        "over the one before, and tells the functions, which read them within half a minute.",
        "example:\n  python3 -m emulator profiles fleet.json --project my-fleet",
    )  # fmt: skip
    profiles.add_argument("file", type=Path, metavar="FILE")
    _plant_asked(profiles)


def _add_dead_letters(commands: Any) -> None:
    dead = _command(
        commands, "dead-letters", "messages that failed too often; publish them again",
        "Shows the messages that no function could be made to take in 100 deliveries; they are kept for a week. With "
        "--again they are published to their topic again, once the cause is mended: what had got through is a repeat.",
        "examples:\n  python3 -m emulator dead-letters\n  python3 -m emulator dead-letters gps --again",
    )  # fmt: skip
    dead.add_argument("topic", nargs="?", metavar="TOPIC", help="of this topic only: gps, …, transportation, alerts")
    dead.add_argument("--again", action="store_true", help="publish them again")
    dead.add_argument("--limit", type=kinds.count, default=1000, metavar="N", help="how many of a topic at most (1000)")
    _plant_asked(dead)


def _add_verify(commands: Any) -> None:
    verify = _command(
        commands, "verify", "check the chain of exports",
        "Every manifest holds the hash of the one before, every file has the hash and the rows its manifest says, no "
        "product stands in two files. Of a running plant, the hashes that Firestore keeps are compared too. Exit "
        "status 1 when anything is wrong.",
        "example, of a run that is over:\n  python3 -m emulator verify --exports .fleetline/run-…/exports",
    )  # fmt: skip
    verify.add_argument("--exports", type=Path, metavar="DIR", help="the export folder (that of the running plant)")
    _addresses_option(verify)


def _add_forget(commands: Any) -> None:
    forget = _command(
        commands, "forget", "erase a vehicle's traces",
        "Deletes a vehicle's profile, workers, alerts and commands, and rewrites every exported file without it. The "
        "chain stays whole: an export of its own says which files changed.",
    )  # fmt: skip
    forget.add_argument("vehicle", type=kinds.vehicle, metavar="VEHICLE", help="its id")
    _addresses_option(forget)


def _add_bench(commands: Any) -> None:
    bench = _command(
        commands, "bench", "how fast the director takes events here",
        "Posts messages straight to a running gps function, commits confirmed by Firestore: single events and lists, "
        "many vehicles and few. Medians of several rounds, and the function's processor time for each reading.",
    )  # fmt: skip
    bench.add_argument("--rounds", type=kinds.count, default=5, metavar="N", help="how often each load is measured (5)")
    bench.add_argument(
        "--readings", type=kinds.count, default=20_000, metavar="N", help="readings of each load and round (20000)"
    )
    bench.add_argument("--backend", choices=("auto", "google", "embedded"), default="auto", help="as for demo")
    _report_options(bench)


def _plant_asked(parser: argparse.ArgumentParser) -> None:
    """For commands that need Pub/Sub and Firestore alone, so that a deployed plant will do."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--addresses", type=Path, metavar="FILE", help="of which plant (the one that came up last)")
    either.add_argument(
        "--project", metavar="ID", help="of the plant deployed there, with this machine's Google credentials"
    )


def _addresses_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--addresses", type=Path, metavar="FILE", help="of which plant (the one that came up last)")


def _command(commands: Any, name: str, brief: str, description: str, examples: str = "") -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=brief,
        description=textwrap.fill(description, WIDTH),
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _plant_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--backend", choices=("auto", "google", "embedded"), default="auto",
        help="google: the Cloud SDK's emulators (need Java); embedded: Python only; auto: google where it can run",
    )  # fmt: skip
    parser.add_argument(
        "--instances", type=kinds.instances, default={}, metavar="NAME=N,…", help="instances of a function, e.g. gps=2"
    )
    parser.add_argument(
        "--exports",
        type=Path,
        metavar="DIR",
        help="where Parquet goes (a folder of this run's own; the newest five stay)",
    )
    parser.add_argument(
        "--profiles", type=Path, metavar="FILE", help="settings of vehicles: a JSON object keyed by vehicle id"
    )


def _report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--report", type=kinds.new_file, metavar="FILE", help="write the figures of the run as JSON")
    parser.add_argument("--quiet", action="store_true", help="print the summary only")
