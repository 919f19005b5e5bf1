"""The recording API in place of Google, the real gcloud pointed at it, and a table small enough to deploy often."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from infra import plant, site, source
from infra.records import Right, Secret
from tests.infra.cloud import Cloud
from tests.infra.recorder import Recorder

SMALL_ENVIRONMENT = """
[dev]
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


@pytest.fixture(scope="session")
def recorded(gcloud_there: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Recorded"]:  # noqa: ARG001
    """One recording API for the session."""
    with ExitStack() as stack:
        recorder = stack.enter_context(Recorder(lambda _: (500, {}), tmp_path_factory.mktemp("recorder")))
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in recorder.environment().items():
            environment.setenv(name, value)
        environment.delenv("CLOUDSDK_CORE_PROJECT", raising=False)
        yield Recorded(recorder)


class Recorded:
    """Puts a cloud behind the recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def play(self, cloud: Cloud) -> Cloud:
        self.recorder.responder = cloud.answer
        return cloud


@pytest.fixture(scope="session")
def small_table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A line, a scheduled function and one row of every other kind; a secret and an address for alarms besides.

    The source is copied: nobody can change it between two deployments that must not differ.
    """
    with pytest.MonkeyPatch.context() as patch:
        gps = next(one for one in plant.FUNCTIONS if one.name == "gps")
        driver = next(one for one in plant.FUNCTIONS if one.name == "driver")
        token = Right("roles/secretmanager.secretAccessor", "secrets/fleetline-token")
        gps = replace(gps, rights=(*gps.rights[:1], token), secrets={"TOKEN": "fleetline-token"})
        rows = {
            "LINES": ("gps",),
            "TRIGGERS": ("gps",),
            "TOPICS": tuple(one for one in plant.TOPICS if one.name in ("gps", "gps-dead")),
            "FUNCTIONS": (gps, driver),
            "PERMITS": tuple(one for one in plant.PERMITS if one.name in ("director", "driver", "warehouse")),
            "ACCOUNTS": tuple(replace(one, rights=one.rights[:1]) for one in plant.ACCOUNTS),
            "SECRETS": (Secret("fleetline-token", "to be filled in"),),
            "COLLECTIONS": tuple(one for one in plant.COLLECTIONS if one.name in ("workers", "exports")),
            "INDEXES": plant.INDEXES[:1],
            "TABLES": plant.TABLES[:1],
            "LOG_METRICS": plant.LOG_METRICS[-1:],
            "ALARMS": plant.ALARMS[:1],
        }
        for name, value in rows.items():
            patch.setattr(plant, name, value)
        settings = tmp_path_factory.mktemp("settings") / "environments.toml"
        settings.write_text(SMALL_ENVIRONMENT)
        patch.setattr(site, "ENVIRONMENTS", settings)
        patch.setattr(source, "ROOT", source.stage(tmp_path_factory.mktemp("source") / "source"))
        yield
