"""The answers: how the entries that Google lists are read as the fields of our resources."""

import re
from collections.abc import Callable, Mapping

from infra.listing import Entry, Listings, dig, last, versions
from infra.resource import Command, Found, flags
from infra.serving import SOURCE_LABEL, newest
from infra.site import ENVIRONMENT_LABEL, MADE, MARK, PREFIX, Site
from infra.watching import CHANNEL, LABEL

Fields = dict[str, str]
"""Our name of a field → its path in Google's entry."""


def _plain(listing: str, fields: Fields, named: str = "name", called: str = "name") -> "Reader":
    """Entries whose fields can be taken as they are."""

    def read(found: Listings, _: Site) -> dict[str, Found]:
        return {
            last(entry[named]): Found({ours: dig(entry, path) for ours, path in fields.items()}, entry[called])
            for entry in found[listing]
            if named in entry
        }

    return read


def _permits(found: Listings, site: Site) -> dict[str, Found]:
    """A deleted role keeps its name for weeks: it is taken back before it is used again."""
    permits = {}
    for entry in found["permits"]:
        name, project = last(entry["name"]), flags(project=site.project)
        back: tuple[Command, ...] = (("gcloud", "iam", "roles", "undelete", name, *project),)
        deleted = bool(entry.get("deleted"))
        allows = None if deleted else sorted(entry.get("includedPermissions", []))
        permits[name] = Found({"permissions": allows}, entry["name"], back if deleted else ())
    return permits


def _accounts(found: Listings, _: Site) -> dict[str, Found]:
    return {entry["email"].partition("@")[0]: Found({"title": entry.get("displayName")}) for entry in found["accounts"]}


def _databases(found: Listings, _: Site) -> dict[str, Found]:
    return {
        last(entry["name"]): Found(
            {
                "location": entry.get("locationId"),
                "type": entry.get("type"),
                "protected": entry.get("deleteProtectionState") == "DELETE_PROTECTION_ENABLED",
            }
        )
        for entry in found["databases"]
    }


def _buckets(found: Listings, _: Site) -> dict[str, Found]:
    return {
        entry["name"]: Found(
            {
                "location": str(entry.get("location", "")).upper(),
                "uniform": entry.get("uniform_bucket_level_access"),
                "public": entry.get("public_access_prevention"),
                "rules": dig(entry, "lifecycle_config.rule") or [],
                "environment": dig(entry, "labels").get(ENVIRONMENT_LABEL) if entry.get("labels") else None,
            }
        )
        for entry in found["buckets"]
    }


def _exemptions(found: Listings, _: Site) -> dict[str, Found]:
    def order(index: Entry) -> str:
        return f"{index['queryScope']} {index['fields'][0].get('order') or index['fields'][0].get('arrayConfig')}"

    return {
        _collection_field(entry["name"]): Found(
            {"indexes": sorted(map(order, dig(entry, "indexConfig.indexes") or []))}
        )
        for entry in found["exemptions"]
    }


def _ttls(found: Listings, _: Site) -> dict[str, Found]:
    return {_collection_field(entry["name"]): Found({}) for entry in found["ttls"]}


def _collection_field(name: str) -> str:
    """workers.forget_at of projects/P/databases/D/collectionGroups/workers/fields/forget_at."""
    names = name.split("/")
    return f"{names[-3]}.{names[-1]}"


def _indexes(found: Listings, _: Site) -> dict[str, Found]:
    indexes = {}
    for entry in found["indexes"]:
        fields = [one for one in entry["fields"] if one["fieldPath"] != "__name__"]
        names = ", ".join(("-" if one.get("order") == "DESCENDING" else "") + one["fieldPath"] for one in fields)
        scope = "everywhere" if entry["queryScope"] == "COLLECTION_GROUP" else "in one"
        indexes[f"{entry['name'].split('/')[-3]} {scope}: {names}"] = Found({}, entry["name"])
    return indexes


def _functions(found: Listings, _: Site) -> dict[str, Found]:
    functions = {}
    for entry in found["functions"]:
        fields = {ours: dig(entry, path) for ours, path in _FUNCTION.items()}
        variables = dict(fields["environment"] or {})
        variables.pop("LOG_EXECUTION_ID", None)  # gcloud adds it
        secrets = dig(entry, "serviceConfig.secretEnvironmentVariables") or []
        fields |= {"environment": variables, "secrets": {one["key"]: _secret(one, found) for one in secrets}}
        fields[MARK] = MADE if fields["source"] else None
        functions[last(entry["name"])] = Found(fields)
    return functions


def _secret(used: Entry, found: Listings) -> str:
    """Which version of a secret a function has, in the words of the plan."""
    name = last(used["secret"])
    numbers = [int(last(entry["name"])) for entry in found.get(versions(name), [])]
    is_newest = numbers and used["version"] == str(max(numbers))
    return newest(name) if is_newest else f"{name}, version {used['version']}"


_FUNCTION = {
    "state": "state",
    "source": f"labels.{SOURCE_LABEL}",
    "runtime": "buildConfig.runtime",
    "entry_point": "buildConfig.entryPoint",
    "builder": "buildConfig.serviceAccount",
    "concurrency": "serviceConfig.maxInstanceRequestConcurrency",
    "cpu": "serviceConfig.availableCpu",
    "memory": "serviceConfig.availableMemory",
    "timeout_s": "serviceConfig.timeoutSeconds",
    "min_instances": "serviceConfig.minInstanceCount",
    "max_instances": "serviceConfig.maxInstanceCount",
    "account": "serviceConfig.serviceAccountEmail",
    "ingress": "serviceConfig.ingressSettings",
    "environment": "serviceConfig.environmentVariables",
    "topic": "eventTrigger.pubsubTopic",
    "retry": "eventTrigger.retryPolicy",
    "trigger_account": "eventTrigger.serviceAccountEmail",
}


def trigger_subscriptions(found: Listings) -> dict[str, str]:
    """Subscription → the function it was made for."""
    of_trigger = {entry["name"]: dig(entry, "transport.pubsub.subscription") for entry in found["triggers"]}
    triggers = {last(entry["name"]): dig(entry, "eventTrigger.trigger") for entry in found["functions"]}
    return {of_trigger[trigger]: name for name, trigger in triggers.items() if of_trigger.get(trigger)}


def _dead_letter_policies(found: Listings, _: Site) -> dict[str, Found]:
    ours, policies = trigger_subscriptions(found), {}
    for entry in found["subscriptions"]:
        if entry["name"] in ours and "deadLetterPolicy" in entry:
            fields = {name: dig(entry, path) for name, path in _POLICY.items()}
            policies[ours[entry["name"]]] = Found(fields)
    return policies


_POLICY = {
    "topic": "deadLetterPolicy.deadLetterTopic",
    "attempts": "deadLetterPolicy.maxDeliveryAttempts",
    "min_retry": "retryPolicy.minimumBackoff",
    "max_retry": "retryPolicy.maximumBackoff",
}


def _rights(found: Listings, site: Site) -> dict[str, Found]:
    subscriptions = trigger_subscriptions(found)
    rights: dict[str, Found] = {}
    for entry in found["policies"]:
        on = _target(entry["resource"], site, subscriptions)
        for binding in entry.get("policy", {}).get("bindings", []):
            if "condition" not in binding:
                role = last(binding["role"])
                for member in binding["members"]:
                    rights[f"{_holder(member, site)} is {role} on {on}"] = Found({"member": member}, binding["role"])
    return rights


def _target(resource: str, site: Site, subscriptions: Mapping[str, str]) -> str:
    """ "topics/gps" of //pubsub.googleapis.com/projects/P/topics/gps, as records.Right has it."""
    service, _, name = resource.removeprefix("//").partition(".googleapis.com/")
    match service:
        case "storage":
            return "bucket" if name == site.bucket else name
        case "run" if f"/locations/{site.region}/" in name:
            return f"functions/{last(name)}"
        case "cloudresourcemanager":
            return "project"
        case "pubsub" if name in subscriptions:
            return f"triggers/{subscriptions[name]}"
    return "/".join(name.split("/")[-2:])


def _holder(member: str, site: Site) -> str:
    if member == "allUsers":
        return "everybody"
    if re.fullmatch(r"serviceAccount:service-\d+@gcp-sa-pubsub\.iam\.gserviceaccount\.com", member):
        return "the Pub/Sub agent"
    return site.holder(member.partition(":")[2])


def _schedules(found: Listings, site: Site) -> dict[str, Found]:
    """What they call is compared by the function's name: its address is Google's choice (Cloud Scheduler adds a /)."""
    functions = {str(dig(entry, "serviceConfig.uri")).rstrip("/"): last(entry["name"]) for entry in found["functions"]}
    schedules = {}
    for entry in found["schedules"]:
        fields = {ours: dig(entry, path) for ours, path in _SCHEDULE.items()}
        fields |= {name: functions.get(str(fields[name]).rstrip("/"), fields[name]) for name in ("calls", "audience")}
        fields[MARK] = MADE if fields["caller"] == site.account("scheduler") else None
        schedules[last(entry["name"])] = Found(fields)
    return schedules


_SCHEDULE = {
    "cron": "schedule",
    "time_zone": "timeZone",
    "calls": "httpTarget.uri",
    "method": "httpTarget.httpMethod",
    "deadline": "attemptDeadline",
    "caller": "httpTarget.oidcToken.serviceAccountEmail",
    "audience": "httpTarget.oidcToken.audience",
}


def _channels(found: Listings, _: Site) -> dict[str, Found]:
    return {
        entry["displayName"]: Found({"address": dig(entry, "labels.email_address")}, entry["name"])
        for entry in found["channels"]
        if entry.get("displayName") == CHANNEL
    }


def _datasets(found: Listings, _: Site) -> dict[str, Found]:
    return {
        dig(entry, "datasetReference.datasetId"): Found({"location": entry.get("location")})
        for entry in found["datasets"]
    }


def _tables(found: Listings, _: Site) -> dict[str, Found]:
    return {
        dig(entry, "tableReference.tableId"): Found({"content": dig(entry, f"labels.{LABEL}")})
        for entry in found["tables"]
    }


Reader = Callable[[Listings, Site], dict[str, Found]]

READERS: dict[str, Reader] = {
    "permit": _permits,
    "account": _accounts,
    "topic": _plain("topics", {"retention": "messageRetentionDuration", MARK: f"labels.{PREFIX}"}),
    "subscription": _plain(
        "subscriptions", {"topic": "topic", "retention": "messageRetentionDuration", MARK: f"labels.{PREFIX}"}
    ),
    "database": _databases,
    "bucket": _buckets,
    "secret": _plain("secrets", {}),
    "exemption": _exemptions,
    "ttl": _ttls,
    "index": _indexes,
    "right": _rights,
    "function": _functions,
    "dead-letter policy": _dead_letter_policies,
    "schedule": _schedules,
    "log metric": _plain("metrics", {"says": "description", "matches": "filter", "value": "valueExtractor"}),
    "channel": _channels,
    "alarm": _plain("alarms", {"content": f"userLabels.{LABEL}"}, named="displayName"),
    "dashboard": _plain("dashboards", {"content": f"labels.{LABEL}"}, named="displayName"),
    "dataset": _datasets,
    "table": _tables,
}
