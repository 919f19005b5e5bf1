"""The plant table: the one list of topics, functions and schedules that gcloud deploys from and the emulator runs."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Topic:
    """A Pub/Sub topic; its trigger's subscription keeps messages for `retention_s`."""

    name: str
    retention_s: int = 24 * 3600


@dataclass(frozen=True)
class Function:
    """One deployed function: its role is its name, its entry point in main.py, its account and its log field.

    A function has a `topic` that triggers it (one CloudEvent per message) or a `schedule` (cron, UTC) or neither
    (people or devices call it). `concurrency` is requests held at once per instance. On the laptop a scheduled
    function runs every `laptop_interval_s`.
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


DEAD_LETTER_ATTEMPTS = 100
"""Deliveries before a message goes to its line's dead-letter topic; with 10–600 s backoff that is about 16 h."""

LINES = ("gps", "temperature", "maintenance", "inventory")

TRIGGERS = (*LINES, "transportation", "alerts")
TOPICS = tuple(Topic(name) for name in (*TRIGGERS, *(f"{trigger}-dead" for trigger in TRIGGERS)))

FUNCTIONS = (
    *(Function(line, topic=line) for line in LINES),
    Function("notifier", topic="alerts", concurrency=200),
    Function("stevedore", topic="transportation", memory_mib=1024, concurrency=200),
    Function(
        "driver",
        schedule="*/5 * * * *",
        laptop_interval_s=5,
        memory_mib=1024,
        timeout_s=1800,
        concurrency=1,
        max_instances=1,
    ),
)


def dead_letter_topic(topic: str) -> str:
    """Where messages of this topic go when nobody could be made to take them."""
    return f"{topic}-dead"
