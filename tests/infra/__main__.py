"""`python3 -m tests.infra`: rehearse a deployment with the real gcloud, without the cloud."""

import argparse
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from emulator import environment

_SAYS = """\
Starts a stand-in for Google's APIs on this machine, an empty project in it, and a shell (or COMMAND) in which the real
gcloud talks to that stand-in alone: no login, no bill, nothing leaves this machine. PROJECT and REGION are set there.
When the shell ends the project is gone, and it is told what was in it."""
_LOGIN = "you@example.com"
_EXAMPLES = """examples:
  python3 -m tests.infra                                                         a shell; leave it with exit
  python3 -m tests.infra sh -c 'python3 -m infra deploy --project $PROJECT --region $REGION'
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        "python3 -m tests.infra",
        description=_SAYS,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="instead of a shell")
    chosen = parser.parse_args()
    try:
        environment.ensure("tests", ["-m", "tests.infra", *sys.argv[1:]])
    except environment.EnvironmentProblem as problem:
        sys.exit(f"tests.infra: {problem}")
    for program in ("gcloud", "bq"):
        if shutil.which(program) is None:
            sys.exit(f"tests.infra: {program} is not installed: https://cloud.google.com/sdk/docs/install")
    return _rehearse(chosen.command or [os.environ.get("SHELL", "sh")])


def _rehearse(command: list[str]) -> int:
    from tests.infra.cloud import PROJECT, REGION, Cloud
    from tests.infra.recorder import Recorder

    cloud = Cloud()
    cloud.policies[f"projects/{PROJECT}"] = {"bindings": [{"role": "roles/owner", "members": [f"user:{_LOGIN}"]}]}
    with TemporaryDirectory(prefix="fleetline-") as folder, Recorder(cloud.answer, Path(folder)) as recorder:
        variables = {**recorder.environment(), "CLOUDSDK_CORE_ACCOUNT": _LOGIN, "PROJECT": PROJECT, "REGION": REGION}
        print(f"gcloud talks to a stand-in on this machine; PROJECT={PROJECT} REGION={REGION}", flush=True)
        status = subprocess.run(command, env={**os.environ, **variables}, check=False).returncode
        changes = sum(request.changes for request in recorder.requests)
        print(f"{len(recorder.requests)} requests, {changes} of them changes; now there are:")
    there = Counter(key.split("/")[-2] for key, one in cloud.resources.items() if not one.get("deleted"))
    for kind, count in sorted(there.items()) or [("nothing", 0)]:
        print(f"  {count:>4} {kind}")
    return status


sys.exit(main())
