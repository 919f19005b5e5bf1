"""Where the plant is deployed: project, region and environment, and what things are called there."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENVIRONMENTS = Path(__file__).with_name("environments.toml")
PREFIX = "fleetline"
DATABASE = "(default)"
DATASET = PREFIX
MARK = "mark"
"""The field of things that say of themselves that deploy made them, and what they say."""
MADE = "plant"
ENVIRONMENT_LABEL = f"{PREFIX}-environment"
"""The bucket's label: which environment the project was deployed as."""
EXPORTS = "exports"


@dataclass(frozen=True)
class Site:
    """One project in one region. The settings are those of environments.toml."""

    project: str
    region: str
    environment: str = "dev"
    min_instances: int = 0
    max_instances: int = 5
    export_days: int = 90
    protected: bool = False
    log_level: str = "INFO"
    alert_email: str = ""
    members: Sequence[str] = ()

    @property
    def bucket(self) -> str:
        return f"{self.project}-{PREFIX}"

    @property
    def export_url(self) -> str:
        return f"gs://{self.bucket}/{EXPORTS}"

    def account(self, name: str) -> str:
        """The address of a service account (its id has at least six characters, hence the prefix)."""
        return f"{PREFIX}-{name}@{self.project}.iam.gserviceaccount.com"

    def holder(self, member: str) -> str:
        """A service account of this project by its name alone; anybody else in full ("ann@example.com")."""
        return member.removesuffix(f"@{self.project}.iam.gserviceaccount.com")

    def permit(self, name: str) -> str:
        """The full name of a role of our own."""
        return f"projects/{self.project}/roles/{PREFIX}_{name}"

    def topic(self, name: str) -> str:
        return f"projects/{self.project}/topics/{name}"


def environments() -> list[str]:
    return list(_read())


def site(project: str, region: str, environment: str) -> Site:
    """The site with the settings of this environment; ValueError where there is none of that name."""
    known = _read()
    if environment not in known:
        raise ValueError(f"{ENVIRONMENTS.name} has no environment {environment}, only {', '.join(known)}")
    return Site(project, region, environment, **{**known["dev"], **known[environment]})


def _read() -> dict[str, dict[str, Any]]:
    return tomllib.loads(ENVIRONMENTS.read_text(encoding="utf-8"))
