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


@dataclass(frozen=True)
class Site:
    """One project in one region. The settings are those of environments.toml."""

    project: str
    region: str
    environment: str = "dev"
    min_instances: int = 0
    max_instances: int = 20
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
        return f"gs://{self.bucket}/exports"

    def account(self, name: str) -> str:
        """The address of a service account (its id has at least six characters, hence the prefix)."""
        return f"{PREFIX}-{name}@{self.project}.iam.gserviceaccount.com"

    def permit(self, name: str) -> str:
        """The full name of a role of our own."""
        return f"projects/{self.project}/roles/{PREFIX}_{name}"

    def topic(self, name: str) -> str:
        return f"projects/{self.project}/topics/{name}"


def short(holder: str) -> str:
    """A service account's name without its project; anybody else whole."""
    return holder.partition("@")[0] if holder.endswith(".gserviceaccount.com") else holder


def environments() -> list[str]:
    return list(_read())


def site(project: str, region: str, environment: str) -> Site:
    """The site with the settings of this environment."""
    known = _read()
    return Site(project, region, environment, **{**known["dev"], **known[environment]})


def _read() -> dict[str, dict[str, Any]]:
    return tomllib.loads(ENVIRONMENTS.read_text(encoding="utf-8"))
