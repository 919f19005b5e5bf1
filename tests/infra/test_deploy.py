"""deploy, once from nothing: stopped by a failure, gone on with, repeated, changed and destroyed, by the real gcloud.

The story is told once a session; each test reads a part of it.
"""

import base64
import io
import json
import zipfile
from typing import Any

import pytest

from infra import plant
from infra.desired import waves
from infra.watching import columns
from tests.infra.cloud import NUMBER, PROJECT, REGION, Json
from tests.infra.story import LOCATION, Story

pytestmark = pytest.mark.usefixtures("small_table")

DOCUMENTS = f"projects/{PROJECT}/databases/(default)/collectionGroups"


def test_a_failed_operation_stops_deploy_with_what_google_said(story: Story) -> None:
    stopped = story.runs["stopped"]
    assert stopped.status == 1
    assert "no matching distribution" in stopped.said
    assert "failed: function gps" in stopped.said
    assert "goes on from here" in stopped.said


def test_the_next_deploy_goes_on_and_makes_nothing_twice(story: Story) -> None:
    gone_on = story.runs["gone on"]
    assert gone_on.status == 0, gone_on.said
    assert "unchanged topic gps" in gone_on.said
    once = [one.path for one in story.runs["stopped"].changes if one.path.endswith(("topics/gps", "/b", "/databases"))]
    assert len(once) == 3
    assert not set(once) & {one.path for one in gone_on.changes}


def test_every_resource_of_the_table_is_named_as_created(story: Story) -> None:
    said = story.runs["stopped"].said + story.runs["gone on"].said
    for wave in waves(story.site, ""):
        for resource in wave:
            assert f"created  {resource.kind} {resource.name}" in said


def test_a_changed_row_and_a_changed_thing_are_all_that_is_changed(story: Story) -> None:
    changed = story.runs["changed"]
    assert "0 created, 2 updated" in changed.said
    secrets = "secrets: {'TOKEN': 'fleetline-token, newest version'} → {}"
    assert f"updated  function gps (memory: 512Mi → 1024Mi; {secrets})" in changed.said
    assert "updated  topic gps (retention: 600s → 86400s)" in changed.said
    paths = {one.path for one in changed.changes if not one.path.endswith(":setIamPolicy")}
    assert paths == {f"/v1/projects/{PROJECT}/topics/gps", f"/v2/{LOCATION}/functions/gps"}


def test_what_cannot_be_is_said_before_anything_is_changed(story: Story) -> None:
    stopped = story.runs["somebody else's"]
    assert stopped.status == 1
    assert "database (default) is there and cannot be changed: location is nam5, shall be europe-west1" in stopped.said
    assert "topic gps is there, and deploy did not make it" in stopped.said
    assert "--adopt" in stopped.said
    assert stopped.changes == []


def test_an_environment_is_kept_until_another_is_asked_for(story: Story) -> None:
    assert "environment prod\n" in story.runs["stopped"].said
    assert "environment prod\n" in story.runs["changed"].said
    assert story.resources[f"b/{PROJECT}-fleetline"]["labels"] == {"fleetline-environment": "prod"}


def test_what_no_row_asks_for_is_named_and_kept(story: Story) -> None:
    """A checkout without a colleague's line must not stop that line."""
    changed = story.runs["changed"]
    assert changed.status == 0, changed.said
    assert "  function driver\n" in changed.said
    assert not [one for one in changed.changes if one.method == "DELETE"]


def test_prune_deletes_what_no_row_asks_for_and_nothing_else(story: Story) -> None:
    assert story.runs["pruned"].status == 0, story.runs["pruned"].said
    gone = {key for key in story.resources if key not in story.pruned or story.pruned[key].get("deleted")}
    account = f"projects/{PROJECT}/serviceAccounts/fleetline-driver@{PROJECT}.iam.gserviceaccount.com"
    assert gone == {
        account,
        *(f"{LOCATION}/{kind}/driver" for kind in ("functions", "services", "jobs")),
    }
    assert {holder for *_, holder in story.bindings - story.pruned_bindings} == {
        f"serviceAccount:{story.site.account(name)}" for name in ("driver", "scheduler")
    }
    assert not [one for one in story.pruned_bindings if "fleetline-driver@" in one[2]]


def test_destroy_leaves_nothing(story: Story) -> None:
    assert story.runs["destroyed"].status == 0, story.runs["destroyed"].said
    assert [key for key, value in story.left.items() if not value.get("deleted")] == []
    assert story.cloud.bindings() == set()


def test_the_functions_are_as_their_rows_say(story: Story) -> None:
    gps, driver = (story.resources[f"{LOCATION}/functions/{name}"] for name in ("gps", "driver"))
    service, trigger = gps["serviceConfig"], gps["eventTrigger"]
    assert gps["buildConfig"]["entryPoint"] == "gps"
    assert gps["buildConfig"]["runtime"] == "python313"
    assert gps["buildConfig"]["serviceAccount"].endswith(f"/fleetline-builder@{PROJECT}.iam.gserviceaccount.com")
    assert service["serviceAccountEmail"] == story.site.account("gps")
    assert service["availableMemory"] == "512Mi"
    assert service["availableCpu"] == "1"
    assert service["maxInstanceRequestConcurrency"] == 500
    assert (service["minInstanceCount"], service["maxInstanceCount"]) == (1, 7)
    assert service["timeoutSeconds"] == 60
    assert service["ingressSettings"] == "ALLOW_INTERNAL_ONLY"
    assert service["environmentVariables"] == {
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "FIRESTORE_DATABASE": "(default)",
        "EXPORT_URL": f"gs://{PROJECT}-fleetline/exports",
        "LOG_LEVEL": "INFO",
        "WORKERS": "1",
    }
    secret = {"key": "TOKEN", "projectId": NUMBER, "secret": "fleetline-token", "version": "1"}
    assert service["secretEnvironmentVariables"] == [secret]
    assert trigger["pubsubTopic"] == f"projects/{PROJECT}/topics/gps"
    assert trigger["retryPolicy"] == "RETRY_POLICY_RETRY"
    assert trigger["serviceAccountEmail"] == story.site.account("trigger")
    assert trigger["eventType"] == "google.cloud.pubsub.topic.v1.messagePublished"
    service = driver["serviceConfig"]
    assert "eventTrigger" not in driver
    assert (service["maxInstanceRequestConcurrency"], service["maxInstanceCount"]) == (1, 1)
    assert (service["timeoutSeconds"], service["ingressSettings"]) == (1800, "ALLOW_INTERNAL_ONLY")


def test_topics_and_dead_letters_are_as_their_rows_say(story: Story) -> None:
    prefix = f"projects/{PROJECT}"
    assert story.resources[f"{prefix}/topics/gps"]["messageRetentionDuration"] == "86400s"
    dead = story.resources[f"{prefix}/subscriptions/gps-dead"]
    assert dead["topic"] == f"{prefix}/topics/gps-dead"
    assert (dead["messageRetentionDuration"], dead["expirationPolicy"]) == ("604800s", {})
    trigger = story.resources[f"{prefix}/subscriptions/eventarc-gps"]
    policy = {"deadLetterTopic": f"{prefix}/topics/gps-dead", "maxDeliveryAttempts": 100}
    assert trigger["deadLetterPolicy"] == policy
    assert trigger["retryPolicy"] == {"minimumBackoff": "10s", "maximumBackoff": "600s"}


def test_firestore_is_as_its_rows_say(story: Story) -> None:
    database = story.resources[f"projects/{PROJECT}/databases/(default)"]
    assert (database["locationId"], database["type"]) == (REGION, "FIRESTORE_NATIVE")
    assert database["deleteProtectionState"] == "DELETE_PROTECTION_ENABLED"
    assert story.resources[f"{DOCUMENTS}/workers/fields/forget_at"]["ttlConfig"] == {"state": "ACTIVE"}
    assert story.resources[f"{DOCUMENTS}/workers/fields/*"]["indexConfig"] == {}
    newest = {"indexes": [{"fields": [{"order": "DESCENDING"}], "queryScope": "COLLECTION"}]}
    assert story.resources[f"{DOCUMENTS}/exports/fields/n"]["indexConfig"] == newest
    index = next(value for key, value in story.resources.items() if key.startswith(f"{DOCUMENTS}/workers/indexes/"))
    assert index["queryScope"] == "COLLECTION_GROUP"
    names = ["line", "status", "shard", "expires_at"]
    assert index["fields"] == [{"fieldPath": name, "order": "ASCENDING"} for name in names]


def test_the_bucket_and_the_secret_are_as_their_rows_say(story: Story) -> None:
    bucket = story.resources[f"b/{PROJECT}-fleetline"]
    assert bucket["location"] == REGION.upper()
    condition = {"age": 3, "matchesPrefix": ["exports/pclass="]}
    assert bucket["lifecycle"] == {"rule": [{"action": {"type": "Delete"}, "condition": condition}]}
    closed = {"publicAccessPrevention": "enforced", "uniformBucketLevelAccess": {"enabled": True}}
    assert bucket["iamConfiguration"] == closed
    version = story.resources[f"projects/{PROJECT}/secrets/fleetline-token/versions/1"]
    assert base64.b64decode(version["payload"]["data"]) == b"to be filled in"


def test_the_schedule_calls_with_an_identity(story: Story) -> None:
    job = story.resources[f"{LOCATION}/jobs/driver"]
    url = "https://driver-hash-ew.a.run.app"  # Cloud Scheduler adds a slash
    token = {"serviceAccountEmail": story.site.account("scheduler"), "audience": url}
    assert (job["schedule"], job["timeZone"], job["attemptDeadline"]) == ("*/5 * * * *", "Etc/UTC", "1800s")
    assert job["httpTarget"] == {"uri": f"{url}/", "httpMethod": "POST", "oidcToken": token}


def test_nobody_is_given_more_than_the_rows_say(story: Story) -> None:
    """All bindings there are, not only those that must be."""
    prefix, account = f"projects/{PROJECT}", lambda name: f"serviceAccount:{story.site.account(name)}"
    agent = f"serviceAccount:service-{NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
    assert story.bindings == {
        (prefix, f"{prefix}/roles/fleetline_director", account("gps")),
        (prefix, f"{prefix}/roles/fleetline_driver", account("driver")),
        (prefix, "roles/artifactregistry.writer", account("builder")),
        (f"b/{PROJECT}-fleetline", f"{prefix}/roles/fleetline_warehouse", account("driver")),
        (f"{prefix}/secrets/fleetline-token", "roles/secretmanager.secretAccessor", account("gps")),
        (f"{prefix}/topics/gps-dead", "roles/pubsub.publisher", agent),
        (f"{prefix}/subscriptions/eventarc-gps", "roles/pubsub.subscriber", agent),
        (f"{LOCATION}/services/gps", "roles/run.invoker", account("trigger")),
        (f"{LOCATION}/services/driver", "roles/run.invoker", account("scheduler")),
    }


def test_the_permits_allow_what_their_rows_say(story: Story) -> None:
    for permit in plant.PERMITS:
        role = story.resources[f"projects/{PROJECT}/roles/fleetline_{permit.name}"]
        assert role["includedPermissions"] == list(permit.permissions)


def test_what_people_look_at_is_as_its_rows_say(story: Story) -> None:
    metric = story.resources[f"projects/{PROJECT}/metrics/fleetline_export_seconds"]
    assert metric["valueExtractor"] == "EXTRACT(jsonPayload.seconds)"
    assert metric["filter"].endswith('AND jsonPayload.message="exported"')
    channel, alarm, board = (
        _only(story.resources, kind) for kind in ("notificationChannels", "alertPolicies", "dashboards")
    )
    assert channel["labels"] == {"email_address": "ops@example.com"}
    assert alarm["notificationChannels"] == [channel["name"]]
    threshold = alarm["conditions"][0]["conditionThreshold"]
    assert (threshold["thresholdValue"], threshold["duration"]) == (300.0, "300s")
    assert len(board["mosaicLayout"]["tiles"]) == len(plant.CHARTS)


def test_the_exports_are_a_table(story: Story) -> None:
    assert story.resources[f"projects/{PROJECT}/datasets/fleetline"]["location"] == REGION
    table = story.resources[f"projects/{PROJECT}/datasets/fleetline/tables/positions"]["externalDataConfiguration"]
    folder = f"gs://{PROJECT}-fleetline/exports/pclass=positions"
    assert table["sourceUris"] == [f"{folder}/*"]
    assert table["hivePartitioningOptions"] == {"mode": "CUSTOM", "sourceUriPrefix": folder + "/{date:DATE}"}
    fields = {one["name"]: one["type"] for one in table["schema"]["fields"]}
    assert fields == columns(plant.TABLES[0])


def test_the_upload_holds_the_source_and_nothing_else(story: Story) -> None:
    for upload in story.cloud.uploads:
        names = zipfile.ZipFile(io.BytesIO(upload)).namelist()
        assert {name.partition("/")[0] for name in names} == {"main.py", "requirements.txt", "functions"}
        assert not [name for name in names if "__pycache__" in name]


def _only(resources: Json, kind: str) -> Any:
    found = [value for key, value in resources.items() if key.split("/")[-2] == kind]
    assert len(found) == 1, json.dumps(found)
    return found[0]
