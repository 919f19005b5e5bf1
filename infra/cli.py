"""`python3 -m infra`: the command line. Like all of infra it needs Python and gcloud, and nothing installed."""

import argparse
import re
import sys
from collections.abc import Sequence
from typing import TypeAlias

from infra import commands, cost, doctor
from infra.gcloud import CommandFailed
from infra.site import environments, site

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_EXAMPLES = """examples:
  python3 -m infra cost --vehicles 500 --interval 30                      what a month costs
  python3 -m infra doctor --project my-fleet                              what is missing before a first deploy
  python3 -m infra deploy --project my-fleet --region europe-west1        make the project what infra/plant.py says
  python3 -m infra deploy --project my-fleet --region europe-west1 --dry-run > deploy.sh
  python3 -m infra status --project my-fleet --region europe-west1        compare, change nothing
"""


def main(arguments: Sequence[str]) -> int:
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except CommandFailed as error:
        print(f"failed: {' '.join(error.command)}\n{error.text}\n{error.meaning}".rstrip(), file=sys.stderr)
        return 1
    except ValueError as error:  # the project was deployed as an environment that the file no longer has
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; what is done stays: the same command goes on from here", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m infra",
        description="Deploys Fleetline with gcloud from the plant table (infra/plant.py).",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_deploy(verbs)
    _add_status(verbs)
    _add_destroy(verbs)
    _add_cost(verbs)
    _add_doctor(verbs)
    return parser


def _add(verbs: Verbs, name: str, says: str, more: str) -> argparse.ArgumentParser:
    return verbs.add_parser(
        name,
        help=says,
        description=f"{says[0].upper()}{says[1:]}.\n\n{more}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _project_id(text: str) -> str:
    if not re.fullmatch(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no project id: 6 to 30 lower-case letters, digits and dashes")
    return text


def _above_zero(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def _region(text: str) -> str:
    if not re.fullmatch(r"[a-z]+-[a-z]+\d+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no region; one is europe-west1, all: gcloud run regions list")
    return text


def _add_site(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--project", required=True, type=_project_id, metavar="ID", help="id of the Google Cloud project"
    )
    command.add_argument(
        "--region",
        required=True,
        type=_region,
        metavar="NAME",
        help="region of everything, the database too, e.g. europe-west1",
    )
    names = environments()
    command.add_argument(
        "--environment",
        choices=names,
        help=f"settings of infra/environments.toml (default: as deployed before, the first time {names[0]})",
    )


def _add_deploy(verbs: Verbs) -> None:
    command = _add(
        verbs,
        "deploy",
        "make the project what the table says",
        "Lists what is there, once per kind; makes what is missing, changes what differs, leaves the rest, and says\n"
        "which. What it made for an earlier table and no row asks for now is named, and deleted with --prune.\n"
        "Keeps no state of its own: interrupted or failed, the same command goes on. Most of a first deploy is Google\n"
        "building the functions, a few minutes each, three at once.",
    )
    _add_site(command)
    command.add_argument(
        "--dry-run", action="store_true", help="print a bash script that does it, ask and change nothing"
    )
    command.add_argument(
        "--prune", action="store_true", help="also delete what an earlier table asked for and this one does not"
    )
    command.add_argument(
        "--adopt", action="store_true", help="take over topics and functions of these names that deploy did not make"
    )
    command.set_defaults(run=_deploy)


def _add_status(verbs: Verbs) -> None:
    command = _add(
        verbs,
        "status",
        "compare the project with the table, change nothing",
        "One line per thing: as it shall be, DIFFERS (and how), MISSING, or LEFT OVER (no row asks for it).\n"
        "Exit status 0 when all is as it shall be.",
    )
    _add_site(command)
    command.set_defaults(run=_status)


def _add_destroy(verbs: Verbs) -> None:
    command = _add(
        verbs,
        "destroy",
        "delete what deploy made; asks first",
        "Functions first, accounts last. Database, bucket, secrets and permits (Google blocks their ids for weeks\n"
        "once they are deleted) stay unless --data is given; APIs stay enabled. What deploy did not make stays.\n"
        "What Google's build keeps for itself (repository gcf-artifacts, buckets gcf-v2-*) is not touched.",
    )
    _add_site(command)
    command.add_argument("--data", action="store_true", help="delete database, bucket and secrets as well")
    command.add_argument("--yes", action="store_true", help="do not ask")
    command.set_defaults(run=_destroy)


def _add_cost(verbs: Verbs) -> None:
    command = _add(
        verbs,
        "cost",
        "estimate what a month costs, by item",
        "From list prices (their date is printed) and the figures this project measured. Free tiers are left out.",
    )
    command.add_argument("--vehicles", type=_above_zero, required=True, metavar="N", help="vehicles that report")
    command.add_argument(
        "--interval", type=_above_zero, required=True, metavar="S", help="seconds between a vehicle's readings"
    )
    command.add_argument(
        "--readings-per-message", type=_above_zero, default=1, metavar="M", help="readings sent at once (default: 1)"
    )
    command.add_argument("--environment", choices=environments(), default=environments()[0], help="for its instances")
    command.set_defaults(run=_cost)


def _add_doctor(verbs: Verbs) -> None:
    command = _add(
        verbs,
        "doctor",
        "check what deploy needs, and say what to do",
        "gcloud, login, project, billing, APIs and your permissions. Changes nothing.",
    )
    command.add_argument(
        "--project", required=True, type=_project_id, metavar="ID", help="id of the Google Cloud project"
    )
    command.set_defaults(run=_doctor)


def _deploy(chosen: argparse.Namespace) -> int:
    if chosen.dry_run:
        return commands.print_script(site(chosen.project, chosen.region, chosen.environment or commands.FIRST))
    with commands.session() as gcloud:
        return commands.deploy(_place(chosen), gcloud, adopt=chosen.adopt, prune=chosen.prune)


def _status(chosen: argparse.Namespace) -> int:
    with commands.session() as gcloud:
        return commands.status(_place(chosen), gcloud)


def _destroy(chosen: argparse.Namespace) -> int:
    with commands.session() as gcloud:
        return commands.destroy(_place(chosen), gcloud, chosen.data, chosen.yes)


def _cost(chosen: argparse.Namespace) -> int:
    where = site("P", "R", chosen.environment)
    return commands.tell(cost.report(where, chosen.vehicles, chosen.interval, chosen.readings_per_message))


def _doctor(chosen: argparse.Namespace) -> int:
    with commands.session(retry_after_s=()) as gcloud:
        return doctor.examine(gcloud, chosen.project, commands.say)


def _place(chosen: argparse.Namespace) -> commands.Place:
    return commands.Place(chosen.project, chosen.region, chosen.environment)
