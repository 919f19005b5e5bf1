"""The story of one deployment, told by the real gcloud to a cloud of our own."""

import copy
import io
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace

import pytest

from infra import cli, plant
from infra.site import Site, site
from tests.infra.cloud import PROJECT, REGION, Cloud, Json
from tests.infra.recorder import Answer, Recorder, Request

WHERE = ("--project", PROJECT, "--region", REGION)
LOCATION = f"projects/{PROJECT}/locations/{REGION}"


@dataclass
class Run:
    """One command: its exit status, what it said, and what it asked of Google that can have changed something."""

    status: int
    said: str
    changes: list[Request]


@dataclass
class Story:
    cloud: Cloud
    site: Site
    runs: dict[str, Run] = field(default_factory=dict)
    resources: Json = field(default_factory=dict)
    bindings: set[tuple[str, str, str]] = field(default_factory=set)
    pruned: Json = field(default_factory=dict)
    pruned_bindings: set[tuple[str, str, str]] = field(default_factory=set)
    left: Json = field(default_factory=dict)


def run(recorded: Recorder, *arguments: str) -> Run:
    """Run a command of `python3 -m infra` in this process."""
    before, said = len(recorded.requests), io.StringIO()
    with redirect_stdout(said):
        status = cli.main(arguments)
    return Run(status, said.getvalue(), [one for one in recorded.requests[before:] if one.changes])


def failing_build(request: Request) -> Answer | None:
    """The long operation of building gps ends in a failure."""
    if request.method == "POST" and request.path.endswith("/functions"):
        error = {"code": 3, "message": "Build failed: requirements.txt: no matching distribution"}
        return 200, {"name": f"{LOCATION}/operations/failed", "done": True, "error": error}
    if request.path.endswith("/operations/failed"):
        error = {"code": 3, "message": "Build failed: requirements.txt: no matching distribution"}
        return 200, {"name": f"{LOCATION}/operations/failed", "done": True, "error": error}
    return None


def told(recorded: Recorder) -> Story:
    """One deployment from its first failure to its end."""
    story = Story(Cloud(), site(PROJECT, REGION, "prod"))
    cloud, runs = story.cloud, story.runs
    recorded.responder = cloud.answer
    cloud.fail = failing_build
    runs["stopped"] = run(recorded, "deploy", *WHERE, "--environment", "prod")
    cloud.fail = lambda _: None
    runs["gone on"] = run(recorded, "deploy", *WHERE)
    story.resources, story.bindings = copy.deepcopy(cloud.resources), cloud.bindings()
    database, topic = (cloud.resources[f"projects/{PROJECT}/{name}"] for name in ("databases/(default)", "topics/gps"))
    database["locationId"], labels = "nam5", topic.pop("labels")
    runs["somebody else's"] = run(recorded, "deploy", *WHERE)
    database["locationId"], topic["labels"] = REGION, labels
    cloud.resources[f"projects/{PROJECT}/topics/gps"]["messageRetentionDuration"] = "600s"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plant, "FUNCTIONS", (replace(plant.FUNCTIONS[0], secrets={}, memory_mib=1024),))
        runs["changed"] = run(recorded, "deploy", *WHERE)
        runs["pruned"] = run(recorded, "deploy", *WHERE, "--prune")
        story.pruned, story.pruned_bindings = copy.deepcopy(cloud.resources), cloud.bindings()
    runs["destroyed"] = run(recorded, "destroy", *WHERE, "--yes", "--data")
    story.left = copy.deepcopy(cloud.resources)
    return story
