"""The plant table: the one list of topics, functions and schedules that gcloud deploys from and the emulator runs.

Everything a deployment needs is a row here: to add a line, a role, an index, a right or an alarm, add its row.
"""

from infra.records import (
    Account,
    Alarm,
    Chart,
    Collection,
    Function,
    Index,
    LogMetric,
    Permit,
    Right,
    Secret,
    Table,
    Topic,
)

__all__ = ["Function", "Topic"]

DEAD_LETTER_ATTEMPTS = 100
"""Deliveries before a message goes to its line's dead-letter topic; with 10–600 s backoff that is about 16 h."""
MIN_RETRY_S, MAX_RETRY_S = 10, 600
DEAD_LETTER_RETENTION_S = 7 * 24 * 3600
"""How long people have to look at dead letters and publish them again."""

LINES = ("gps", "temperature", "maintenance", "inventory")

TRIGGERS = (*LINES, "transportation", "alerts", "replies")
OUTWARD = ("commands",)
"""Topics that only others listen to: vehicles, workshops."""
TOPICS = tuple(Topic(name) for name in (*TRIGGERS, *OUTWARD, *(f"{trigger}-dead" for trigger in TRIGGERS)))


def dead_letter_topic(topic: str) -> str:
    """Where messages of this topic go when nobody could be made to take them."""
    return f"{topic}-dead"


PERMITS = (
    Permit("director", ("datastore.entities.create", "datastore.entities.get", "datastore.entities.update")),
    Permit(
        "notifier",
        (
            "datastore.entities.create",
            "datastore.entities.get",
            "datastore.entities.list",
            "datastore.entities.update",
        ),
    ),
    Permit(
        "dashboard",
        (
            "datastore.entities.create",
            "datastore.entities.get",
            "datastore.entities.list",
            "datastore.entities.update",
        ),
    ),
    Permit("dispatcher", ("datastore.entities.create", "datastore.entities.get", "datastore.entities.update")),
    Permit("stevedore", ("datastore.entities.create",)),
    Permit(
        "supervisor",
        (
            "datastore.entities.create",
            "datastore.entities.get",
            "datastore.entities.update",
            "monitoring.timeSeries.list",
        ),
    ),
    Permit(
        "monitor",
        (
            "datastore.entities.create",
            "datastore.entities.get",
            "datastore.entities.list",
            "datastore.entities.update",
            "monitoring.timeSeries.list",
        ),
    ),
    Permit(
        "driver",
        (
            "datastore.entities.create",
            "datastore.entities.delete",
            "datastore.entities.get",
            "datastore.entities.list",
            "datastore.entities.update",
        ),
    ),
    Permit(
        "warehouse",
        ("storage.objects.create", "storage.objects.delete", "storage.objects.get", "storage.objects.list"),
    ),
)
"""Deleting objects is replacing them: a driver that died is followed by one that writes the same names."""

PUBLISHES_PRODUCTS = Right("roles/pubsub.publisher", "topics/transportation")
PUBLISHES_ALERTS = Right("roles/pubsub.publisher", "topics/alerts")
PUBLISHES_COMMANDS = Right("roles/pubsub.publisher", "topics/commands")
READS_CONTACTS = Right("roles/secretmanager.secretAccessor", "secrets/fleetline-contacts")
TELLS = (Right("notifier"), PUBLISHES_COMMANDS, READS_CONTACTS)
CONTACTS = {"CONTACTS": "fleetline-contacts"}
WATCHES = (Right("monitor"), PUBLISHES_ALERTS)
DIRECTS = (Right("director"), PUBLISHES_PRODUCTS, PUBLISHES_ALERTS)

FUNCTIONS = (
    *(Function(line, topic=line, rights=DIRECTS) for line in LINES),
    Function("notifier", topic="alerts", concurrency=200, rights=TELLS, secrets=CONTACTS),
    Function(
        "watchman",
        schedule="* * * * *",
        laptop_interval_s=5,
        concurrency=1,
        max_instances=1,
        rights=TELLS,
        secrets=CONTACTS,
    ),
    Function("dispatcher", topic="replies", concurrency=200, rights=(Right("dispatcher"),)),
    Function("inspector", schedule="* * * * *", laptop_interval_s=5, concurrency=1, max_instances=1, rights=WATCHES),
    Function(
        "supervisor",
        schedule="* * * * *",
        laptop_interval_s=5,
        concurrency=1,
        max_instances=1,
        rights=(Right("supervisor"), PUBLISHES_ALERTS),
    ),
    Function("stevedore", topic="transportation", memory_mib=1024, concurrency=200, rights=(Right("stevedore"),)),
    Function(
        "monitor",
        schedule="* * * * *",
        laptop_interval_s=5,
        concurrency=1,
        max_instances=1,
        rights=(Right("monitor"), PUBLISHES_PRODUCTS, PUBLISHES_ALERTS),
    ),
    Function(
        "dashboard", concurrency=80, max_instances=1, timeout_s=30, rights=(Right("dashboard"),), callers="members"
    ),
    Function(
        "driver",
        schedule="*/5 * * * *",
        laptop_interval_s=5,
        memory_mib=1024,
        timeout_s=1800,
        concurrency=1,
        max_instances=1,
        rights=(Right("driver"), Right("warehouse", "bucket")),
    ),
)

ACCOUNTS = (
    Account("trigger", "hands the messages of the topics to the functions"),
    Account("scheduler", "calls the scheduled functions"),
    Account(
        "builder",
        "builds the functions",
        (
            Right("roles/artifactregistry.writer"),
            Right("roles/logging.logWriter"),
            Right("roles/storage.objectViewer"),
        ),
    ),
)

SECRETS: tuple[Secret, ...] = (Secret("fleetline-contacts", "{}"),)

COLLECTIONS = (
    Collection("vehicles"),
    Collection("workers", expires="forget_at"),
    Collection("crates", fields=("id",)),
    Collection("exports", fields=("-n",)),
    Collection("alerts", fields=("due_at", "recorded_at", "-recorded_at", "vehicle_id"), expires="forget_at"),
    Collection("commands", fields=("owing", "vehicle_id"), expires="forget_at"),
    Collection("history"),
    Collection("fleet"),
)
"""An index on what only grows with time caps a collection at 500 writes/s, and every indexed field costs on writing."""

INDEXES = (
    Index("workers", ("line", "status", "shard", "expires_at"), everywhere=True),
    Index("workers", ("line", "status", "owing"), everywhere=True),
    Index("workers", ("line", "status", "shard"), everywhere=True),
    Index("alerts", ("status", "kind")),
    Index("alerts", ("status", "published_at")),
    Index("alerts", ("status", "-recorded_at")),
    Index("alerts", ("kind", "-recorded_at")),
    Index("alerts", ("vehicle_id", "-recorded_at")),
)

EVERY_ROW = Table(
    "", text="product_id event_id vehicle_id line", integer="version", time="event_at received_at", flag="late"
)
"""What every product has, before the columns of its class."""

TABLES = (
    Table(
        "positions",
        number="latitude longitude speed_kph heading_deg odometer_km distance_m",
        flag="ignition moving",
        text="trip_id quality",
    ),
    Table("trips", time="started_at ended_at", number="duration_s distance_km"),
    Table("stops", time="started_at ended_at", number="duration_s distance_km latitude longitude"),
    Table("temperatures", number="temperature_c humidity_pct", flag="door_open", text="probe status quality"),
    Table(
        "excursions",
        text="probe direction",
        time="started_at ended_at",
        number="peak_c mean_c minutes_out degree_minutes mkt_c",
    ),
    Table(
        "diagnostics",
        number="odometer_km engine_hours battery_v fuel_pct",
        flag="ignition",
        text="dtcs service_done quality",
    ),
    Table("services", text="plan", number="odometer_km engine_hours"),
    Table("stock", text="sku unit quality", number="quantity"),
    Table("shifts", time="hired_at ended_at", integer="readings", number="distance_km"),
    Table("events", text="kind", number="latitude longitude"),
    Table("quarantined", text="reason message_id sha256", integer="position size"),
)

LOG_METRICS = (
    LogMetric("quarantined", "events that could not be read", 'jsonPayload.message:"quarantined"'),
    LogMetric("failed_flushes", "group commits that failed whole", 'jsonPayload.message:"a flush failed"'),
    LogMetric("lines_left_alone", "lines too far behind to end contracts", 'jsonPayload.message:"are left alone"'),
    LogMetric("errors", "log lines of severity ERROR and above", "severity>=ERROR"),
    LogMetric("export_files", "files an export run wrote", 'jsonPayload.message="exported"', "files"),
    LogMetric("export_seconds", "how long an export run took", 'jsonPayload.message="exported"', "seconds"),
)

_OLDEST = "pubsub.googleapis.com/subscription/oldest_unacked_message_age"
_WAITING = "pubsub.googleapis.com/subscription/num_undelivered_messages"
_REQUESTS = "run.googleapis.com/request_count"

ALARMS = (
    Alarm(
        "a line is behind",
        _OLDEST,
        above=300,
        for_s=300,
        advice="Look at the function's errors and at its number of instances; a bad release is rolled back by "
        "deploying the one before. Nothing is lost for 24 hours.",
        matches='resource.label.subscription_id=starts_with("eventarc-")',
    ),
    Alarm(
        "dead letters",
        _WAITING,
        above=0,
        for_s=60,
        advice="Messages failed 100 times; they are kept for 7 days. Read them with `python3 -m emulator dead-letters "
        "--project ID`, mend the cause, publish them again with `--again`.",
        matches='resource.label.subscription_id=ends_with("-dead")',
    ),
    Alarm(
        "requests fail",
        _REQUESTS,
        above=1,
        for_s=300,
        advice="More than one request a second is answered with 5xx. The logs of the function say why.",
        resource="cloud_run_revision",
        matches='metric.label.response_code_class="5xx"',
        per_series="ALIGN_RATE",
    ),
    Alarm(
        "events are quarantined",
        "logging.googleapis.com/user/fleetline_quarantined",
        above=1,
        for_s=300,
        advice="A publisher sends what cannot be read. Class quarantined of the exports holds payloads and reasons.",
        resource="cloud_run_revision",
        per_series="ALIGN_RATE",
    ),
)

CHARTS = (
    Chart("Oldest unanswered message, s", _OLDEST, "resource.label.subscription_id", per_series="ALIGN_MAX"),
    Chart("Messages waiting", _WAITING, "resource.label.subscription_id", per_series="ALIGN_MAX"),
    Chart("Requests a second", _REQUESTS, "resource.label.service_name"),
    Chart("Requests by answer", _REQUESTS, "metric.label.response_code_class"),
    Chart(
        "Latency p99, ms",
        "run.googleapis.com/request_latencies",
        "resource.label.service_name",
        per_series="ALIGN_PERCENTILE_99",
        over_series="REDUCE_MAX",
    ),
    Chart(
        "Instances",
        "run.googleapis.com/container/instance_count",
        "resource.label.service_name",
        per_series="ALIGN_MAX",
    ),
    Chart("Documents written a second", "firestore.googleapis.com/document/write_ops_count", "metric.label.op"),
    Chart("Quarantined a second", "logging.googleapis.com/user/fleetline_quarantined", "metric.label.role"),
)

SERVICES = (
    "artifactregistry.googleapis.com",
    "bigquery.googleapis.com",
    "cloudasset.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "eventarc.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
)
AGENTS = ("pubsub.googleapis.com", "eventarc.googleapis.com")
"""Services whose own account must exist before it is given rights."""
