"""What the table asks for, as resources in the order in which they are made: the plant itself."""

import json
from collections.abc import Iterator

from infra import plant
from infra.records import Collection, Index, Permit, Right
from infra.resource import Argument, Command, File, Output, Resource, flags
from infra.serving import dead_letter_policies, functions, pubsub_agent, schedules, trigger_subscription
from infra.site import DATABASE, ENVIRONMENT_LABEL, EXPORTS, MADE, MARK, PREFIX, Site
from infra.watching import alarms, channels, dashboard, dataset, log_metrics, tables

INVOKER = "roles/run.invoker"
_LABEL = f"{PREFIX}={MADE}"


def waves(site: Site, source_hash: str) -> list[list[Resource]]:
    """Every resource of the plant on this site; those of one wave need only what earlier waves made.

    `source_hash` is that of the functions' source. Indexes are built, one after another, while Google builds the
    functions. Alarms come last: a log metric is known to them minutes after it was made. So do BigQuery's tables:
    nothing of the plant waits for them.
    """
    return [
        [services(site)],
        [*permits(site), *accounts(site), *topics(site), *storage(site), *log_metrics(site), *channels(site)],
        [*dead_letters(site), *rights(site), dataset(site)],
        [*indexes(site), *functions(site, source_hash)],
        [
            *(*dead_letter_policies(site), *schedules(site), *trigger_rights(site)),
            *(*alarms(site), dashboard(site), *tables(site)),
        ],
    ]


SERVICES = "APIs"


def services(site: Site) -> Resource:
    """APIs are one resource, enabled by one command; deploy never disables what others may use."""
    project = flags(project=site.project)
    enable: Command = ("gcloud", "services", "enable", *plant.SERVICES, *project)
    identities = tuple(
        ("gcloud", "beta", "services", "identity", "create", f"--service={service}", *project)
        for service in plant.AGENTS
    )
    want = dict.fromkeys(plant.SERVICES, "enabled")
    return Resource("services", SERVICES, (enable, *identities), want)


def permits(site: Site) -> Iterator[Resource]:
    return (permit(site, one) for one in plant.PERMITS)


def permit(site: Site, one: Permit) -> Resource:
    role, title, project = f"{PREFIX}_{one.name}", f"Fleetline {one.name}", flags(project=site.project)
    allows = flags(permissions=",".join(one.permissions), stage="GA")
    return Resource(
        "permit",
        role,
        create=(("gcloud", "iam", "roles", "create", role, f"--title={title}", *allows, *project),),
        update=(("gcloud", "iam", "roles", "update", role, f"--title={title}", *allows, *project),),
        delete=(("gcloud", "iam", "roles", "delete", role, *project, "--quiet"),),
        want={"permissions": sorted(one.permissions)},
        kept=True,
    )


def accounts(site: Site) -> Iterator[Resource]:
    does = {function.name: f"Fleetline {function.name}" for function in plant.FUNCTIONS}
    does |= {one.name: f"Fleetline {one.name}: {one.does}" for one in plant.ACCOUNTS}
    return (account(site, name, title) for name, title in does.items())


def account(site: Site, name: str, title: str) -> Resource:
    verbs, email = ("gcloud", "iam", "service-accounts"), site.account(name)
    project = flags(project=site.project)
    return Resource(
        "account",
        f"{PREFIX}-{name}",
        create=((*verbs, "create", f"{PREFIX}-{name}", f"--display-name={title}", *project),),
        update=((*verbs, "update", email, f"--display-name={title}", *project),),
        delete=((*verbs, "delete", email, *project, "--quiet"),),
        want={"title": title},
    )


def topics(site: Site) -> Iterator[Resource]:
    project = flags(project=site.project)
    for topic in plant.TOPICS:
        keep, verbs = flags(message_retention_duration=f"{topic.retention_s}s"), ("gcloud", "pubsub", "topics")
        yield Resource(
            "topic",
            topic.name,
            create=((*verbs, "create", topic.name, f"--labels={_LABEL}", *keep, *project),),
            update=((*verbs, "update", topic.name, f"--update-labels={_LABEL}", *keep, *project),),
            delete=((*verbs, "delete", topic.name, *project),),
            want={"retention": f"{topic.retention_s}s", MARK: MADE},
        )


def dead_letters(site: Site) -> Iterator[Resource]:
    """A subscription on every dead-letter topic: without one, what is published there is gone."""
    keep = flags(message_retention_duration=f"{plant.DEAD_LETTER_RETENTION_S}s", expiration_period="never")
    for trigger in plant.TRIGGERS:
        name = plant.dead_letter_topic(trigger)
        verbs = ("gcloud", "pubsub", "subscriptions")
        project = flags(project=site.project)
        yield Resource(
            "subscription",
            name,
            create=((*verbs, "create", name, f"--topic={name}", f"--labels={_LABEL}", *keep, *project),),
            update=((*verbs, "update", name, f"--update-labels={_LABEL}", *keep, *project),),
            delete=((*verbs, "delete", name, *project),),
            want={"topic": site.topic(name), "retention": f"{plant.DEAD_LETTER_RETENTION_S}s", MARK: MADE},
        )


def storage(site: Site) -> Iterator[Resource]:
    """Database, bucket and secrets: they hold data."""
    project, database = flags(project=site.project), flags(database=DATABASE)
    protection = ("--delete-protection",) if site.protected else ()
    databases = ("gcloud", "firestore", "databases")
    lift = () if not site.protected else ((*databases, "update", *database, "--no-delete-protection", *project),)
    shape = flags(location=site.region, type="firestore-native")
    protected = protection or ("--no-delete-protection",)
    # create reports an operation that failed as if it had not, so what it made is looked at
    look: Command = (*databases, "describe", *database, *project)
    yield Resource(
        "database",
        DATABASE,
        create=((*databases, "create", *database, *shape, *protection, *project), look),
        update=((*databases, "update", *database, *protected, *project),),
        delete=(*lift, (*databases, "delete", *database, *project, "--quiet")),
        want={"location": site.region, "type": "FIRESTORE_NATIVE", "protected": site.protected},
        kept=True,
        fixed=("location", "type"),
    )
    yield _bucket(site)
    for secret in plant.SECRETS:
        initial: Argument = ("--data-file=", File(f"{secret.name}.txt", secret.initial))
        yield Resource(
            "secret",
            secret.name,
            create=(("gcloud", "secrets", "create", secret.name, "--replication-policy=automatic", initial, *project),),
            delete=(("gcloud", "secrets", "delete", secret.name, *project, "--quiet"),),
            kept=True,
        )


def _bucket(site: Site) -> Resource:
    url, project = f"gs://{site.bucket}", flags(project=site.project)
    condition = {"age": site.export_days, "matchesPrefix": [f"{EXPORTS}/pclass="]}  # the chain of manifests stays
    rules = [{"action": {"type": "Delete"}, "condition": condition}] if site.export_days else []
    life: Argument = ("--lifecycle-file=", File("lifecycle.json", json.dumps({"rule": rules}, indent=1)))
    closed = ("--uniform-bucket-level-access", "--public-access-prevention")
    verbs, label = ("gcloud", "storage", "buckets"), f"--update-labels={ENVIRONMENT_LABEL}={site.environment}"
    return Resource(
        "bucket",
        site.bucket,
        create=(
            (*verbs, "create", url, f"--location={site.region}", *closed, life, *project),
            (*verbs, "update", url, label, *project),
        ),
        update=((*verbs, "update", url, *closed, life, label, *project),),
        delete=(("gcloud", "storage", "rm", url, "--recursive", *project),),
        want={
            "location": site.region.upper(),
            "uniform": True,
            "public": "enforced",
            "rules": rules,
            "environment": site.environment,
        },
        kept=True,
        fixed=("location",),
    )


def indexes(site: Site) -> Iterator[Resource]:
    """They go with the database, so destroy has nothing to do for them."""
    for collection in plant.COLLECTIONS:
        yield from _fields(site, collection)
    for index in plant.INDEXES:
        yield _composite(site, index)


def _fields(site: Site, collection: Collection) -> Iterator[Resource]:
    where = (f"--collection-group={collection.name}", f"--database={DATABASE}", *flags(project=site.project))
    update = ("gcloud", "firestore", "indexes", "fields", "update")
    off: Command = (*update, "*", *where, "--disable-indexes")
    yield Resource("exemption", f"{collection.name}.*", create=(off,), want={"indexes": []}, lock="firestore")
    for name in dict.fromkeys(field.lstrip("-") for field in collection.fields):
        orders = sorted(_order(field) for field in collection.fields if field.lstrip("-") == name)
        on: Command = (*update, name, *where, *(f"--index=order={order.lower()}" for order in orders))
        want = {"indexes": [f"COLLECTION {order}" for order in orders]}
        yield Resource("exemption", f"{collection.name}.{name}", create=(on,), want=want, lock="firestore")
    if collection.expires:
        ttl: Command = ("gcloud", "firestore", "fields", "ttls", "update", collection.expires, *where, "--enable-ttl")
        yield Resource("ttl", f"{collection.name}.{collection.expires}", create=(ttl,), lock="firestore")


def _composite(site: Site, index: Index) -> Resource:
    scope = "collection-group" if index.everywhere else "collection"
    fields = [f"--field-config=field-path={field.lstrip('-')},order={_order(field).lower()}" for field in index.fields]
    where = (f"--collection-group={index.collection}", f"--query-scope={scope}", f"--database={DATABASE}")
    create: Command = (
        "gcloud",
        "firestore",
        "indexes",
        "composite",
        "create",
        *where,
        *fields,
        *flags(project=site.project),
    )
    name = f"{index.collection} {'everywhere' if index.everywhere else 'in one'}: {', '.join(index.fields)}"
    return Resource("index", name, create=(create,), lock="firestore")


def _order(field: str) -> str:
    return "DESCENDING" if field.startswith("-") else "ASCENDING"


def rights(site: Site) -> Iterator[Resource]:
    """What the accounts may do, but for what concerns a function or its trigger's subscription."""
    holders = [(one.name, one.rights) for one in plant.FUNCTIONS] + [(one.name, one.rights) for one in plant.ACCOUNTS]
    for name, granted in holders:
        for one in granted:
            yield right(site, one, site.account(name))
    agent = pubsub_agent(site)
    for trigger in plant.TRIGGERS:
        publishes = Right("roles/pubsub.publisher", f"topics/{plant.dead_letter_topic(trigger)}")
        yield right(site, publishes, "the Pub/Sub agent", agent)


def trigger_rights(site: Site) -> Iterator[Resource]:
    """Who calls the functions; and Pub/Sub itself must take a dead letter off the subscription it was on."""
    for function in plant.FUNCTIONS:
        caller = "trigger" if function.topic else "scheduler" if function.schedule else None
        on = f"functions/{function.name}"
        if caller:
            yield right(site, Right(INVOKER, on), site.account(caller))
        if function.callers == "anybody":
            yield right(site, Right(INVOKER, on), "everybody", ("allUsers",))
        for member in site.members if function.callers == "members" else ():
            yield right(site, Right(INVOKER, on), member.partition(":")[2], (member,))
        if function.topic:
            take = Right("roles/pubsub.subscriber", f"triggers/{function.name}")
            yield right(site, take, "the Pub/Sub agent", pubsub_agent(site))


def right(
    site: Site, one: Right, holder: str, member: tuple[str | Output, ...] = (), *, alone: bool = False
) -> Resource:
    """One binding. Those on what destroy deletes anyway go with it, unless it is deleted `alone`."""
    role = one.role if "/" in one.role else site.permit(one.role)
    target, outlives = _target(site, one.on)
    who: Argument = ("--member=", *(member or (f"serviceAccount:{holder}",)))
    grant: Command = (who, f"--role={role}", *flags(project=site.project))
    condition = ("--condition=None",) if one.on == "project" else ()
    remove: Command = (*target[0], "remove-iam-policy-binding", *target[1], *grant, *condition)
    return Resource(
        "right",
        f"{site.holder(holder)} is {role.rpartition('/')[2]} on {one.on}",
        create=((*target[0], "add-iam-policy-binding", *target[1], *grant, *condition),),
        delete=(remove,) if outlives or alone else (),
        lock=one.on,
        needs=frozenset({("account", site.holder(holder)), _thing(site, one.on)}),
    )


def _thing(site: Site, on: str) -> tuple[str, str]:
    """Kind and name of what a right is on."""
    kind, _, name = on.partition("/")
    of = {"topics": "topic", "secrets": "secret", "functions": "function", "triggers": "function"}
    return ("bucket", site.bucket) if kind == "bucket" else (of.get(kind, kind), name)


TARGETS = ("project", "bucket", "secrets", "topics", "functions", "triggers")
"""What a right can be on, up to its slash."""


def _target(site: Site, on: str) -> tuple[tuple[Command, Command], bool]:
    """The words before and after the verb, and whether the thing outlives destroy."""
    kind, _, name = on.partition("/")
    match kind:
        case "project":
            return (("gcloud", "projects"), (site.project,)), True
        case "bucket":
            return (("gcloud", "storage", "buckets"), (f"gs://{site.bucket}",)), True
        case "secrets":
            return (("gcloud", "secrets"), (name,)), True
        case "topics":
            return (("gcloud", "pubsub", "topics"), (name,)), False
        case "functions":
            return (("gcloud", "run", "services"), (name, f"--region={site.region}")), False
        case "triggers":
            return (("gcloud", "pubsub", "subscriptions"), ((trigger_subscription(site, name),),)), False
    raise ValueError(f"a right on {on}")
