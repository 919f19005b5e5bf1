"""The recording API in place of Google, the real gcloud pointed at it, and a table small enough to deploy often."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from infra import plant, site, source
from infra.records import Right, Secret
from tests.infra.recorder import Recorder
from tests.infra.story import Story, told

SMALL_ENVIRONMENT = """
[dev]
min_instances = 0

[prod]
min_instances = 1
max_instances = 7
export_days = 3
protected = true
log_level = "INFO"
alert_email = "ops@example.com"
"""


@pytest.fixture(scope="session")
def gcloud_there() -> None:
    if shutil.which("gcloud") is None or shutil.which("bq") is None:
        pytest.skip("gcloud is not installed: https://cloud.google.com/sdk/docs/install")


@pytest.fixture(scope="package")
def recorded(gcloud_there: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:  # noqa: ARG001
    """One recording API for these tests; no other test finds gcloud pointed at it."""
    with ExitStack() as stack:
        recorder = stack.enter_context(Recorder(lambda _: (500, {}), tmp_path_factory.mktemp("recorder")))
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in recorder.environment().items():
            environment.setenv(name, value)
        environment.delenv("CLOUDSDK_CORE_PROJECT", raising=False)
        yield recorder


@pytest.fixture(scope="session")
def frozen_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source: nobody can change it between two deployments that must not differ."""
    return source.stage(tmp_path_factory.mktemp("frozen") / "source")


@contextmanager
def small(frozen_source: Path) -> Iterator[None]:
    """A line, a scheduled function and one row of every other kind; a secret and an address for alarms besides."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _small_rows().items():
            patch.setattr(plant, name, value)
        patch.setattr(site, "ENVIRONMENTS", frozen_source.with_name("environments.toml"))
        site.ENVIRONMENTS.write_text(SMALL_ENVIRONMENT)
        patch.setattr(source, "ROOT", frozen_source)
        yield


@pytest.fixture
def small_table(frozen_source: Path) -> Iterator[None]:
    with small(frozen_source):
        yield


def _small_rows() -> dict[str, object]:
    gps = next(one for one in plant.FUNCTIONS if one.name == "gps")
    driver = next(one for one in plant.FUNCTIONS if one.name == "driver")
    token = Right("roles/secretmanager.secretAccessor", "secrets/fleetline-token")
    return {
        "LINES": ("gps",),
        "TRIGGERS": ("gps",),
        "TOPICS": tuple(one for one in plant.TOPICS if one.name in ("gps", "gps-dead")),
        "FUNCTIONS": (replace(gps, rights=(*gps.rights[:1], token), secrets={"TOKEN": "fleetline-token"}), driver),
        "PERMITS": tuple(one for one in plant.PERMITS if one.name in ("director", "driver", "warehouse")),
        "ACCOUNTS": tuple(replace(one, rights=one.rights[:1]) for one in plant.ACCOUNTS),
        "SECRETS": (Secret("fleetline-token", "to be filled in"),),
        "COLLECTIONS": tuple(one for one in plant.COLLECTIONS if one.name in ("workers", "exports")),
        "INDEXES": plant.INDEXES[:1],
        "TABLES": plant.TABLES[:1],
        "LOG_METRICS": plant.LOG_METRICS[-1:],
        "ALARMS": plant.ALARMS[:1],
    }


@pytest.fixture(scope="package")
def story(recorded: Recorder, frozen_source: Path) -> Story:
    with small(frozen_source):
        return told(recorded)
