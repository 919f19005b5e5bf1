"""The functions as resources, with what makes them run: schedules, and the dead-letter policy of each trigger."""

from collections.abc import Iterator

from infra import plant
from infra.records import Function
from infra.resource import Command, Output, Resource, Source, flags
from infra.site import DATABASE, Site

RUNTIME = "python313"
SOURCE_LABEL = "fleetline-source"


def functions(site: Site, source_hash: str) -> Iterator[Resource]:
    return (_function(site, function, source_hash) for function in plant.FUNCTIONS)


def dead_letter_policies(site: Site) -> Iterator[Resource]:
    return (_dead_letter_policy(site, one.name, one.topic) for one in plant.FUNCTIONS if one.topic)


def schedules(site: Site) -> Iterator[Resource]:
    return (_schedule(site, one, one.schedule) for one in plant.FUNCTIONS if one.schedule)


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


def _function(site: Site, function: Function, source_hash: str) -> Resource:
    least, most = instances(site, function)
    variables, trigger = environment(site, function), site.account("trigger")
    builder = f"projects/{site.project}/serviceAccounts/{site.account('builder')}"
    ingress = "internal-only" if function.topic else "all"
    arrival: Command = (
        "--trigger-http",
        "--allow-unauthenticated" if function.public else "--no-allow-unauthenticated",
    )
    if function.topic:
        arrival = (f"--trigger-topic={function.topic}", "--retry", f"--trigger-service-account={trigger}")
    secrets = ",".join(f"{variable}={name}:latest" for variable, name in function.secrets.items())
    shape = flags(
        runtime=RUNTIME,
        entry_point=function.name,
        concurrency=function.concurrency,
        cpu=function.cpu,
        memory=f"{function.memory_mib}Mi",
        timeout=f"{function.timeout_s}s",
        min_instances=least,
        max_instances=most,
        service_account=site.account(function.name),
        build_service_account=builder,
        ingress_settings=ingress,
        set_env_vars=_pairs(variables),
        set_secrets=secrets or None,
        update_labels=f"{SOURCE_LABEL}={source_hash}",
    )
    where = flags(region=site.region, project=site.project)
    deploy: Command = (
        "gcloud",
        "functions",
        "deploy",
        function.name,
        "--gen2",
        ("--source=", Source()),
        *arrival,
        *shape,
    )
    return Resource(
        "function",
        function.name,
        create=((*deploy, *where, "--quiet"),),
        delete=(("gcloud", "functions", "delete", function.name, "--gen2", *where, "--quiet"),),
        want={
            "state": "ACTIVE",
            "source": source_hash,
            "runtime": RUNTIME,
            "entry_point": function.name,
            "concurrency": function.concurrency,
            "cpu": str(function.cpu),
            "memory": f"{function.memory_mib}Mi",
            "timeout_s": function.timeout_s,
            "min_instances": least,
            "max_instances": most,
            "account": site.account(function.name),
            "builder": builder,
            "ingress": {"internal-only": "ALLOW_INTERNAL_ONLY", "all": "ALLOW_ALL"}[ingress],
            "environment": variables,
            "secrets": function.secrets,
            "topic": site.topic(function.topic) if function.topic else None,
            "retry": "RETRY_POLICY_RETRY" if function.topic else None,
            "trigger_account": trigger if function.topic else None,
        },
    )


def trigger_subscription(site: Site, function: str) -> Output:
    """The subscription Eventarc made for a function: its name is Eventarc's own, so it is asked for."""
    project = flags(project=site.project)
    describe: Command = ("gcloud", "functions", "describe", function, "--gen2", f"--region={site.region}", *project)
    trigger = Output((*describe, "--format=value(eventTrigger.trigger)"))
    of_trigger: Command = ("gcloud", "eventarc", "triggers", "describe", (trigger,), *project)
    return Output((*of_trigger, "--format=value(transport.pubsub.subscription)"))


def pubsub_agent(site: Site) -> tuple[str | Output, ...]:
    """The member that Pub/Sub acts as in this project."""
    number = Output(("gcloud", "projects", "describe", site.project, "--format=value(projectNumber)"))
    return ("serviceAccount:service-", number, "@gcp-sa-pubsub.iam.gserviceaccount.com")


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


def _schedule(site: Site, function: Function, cron: str) -> Resource:
    jobs, where = ("gcloud", "scheduler", "jobs"), flags(location=site.region, project=site.project)
    url, caller = site.url(function.name), site.account("scheduler")
    deadline = f"{min(max(function.timeout_s, 15), 1800)}s"
    call = flags(
        schedule=cron,
        time_zone="Etc/UTC",
        uri=url,
        http_method="POST",
        attempt_deadline=deadline,
        oidc_service_account_email=caller,
        oidc_token_audience=url,
    )
    return Resource(
        "schedule",
        function.name,
        create=((*jobs, "create", "http", function.name, *call, *where),),
        update=((*jobs, "update", "http", function.name, *call, *where),),
        delete=((*jobs, "delete", function.name, *where, "--quiet"),),
        want={
            "cron": cron,
            "time_zone": "Etc/UTC",
            "url": url,
            "method": "POST",
            "deadline": deadline,
            "caller": caller,
            "audience": url,
        },
    )
