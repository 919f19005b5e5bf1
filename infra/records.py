"""The records that rows of the plant table are made of; nothing here knows gcloud."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Topic:
    """A Pub/Sub topic that keeps what was published for `retention_s`, so that it can be played again (seek).

    What a function has not answered yet is on its trigger's subscription, which Eventarc makes and keeps for 24 h.
    """

    name: str
    retention_s: int = 24 * 3600


@dataclass(frozen=True)
class Right:
    """A role, and on what: "project", "bucket", "topics/NAME", "secrets/NAME", "functions/NAME" or "triggers/NAME" (the
    subscription of that function's trigger). A role without a slash is one of PERMITS."""

    role: str
    on: str = "project"


@dataclass(frozen=True)
class Permit:
    """A role of our own, where Google's smallest would allow more than the work needs."""

    name: str
    permissions: tuple[str, ...]


@dataclass(frozen=True)
class Account:
    """A service account that is no function's own."""

    name: str
    does: str
    rights: tuple[Right, ...] = ()


@dataclass(frozen=True)
class Function:
    """One deployed function: its role is its name, its entry point in main.py, its account and its log field.

    A function has a `topic` that triggers it (one CloudEvent per message) or a `schedule` (cron, UTC) or neither
    (people or devices call it). `concurrency` is requests held at once per instance. On the laptop a scheduled
    function runs every `laptop_interval_s`. `rights` are all its account has; `secrets` are names of SECRETS by the
    variable they come in. `callers` are "google" (its triggers and schedules alone), "members" (of the environment, who
    show Google who they are) or "anybody" (it must then ask who they are itself).
    """

    name: str
    topic: str | None = None
    schedule: str | None = None
    laptop_interval_s: float | None = None
    concurrency: int = 500
    memory_mib: int = 512
    cpu: int = 1
    timeout_s: int = 60
    max_instances: int = 20
    environment: dict[str, str] = field(default_factory=dict)
    rights: tuple[Right, ...] = ()
    secrets: dict[str, str] = field(default_factory=dict)
    callers: Literal["google", "members", "anybody"] = "google"


@dataclass(frozen=True)
class Secret:
    """A secret; deploy gives it `initial` as first version and never touches it again."""

    name: str
    initial: str


@dataclass(frozen=True)
class Collection:
    """A Firestore collection (all of that name) none of whose fields is indexed but those named here.

    `fields` are "name" or "-name" (descending), for queries within one such collection; `expires` is the field the
    TTL policy sweeps by.
    """

    name: str
    fields: tuple[str, ...] = ()
    expires: str | None = None


@dataclass(frozen=True)
class Index:
    """A composite index; `everywhere` for queries over all collections of that name. Fields as in Collection."""

    collection: str
    fields: tuple[str, ...]
    everywhere: bool = False


@dataclass(frozen=True)
class Table:
    """A BigQuery table over the exported files of a product class: its columns by kind (those of
    functions/core/columns.py), names with spaces between."""

    pclass: str
    text: str = ""
    number: str = ""
    integer: str = ""
    time: str = ""
    flag: str = ""


@dataclass(frozen=True)
class LogMetric:
    """A count by role of the log lines that match, or with `field` the distribution of that number in them."""

    name: str
    says: str
    matches: str
    field: str | None = None


@dataclass(frozen=True)
class Alarm:
    """An alert policy: people are told when a metric stays over `above` for `for_s`. Durations are whole minutes."""

    name: str
    metric: str
    above: float
    for_s: int
    advice: str
    resource: str = "pubsub_subscription"
    matches: str = ""
    per_series: str = "ALIGN_MAX"


@dataclass(frozen=True)
class Chart:
    """A chart on the dashboard: one metric, reduced over its series by `by`."""

    title: str
    metric: str
    by: str
    matches: str = ""
    per_series: str = "ALIGN_RATE"
    over_series: str = "REDUCE_SUM"
