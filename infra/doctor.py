"""What deploy needs of this machine, this login and this project; every check says what to do when it fails."""

import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from infra import plant
from infra.gcloud import CommandFailed, Gcloud
from infra.resource import Command, flags

OLDEST_GCLOUD = 481
"""The first whose `functions deploy` takes an account to build with."""
COMPONENTS = ("alpha", "beta", "bq")
NEEDED_ROLES = (
    "roles/artifactregistry.admin",
    "roles/bigquery.admin",
    "roles/cloudasset.viewer",
    "roles/cloudfunctions.admin",
    "roles/cloudscheduler.admin",
    "roles/datastore.owner",
    "roles/eventarc.admin",
    "roles/iam.roleAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountUser",
    "roles/logging.configWriter",
    "roles/monitoring.editor",
    "roles/pubsub.admin",
    "roles/resourcemanager.projectIamAdmin",
    "roles/run.admin",
    "roles/secretmanager.admin",
    "roles/serviceusage.serviceUsageAdmin",
    "roles/storage.admin",
)
"""What deploy does, without roles/owner."""


class Finding(NamedTuple):
    """`advice` is empty when all is well."""

    check: str
    says: str
    advice: str = ""


def examine(gcloud: Gcloud, project: str, say: Callable[[str], None]) -> int:
    """Run the checks in order; 0 when all is well. What can only follow from an earlier failure is not checked."""
    to_do = 0
    for check in (_version, _login, _project, _billing, _services, _permissions):
        try:
            finding = check(gcloud, project)
        except CommandFailed as error:
            finding = Finding(check.__name__.lstrip("_"), error.first, error.meaning or "These are gcloud's words.")
        say(f"{'ok  ' if not finding.advice else 'TO DO'}  {finding.check}: {finding.says}")
        if finding.advice:
            to_do += 1
            say(f"       {finding.advice}")
            if check in (_version, _login, _project):
                break
    return 1 if to_do else 0


def _version(gcloud: Gcloud, _: str) -> Finding:
    installed = json.loads(gcloud.run(("gcloud", "version", "--format=json")))
    version = str(installed["Google Cloud SDK"])
    found = re.match(r"\d+", version)
    if found is None or int(found[0]) < OLDEST_GCLOUD:
        return Finding("gcloud", version, f"At least {OLDEST_GCLOUD} is needed: `gcloud components update`.")
    missing = " ".join(name for name in COMPONENTS if name not in installed)
    return Finding(
        "gcloud", version, f"Parts of it are missing: `gcloud components install {missing}`." * bool(missing)
    )


def _login(gcloud: Gcloud, _: str) -> Finding:
    account = _account(gcloud)
    gcloud.run(("gcloud", "auth", "print-access-token"))
    return Finding("login", account or "an access token")


def _account(gcloud: Gcloud) -> str:
    return gcloud.run(("gcloud", "config", "get-value", "account")).strip()


def _project(gcloud: Gcloud, project: str) -> Finding:
    entry = json.loads(gcloud.run(("gcloud", "projects", "describe", project, "--format=json")))
    active = entry.get("lifecycleState") == "ACTIVE"
    return Finding(
        "project", f"{project}, number {entry.get('projectNumber')}", "" if active else "It is being deleted."
    )


def _billing(gcloud: Gcloud, project: str) -> Finding:
    entry = json.loads(gcloud.run(("gcloud", "billing", "projects", "describe", project, "--format=json")))
    if entry.get("billingEnabled"):
        return Finding("billing", "on")
    return Finding("billing", "off", f"`gcloud billing projects link {project} --billing-account=…`.")


def _services(gcloud: Gcloud, project: str) -> Finding:
    command: Command = ("gcloud", "services", "list", "--enabled", *flags(project=project, format="json"))
    enabled = {entry["config"]["name"] for entry in gcloud.listing(command)}
    missing = [service for service in plant.SERVICES if service not in enabled]
    says = f"{len(plant.SERVICES) - len(missing)} of {len(plant.SERVICES)} enabled"
    return Finding("APIs", says + ("; deploy enables the rest" if missing else ""))


def _permissions(gcloud: Gcloud, project: str) -> Finding:
    """As far as the project's own policy tells; groups and folders are not looked into."""
    policy = json.loads(gcloud.run(("gcloud", "projects", "get-iam-policy", project, "--format=json")))
    account = _account(gcloud)
    held = set(_roles(policy, account))
    if "roles/owner" in held:
        return Finding("permissions", "roles/owner")
    missing = [role for role in NEEDED_ROLES if role not in held]
    if not missing:
        return Finding("permissions", "all roles deploy needs")
    says = f"{account or 'this login'} has {len(NEEDED_ROLES) - len(missing)} of {len(NEEDED_ROLES)} roles directly"
    return Finding("permissions", says, f"Unless a group or folder grants them, ask for {', '.join(missing)}.")


def _roles(policy: dict[str, list[dict[str, list[str] | str]]], account: str) -> Iterator[str]:
    for binding in policy.get("bindings", []):
        if any(member.partition(":")[2] == account for member in binding["members"]):
            yield str(binding["role"])
