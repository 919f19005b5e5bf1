"""What no row asks for: what is known as deploy's own and what is left alone, decided on listings alone."""

from collections.abc import Mapping

from infra import existing, listing
from infra.desired import waves
from infra.leftover import leftovers
from infra.plan import planned
from infra.resource import Found, Resource
from infra.site import site

SITE = site("fleet-test", "europe-west1", "prod")
ASKED = [resource for wave in waves(SITE, "hash") for resource in wave]
GPS, OLD = (f"serviceAccount:{SITE.account(name)}" for name in ("gps", "old"))
GPS_SERVICE = "//run.googleapis.com/projects/fleet-test/locations/europe-west1/services/gps"
PROJECT = "//cloudresourcemanager.googleapis.com/projects/123"
TOPIC = "//pubsub.googleapis.com/projects/fleet-test/topics/gps"


def left(there: Mapping[str, Mapping[str, Found]]) -> list[Resource]:
    everything = {kind: {} for kind in ("services", *existing.READERS)} | dict(there)
    return [change.resource for wave in leftovers(SITE, everything, ASKED) for change in wave]


def bound(*bindings: tuple[str, str, str]) -> dict[str, dict[str, Found]]:
    """Rights as Cloud Asset Inventory lists them: (resource, role, member)."""
    listed = [
        {"resource": resource, "policy": {"bindings": [{"role": role, "members": [member]}]}}
        for resource, role, member in bindings
    ]
    nothing = {name: [] for name in listing.every(SITE)}
    return {"right": existing.READERS["right"]({**nothing, "policies": listed}, SITE)}


def test_what_the_table_asks_for_is_never_left_over() -> None:
    there: dict[str, dict[str, Found]] = {}
    for resource in ASKED:
        member = {"member": GPS, "caller": SITE.account("scheduler"), "source": "x", "content": "x"}
        there.setdefault(resource.kind, {})[resource.name] = Found({**resource.want, **member})
    assert left(there) == []


def test_a_right_that_its_row_lost_is_left_over_and_taken_back_as_it_was_granted() -> None:
    (right,) = left(bound((TOPIC, "roles/pubsub.subscriber", GPS)))
    assert right.name == "fleetline-gps is pubsub.subscriber on topics/gps"
    (remove,) = right.delete
    assert remove[:5] == ("gcloud", "pubsub", "topics", "remove-iam-policy-binding", "gps")
    assert ("--member=", GPS) in remove
    assert "--role=roles/pubsub.subscriber" in remove


def test_a_role_of_our_own_is_taken_back_by_its_full_name() -> None:
    (right,) = left(bound((PROJECT, SITE.permit("driver"), GPS)))
    assert f"--role={SITE.permit('driver')}" in right.delete[0]


def test_whoever_may_call_a_function_without_a_row_saying_so_is_left_over() -> None:
    rights = bound(
        (GPS_SERVICE, "roles/run.invoker", "allUsers"),
        (GPS_SERVICE, "roles/run.invoker", "user:ann@example.com"),
        (GPS_SERVICE, "roles/run.invoker", "user:ann@example.org"),
    )
    assert {one.name.partition(" is ")[0] for one in left(rights)} == {
        "everybody",
        "ann@example.com",
        "ann@example.org",
    }


def test_rights_of_others_and_on_other_things_are_left_alone() -> None:
    rights = bound(
        (PROJECT, "roles/owner", "user:ann@example.com"),
        (TOPIC, "roles/pubsub.publisher", "serviceAccount:gateway@fleet-test.iam.gserviceaccount.com"),
        ("//storage.googleapis.com/maps", "roles/storage.objectViewer", GPS),
        (GPS_SERVICE.replace("gps", "shop"), "roles/run.invoker", "allUsers"),
    )
    assert left(rights) == []


def test_things_without_our_mark_are_left_alone() -> None:
    there = {
        "function": {"shop": Found({"source": None})},
        "account": {"gateway": Found({})},
        "permit": {"fleetline_old": Found({}, "", (("gcloud", "iam", "roles", "undelete", "fleetline_old"),))},
        "schedule": {"nightly": Found({"caller": "cron@fleet-test.iam.gserviceaccount.com"})},
        "topic": {"orders": Found({"retention": "600s"})},
        "alarm": {"shop is down": Found({"content": None})},
    }
    assert left(there) == []


def test_what_needs_another_goes_before_it() -> None:
    there = {
        **bound((TOPIC, "roles/pubsub.publisher", OLD)),
        "account": {"fleetline-old": Found({})},
        "function": {"old": Found({"source": "hash"})},
        "schedule": {"old": Found({"caller": SITE.account("scheduler")})},
        "channel": {"Fleetline operators": Found({"address": "old@example.com"}, "channels/1")},
    }
    assert [one.kind for one in left(there)] == ["right", "schedule", "channel", "function", "account"]


def test_a_database_elsewhere_cannot_be_what_the_table_asks_for() -> None:
    database = next(one for one in ASKED if one.kind == "database")
    there = {"database": {database.name: Found({**database.want, "location": "nam5"})}}
    change = planned([[database]], there)[0][0]
    assert (change.action, change.commands) == ("impossible", ())
    assert change.differs == {"location": ("nam5", "europe-west1")}
