"""The questions about what there is: one listing per kind of thing."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra import plant
from infra.resource import Command, flags
from infra.site import DATABASE, DATASET, PREFIX, Site

Entry = dict[str, Any]
Listings = Mapping[str, list[Entry]]
"""What each listing printed; empty where its API is not enabled yet."""


def every(site: Site) -> dict[str, tuple[str, Command]]:
    """Name → the API it asks, and the command."""
    here = flags(project=site.project, format="json")
    region, location = flags(regions=site.region), flags(location=site.region)
    database = flags(database=DATABASE)
    return {
        "permits": ("iam", ("gcloud", "iam", "roles", "list", "--show-deleted", *here)),
        "accounts": ("iam", ("gcloud", "iam", "service-accounts", "list", *here)),
        "topics": ("pubsub", ("gcloud", "pubsub", "topics", "list", *here)),
        "subscriptions": ("pubsub", ("gcloud", "pubsub", "subscriptions", "list", *here)),
        "databases": ("firestore", ("gcloud", "firestore", "databases", "list", *here)),
        "exemptions": ("firestore", ("gcloud", "firestore", "indexes", "fields", "list", *database, *here)),
        "ttls": ("firestore", ("gcloud", "firestore", "fields", "ttls", "list", *database, *here)),
        "indexes": ("firestore", ("gcloud", "firestore", "indexes", "composite", "list", *database, *here)),
        "buckets": ("storage", ("gcloud", "storage", "buckets", "list", *here)),
        "secrets": ("secretmanager", ("gcloud", "secrets", "list", *here)),
        **{
            versions(secret.name): (
                "secretmanager",
                ("gcloud", "secrets", "versions", "list", secret.name, "--filter=state=ENABLED", *here),
            )
            for secret in plant.SECRETS
        },
        "functions": ("cloudfunctions", ("gcloud", "functions", "list", "--v2", *region, *here)),
        "triggers": ("eventarc", ("gcloud", "eventarc", "triggers", "list", *location, *here)),
        "schedules": ("cloudscheduler", ("gcloud", "scheduler", "jobs", "list", *location, *here)),
        "metrics": ("logging", ("gcloud", "logging", "metrics", "list", *here)),
        "channels": ("monitoring", ("gcloud", "beta", "monitoring", "channels", "list", *here)),
        "alarms": ("monitoring", ("gcloud", "alpha", "monitoring", "policies", "list", *here)),
        "dashboards": ("monitoring", ("gcloud", "monitoring", "dashboards", "list", *here)),
        "datasets": ("bigquery", ("gcloud", "alpha", "bq", "datasets", "list", *here)),
        "tables": ("bigquery", ("gcloud", "alpha", "bq", "tables", "list", f"--dataset={DATASET}", *here)),
        "policies": (
            "cloudasset",
            ("gcloud", "asset", "search-all-iam-policies", f"--scope=projects/{site.project}", *here),
        ),
    }


def possible(found: Listings) -> Iterator[str]:
    """The listings that only work where there is a database, a dataset or a secret to list in."""
    if DATABASE in {last(entry["name"]) for entry in found.get("databases", [])}:
        yield from ("exemptions", "ttls", "indexes")
    if DATASET in {dig(entry, "datasetReference.datasetId") for entry in found.get("datasets", [])}:
        yield "tables"
    secrets = {last(entry["name"]) for entry in found.get("secrets", [])}
    yield from (versions(secret.name) for secret in plant.SECRETS if secret.name in secrets)


def inner() -> set[str]:
    """All listings of which `possible` says whether they are."""
    return {"exemptions", "ttls", "indexes", "tables", *(versions(secret.name) for secret in plant.SECRETS)}


def versions(secret: str) -> str:
    """What the listing of a secret's versions is called."""
    return f"versions of {secret}"


def described(site: Site, found: Listings) -> dict[str, Command]:
    """Roles of our own, each asked for: their listing leaves out what they permit."""
    names = [last(entry["name"]) for entry in found["permits"] if not entry.get("deleted")]
    here = flags(project=site.project, format="json")
    return {name: ("gcloud", "iam", "roles", "describe", name, *here) for name in names if name.startswith(PREFIX)}


def services(site: Site) -> Command:
    return ("gcloud", "services", "list", "--enabled", *flags(project=site.project, format="json"))


def dig(entry: Any, path: str) -> Any:
    """The value at a path of names with dots between; None where there is none."""
    for name in path.split("."):
        entry = entry.get(name) if isinstance(entry, dict) else None
    return entry


def last(name: str) -> str:
    return name.rpartition("/")[2]
