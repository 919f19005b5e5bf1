"""Every kind of thing × every way Google can refuse: a clear message, and the same command succeeds afterwards."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import mkdtemp

import pytest

from infra.apply import apply
from infra.desired import waves
from infra.gcloud import CommandFailed, Gcloud
from infra.plan import Change
from infra.resource import Resource
from infra.site import site
from tests.infra.cloud import PROJECT, REGION, Cloud, Json, google_error
from tests.infra.cloud import Failure as Refusal
from tests.infra.recorder import Answer, Recorder, Request

MEANS = {403: "may not do this", 409: "Somebody else", 429: "quota", 503: "does not answer"}
STATUS = {403: "PERMISSION_DENIED", 409: "ABORTED", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
KINDS = (
    *("services", "permit", "account", "topic", "subscription", "database", "bucket", "secret", "exemption", "ttl"),
    *("index", "right", "function", "dead-letter policy", "schedule", "log metric", "channel", "alarm", "dashboard"),
    *("dataset", "table"),
)
LONG = ("services", "exemption", "ttl", "index", "function")
QUICK = {"topic": 403, "right": 409, "account": 429}
AT_ONCE = 4
"""gcloud itself waits for half a minute before it believes a 503: the kinds wait together."""
pytestmark = pytest.mark.usefixtures("small_table")


def refusing(code: int) -> Refusal:
    """Whatever changes something is refused."""

    def refuse(request: Request) -> Answer | None:
        return (code, google_error(code, f"refused with {code}", STATUS[code])) if request.changes else None

    return refuse


def failing_operation(request: Request) -> Answer | None:
    """Whatever changes something begins an operation; asked for later, it has failed."""
    parent = f"projects/{PROJECT}/locations/{REGION}/"
    if "firestore" in request.host:
        parent = f"projects/{PROJECT}/databases/(default)/"
    operation = {"name": f"{'' if 'serviceusage' in request.host else parent}operations/eels"}
    if request.path.endswith("/operations/eels"):
        return 200, {**operation, "done": True, "error": {"code": 13, "message": "the disk is full of eels"}}
    return (200, operation) if request.changes else None


def representative(kind: str) -> Resource:
    return next(one for wave in waves(site(PROJECT, REGION, "prod"), "hash") for one in wave if one.kind == kind)


def seeded() -> Cloud:
    """A cloud with what the commands ask for before they change something."""
    cloud, base = Cloud(), f"projects/{PROJECT}/locations/{REGION}"
    trigger, subscription = f"{base}/triggers/gps-1", f"projects/{PROJECT}/subscriptions/eventarc-gps"
    event = {"trigger": trigger, "pubsubTopic": f"projects/{PROJECT}/topics/gps"}
    channel = f"projects/{PROJECT}/notificationChannels/made-0"
    version = f"projects/{PROJECT}/secrets/fleetline-token/versions/1"
    cloud.resources = {
        version: {"name": version, "state": "ENABLED"},
        trigger: {"name": trigger, "transport": {"pubsub": {"subscription": subscription}}},
        subscription: {"name": subscription},
        f"{base}/functions/gps": _function(f"{base}/functions/gps", {"eventTrigger": event}),
        f"{base}/functions/driver": _function(f"{base}/functions/driver", {}),
        channel: {"name": channel, "displayName": "Fleetline operators"},
    }
    return cloud


def _function(key: str, more: Json) -> Json:
    name = key.rpartition("/")[2]
    build = {"runtime": "python313", "entryPoint": name}
    service = {"uri": f"https://{name}-hash-ew.a.run.app"}
    return {"name": key, "environment": "GEN_2", "buildConfig": build, "serviceConfig": service, **more}


def made(kinds: Iterable[str], folder: Path) -> dict[str, CommandFailed]:
    """Make the representative of each kind, trying again once; the failures by kind."""
    files = Path(mkdtemp(dir=folder))
    changes = [Change(one, "created", {}, one.create) for one in map(representative, kinds)]
    failures = apply(Gcloud(files, retry_after_s=(0,)), [changes], lambda _: None)
    return {failure.change.resource.kind: failure.error for failure in failures}


def check(cloud: Cloud, refusal: Refusal, kinds: Sequence[str], folder: Path, means: str) -> None:
    """Every kind fails with a message that says what it must, and is made once the cause is gone."""
    cloud.fail = refusal
    failures = made(kinds, folder)
    assert set(failures) == set(kinds)
    unclear = {kind: error.text for kind, error in failures.items() if means not in error.meaning + error.text}
    assert unclear == {}
    cloud.fail = lambda _: None
    assert made(kinds, folder) == {}


@pytest.fixture
def cloud(recorded: Recorder) -> Cloud:
    cloud = seeded()
    recorded.responder = cloud.answer
    return cloud


@pytest.mark.parametrize("kind", QUICK)
def test_a_refusal_is_explained_and_can_be_gone_on_from(kind: str, cloud: Cloud, tmp_path: Path) -> None:
    code = QUICK[kind]
    check(cloud, refusing(code), [kind], tmp_path, MEANS[code])


@pytest.mark.full
@pytest.mark.parametrize("code", STATUS)
def test_every_kind_explains_a_refusal(
    code: int, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.apply.MOST_AT_ONCE", AT_ONCE)
    kinds = [
        kind for kind in KINDS if (kind, code) != ("table", 409)
    ]  # bq takes it for "there already", and is content
    check(cloud, refusing(code), kinds, tmp_path, MEANS[code])


@pytest.mark.full
def test_every_long_operation_that_fails_says_why(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.apply.MOST_AT_ONCE", AT_ONCE)
    check(cloud, failing_operation, LONG, tmp_path, "full of eels")


def test_a_database_that_was_not_made_is_noticed(cloud: Cloud, tmp_path: Path) -> None:
    """gcloud prints the failed operation and ends with status 0."""
    check(cloud, failing_operation, ["database"], tmp_path, "not found")
