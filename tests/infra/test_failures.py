"""Every kind of thing × every way Google can refuse: a clear message, and the same command succeeds afterwards."""

import shutil
from pathlib import Path

import pytest

from infra.apply import Failure, apply
from infra.desired import waves
from infra.gcloud import Gcloud
from infra.plan import Change
from infra.resource import Resource
from infra.site import site
from tests.infra.cloud import PROJECT, REGION, Cloud, google_error
from tests.infra.cloud import Failure as Refusal
from tests.infra.recorder import Answer, Recorder, Request

MEANS = {403: "may not do this", 409: "Somebody else", 429: "quota", 503: "does not answer"}
STATUS = {403: "PERMISSION_DENIED", 409: "ABORTED", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
KINDS = (
    *("services", "permit", "account", "topic", "subscription", "database", "bucket", "secret", "exemption", "ttl"),
    *("index", "right", "function", "dead-letter policy", "schedule", "log metric", "channel", "alarm", "dashboard"),
    *("dataset", "table"),
)
LONG = ("services", "database", "exemption", "ttl", "index", "function")
QUICK = {("topic", 403), ("right", 409), ("account", 429)}
pytestmark = pytest.mark.usefixtures("small_table")


def cases() -> list[object]:
    every = [(kind, code) for kind in KINDS for code in STATUS]
    return [
        pytest.param(*one, marks=() if one in QUICK else pytest.mark.full, id=f"{one[0]}-{one[1]}") for one in every
    ]


def refusing(code: int) -> Refusal:
    """Whatever changes something is refused."""

    def refuse(request: Request) -> Answer | None:
        return (code, google_error(code, f"refused with {code}", STATUS[code])) if request.changes else None

    return refuse


def failing_operation(request: Request) -> Answer | None:
    """Whatever changes something begins an operation, which ends badly."""
    error = {"code": 13, "message": "the disk is full of eels"}
    operation = {"name": f"projects/{PROJECT}/locations/{REGION}/operations/eels", "done": True, "error": error}
    if "firestore" in request.host:
        operation["name"] = f"projects/{PROJECT}/databases/(default)/operations/eels"
    return (200, operation) if request.changes or request.path.endswith("/operations/eels") else None


def representative(kind: str) -> Resource:
    return next(one for wave in waves(site(PROJECT, REGION, "dev"), "hash") for one in wave if one.kind == kind)


def seeded() -> Cloud:
    """A cloud with what the commands ask for before they change something."""
    cloud, base = Cloud(), f"projects/{PROJECT}/locations/{REGION}"
    trigger, subscription = f"{base}/triggers/gps-1", f"projects/{PROJECT}/subscriptions/eventarc-gps"
    channel = f"projects/{PROJECT}/notificationChannels/made-0"
    cloud.resources = {
        trigger: {"name": trigger, "transport": {"pubsub": {"subscription": subscription}}},
        subscription: {"name": subscription},
        channel: {"name": channel, "displayName": "Fleetline operators"},
    }
    return cloud


def made(kind: str, folder: Path) -> list[Failure]:
    """Make the representative of a kind, each run with the same commands; trying again once, at once."""
    shutil.rmtree(folder / "files", ignore_errors=True)
    (folder / "files").mkdir()
    resource = representative(kind)
    change = Change(resource, "created", {}, resource.create)
    return apply(Gcloud(folder / "files", retry_after_s=(0,)), [[change]], lambda _: None)


@pytest.mark.parametrize(("kind", "code"), cases())
def test_a_refusal_is_explained_and_can_be_gone_on_from(
    kind: str, code: int, recorded: Recorder, tmp_path: Path
) -> None:
    cloud = seeded()
    recorded.responder = cloud.answer
    if kind == "dead-letter policy":
        name = f"projects/{PROJECT}/locations/{REGION}/functions/gps"
        cloud.resources[name] = {"name": name, "eventTrigger": {"trigger": next(iter(cloud.resources))}}
    cloud.fail = refusing(code)
    [failure] = made(kind, tmp_path)
    assert failure.error.text
    assert MEANS[code] in failure.error.meaning, failure.error.text
    cloud.fail = lambda _: None
    assert made(kind, tmp_path) == []


@pytest.mark.full
@pytest.mark.parametrize("kind", LONG)
def test_an_operation_that_fails_says_why(kind: str, recorded: Recorder, tmp_path: Path) -> None:
    cloud = seeded()
    recorded.responder = cloud.answer
    cloud.fail = failing_operation
    [failure] = made(kind, tmp_path)
    assert "full of eels" in failure.error.text
    cloud.fail = lambda _: None
    assert made(kind, tmp_path) == []
