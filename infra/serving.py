"""The functions as resources, with what makes them run: schedules, and the dead-letter policy of each trigger."""

from collections.abc import Iterator

from infra import plant
from infra.records import Function
from infra.resource import Argument, Command, Output, Resource, Source, flags
from infra.site import DATABASE, MADE, MARK, Site

RUNTIME = "python313"
SOURCE_LABEL = "fleetline-source"


def functions(site: Site, source_hash: str) -> Iterator[Resource]:
    return (function(site, one, source_hash) for one in plant.FUNCTIONS)


def dead_letter_policies(site: Site) -> Iterator[Resource]:
    return (_dead_letter_policy(site, one.name, one.topic) for one in plant.FUNCTIONS if one.topic)


def schedules(site: Site) -> Iterator[Resource]:
    return (schedule(site, one, one.schedule) for one in plant.FUNCTIONS if one.schedule)


def environment(site: Site, function: Function) -> dict[str, str]:
    """The variables a function sees; functions/settings.py reads them."""
    return {
        "GOOGLE_CLOUD_PROJECT": site.project,
        "FIRESTORE_DATABASE": DATABASE,
        "EXPORT_URL": site.export_url,
        "LOG_LEVEL": site.log_level,
        "WORKERS": "1",
        **function.environment,
    }


def instances(site: Site, function: Function) -> tuple[int, int]:
    """At least and at most: the environment decides, but a row that says one means one."""
    most = function.max_instances if function.max_instances == 1 else site.max_instances
    return (site.min_instances if function.name in plant.LINES else 0), most


def _pairs(variables: dict[str, str]) -> str:
    """NAME=value,…; another separator (gcloud topic escaping) where a value has commas itself."""
    separator = "~" if any("," in value for value in variables.values()) else ","
    pairs = separator.join(f"{name}={value}" for name, value in variables.items())
    return pairs if separator == "," else f"^{separator}^{pairs}"


def function(site: Site, row: Function, source_hash: str) -> Resource:
    least, most = instances(site, row)
    variables, trigger = environment(site, row), site.account("trigger")
    builder = f"projects/{site.project}/serviceAccounts/{site.account('builder')}"
    ingress = "internal-only" if row.callers == "google" else "all"
    arrival: Command = (
        "--trigger-http",
        "--allow-unauthenticated" if row.callers == "anybody" else "--no-allow-unauthenticated",
    )
    if row.topic:
        arrival = (f"--trigger-topic={row.topic}", "--retry", f"--trigger-service-account={trigger}")
    shape = flags(
        runtime=RUNTIME,
        entry_point=row.name,
        concurrency=row.concurrency,
        cpu=row.cpu,
        memory=f"{row.memory_mib}Mi",
        timeout=f"{row.timeout_s}s",
        min_instances=least,
        max_instances=most,
        service_account=site.account(row.name),
        build_service_account=builder,
        ingress_settings=ingress,
        set_env_vars=_pairs(variables),
        update_labels=f"{SOURCE_LABEL}={source_hash}",
    )
    where = flags(region=site.region, project=site.project)
    deploy: Command = (
        "gcloud",
        "functions",
        "deploy",
        row.name,
        "--gen2",
        ("--source=", Source()),
        *arrival,
        *shape,
        _secrets(site, row),
    )
    return Resource(
        "function",
        row.name,
        create=((*deploy, *where, "--quiet"),),
        delete=(("gcloud", "functions", "delete", row.name, "--gen2", *where, "--quiet"),),
        want={
            "state": "ACTIVE",
            "source": source_hash,
            "runtime": RUNTIME,
            "entry_point": row.name,
            "concurrency": row.concurrency,
            "cpu": str(row.cpu),
            "memory": f"{row.memory_mib}Mi",
            "timeout_s": row.timeout_s,
            "min_instances": least,
            "max_instances": most,
            "account": site.account(row.name),
            "builder": builder,
            "ingress": {"internal-only": "ALLOW_INTERNAL_ONLY", "all": "ALLOW_ALL"}[ingress],
            "environment": variables,
            "secrets": {variable: newest(name) for variable, name in row.secrets.items()},
            "topic": site.topic(row.topic) if row.topic else None,
            "retry": "RETRY_POLICY_RETRY" if row.topic else None,
            "trigger_account": trigger if row.topic else None,
            MARK: MADE,
        },
    )


def _secrets(site: Site, row: Function) -> Argument:
    """Secrets by the number of their newest version: another version is another revision, whose instances read it."""
    if not row.secrets:
        return "--clear-secrets"
    parts: list[str | Output] = []
    for variable, name in row.secrets.items():
        number = (f"--secret={name}", *flags(project=site.project), "--format=value(name.basename())")
        latest: Command = ("gcloud", "secrets", "versions", "describe", "latest", *number)
        parts += [f"{',' if parts else '--set-secrets='}{variable}={name}:", Output(latest)]
    return tuple(parts)


def newest(secret: str) -> str:
    return f"{secret}, newest version"


def trigger_subscription(site: Site, function: str) -> Output:
    """The subscription Eventarc made for a function: its name is Eventarc's own, so it is asked for."""
    project = flags(project=site.project)
    describe: Command = ("gcloud", "functions", "describe", function, "--gen2", f"--region={site.region}", *project)
    trigger = Output((*describe, "--format=value(eventTrigger.trigger)"))
    of_trigger: Command = ("gcloud", "eventarc", "triggers", "describe", (trigger,), *project)
    return Output((*of_trigger, "--format=value(transport.pubsub.subscription)"))


def pubsub_agent(site: Site) -> tuple[str | Output, ...]:
    """The member that Pub/Sub acts as in this project; made where it is not there yet."""
    make = ("gcloud", "beta", "services", "identity", "create", "--service=pubsub.googleapis.com")
    return ("serviceAccount:", Output((*make, *flags(project=site.project), "--format=value(email)")))


def _dead_letter_policy(site: Site, function: str, topic: str) -> Resource:
    dead = plant.dead_letter_topic(topic)
    least, most = f"{plant.MIN_RETRY_S}s", f"{plant.MAX_RETRY_S}s"
    policy = flags(
        dead_letter_topic=dead,
        dead_letter_topic_project=site.project,
        max_delivery_attempts=plant.DEAD_LETTER_ATTEMPTS,
        min_retry_delay=least,
        max_retry_delay=most,
    )
    update: Command = ("gcloud", "pubsub", "subscriptions", "update", (trigger_subscription(site, function),), *policy)
    return Resource(
        "dead-letter policy",
        function,
        create=((*update, *flags(project=site.project)),),
        want={
            "topic": site.topic(dead),
            "attempts": plant.DEAD_LETTER_ATTEMPTS,
            "min_retry": least,
            "max_retry": most,
        },
        lock=f"triggers/{function}",
    )


def address(site: Site, function: str) -> Output:
    """A function's run.app address: only there Cloud Scheduler's calls count as internal traffic. Google chooses it."""
    where = flags(region=site.region, project=site.project)
    return Output(("gcloud", "functions", "describe", function, "--gen2", *where, "--format=value(serviceConfig.uri)"))


def schedule(site: Site, row: Function, cron: str) -> Resource:
    jobs, where = ("gcloud", "scheduler", "jobs"), flags(location=site.region, project=site.project)
    url, caller = address(site, row.name), site.account("scheduler")
    deadline = f"{min(max(row.timeout_s, 15), 1800)}s"
    target: Command = (("--uri=", url), ("--oidc-token-audience=", url))
    call = flags(
        schedule=cron,
        time_zone="Etc/UTC",
        http_method="POST",
        attempt_deadline=deadline,
        oidc_service_account_email=caller,
    )
    return Resource(
        "schedule",
        row.name,
        create=((*jobs, "create", "http", row.name, *target, *call, *where),),
        update=((*jobs, "update", "http", row.name, *target, *call, *where),),
        delete=((*jobs, "delete", row.name, *where, "--quiet"),),
        want={
            "cron": cron,
            "time_zone": "Etc/UTC",
            "calls": row.name,
            "method": "POST",
            "deadline": deadline,
            "caller": caller,
            "audience": row.name,
            MARK: MADE,
        },
    )
