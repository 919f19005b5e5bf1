"""What a month costs: list prices, what was measured, and the arithmetic between them."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from infra import plant
from infra.site import Site

PRICED = "June 2025, US dollars, one region (us-central1 and alike), no free tier, no discount"
MONTH_S = 30.4 * 24 * 3600
GIB, TIB = 2**30, 2**40

PRICES = {
    "request": 0.40e-6,
    "vcpu_s": 24e-6,
    "gib_s": 2.5e-6,
    "idle_vcpu_s": 2.5e-6,
    "firestore_read": 0.30e-6,
    "firestore_write": 0.90e-6,
    "firestore_delete": 0.10e-6,
    "pubsub_byte": 40 / TIB,
    "pubsub_gib_month": 0.27,
    "storage_gib_month": 0.020,
    "log_gib": 0.50,
    "scheduler_job": 0.10,
}

_PER_MILLION = {
    "requests": "request",
    "vCPU seconds": "vcpu_s",
    "GiB seconds": "gib_s",
    "vCPU seconds kept ready": "idle_vcpu_s",
}
_DOCUMENTS = {"reads": "firestore_read", "writes": "firestore_write", "deletes": "firestore_delete"}

EVENT_BYTES, PRODUCT_BYTES, LEAST_BYTES = 200, 450, 1_000
"""A gps event, its product row, and the least Pub/Sub counts a message as."""
EXPORTED_BYTES = 60
"""A row in Parquet."""
REQUEST_LOG_BYTES = 1_200
"""Cloud Run writes a log line for every request."""
REQUEST_S = 0.1
"""A request is billed for at least this; it takes about as long to be committed and published."""
READINGS_PER_INSTANCE_S = 1_500
"""Half of what one core did with single events in group commit."""
READS_PER_WRITE = 0.02
"""Workers are held in memory; a new or moved one is read."""
RUN_S = {"driver": 10.0}
OTHERWISE_S = 1.0
"""What a scheduled run takes."""


class Item(NamedTuple):
    """One line of the bill, and what was counted."""

    name: str
    dollars: float
    counted: str


def items(site: Site, vehicles: float, interval_s: float, per_message: float) -> list[Item]:
    """The month of a fleet that sends a reading per vehicle and interval, `per_message` of one vehicle at once."""
    readings = vehicles * MONTH_S / interval_s
    messages = readings / per_message
    crates = min(messages, MONTH_S)  # the stevedore packs what waits, about once a second under load
    writes = messages + crates
    reads = READS_PER_WRITE * messages + vehicles * MONTH_S / 3600 + 2 * crates
    sent = messages * (max(LEAST_BYTES, per_message * EVENT_BYTES) + max(LEAST_BYTES, per_message * PRODUCT_BYTES))
    busy_s = _busy_s(messages, readings)
    p = PRICES
    return [
        Item("requests", 2 * messages * p["request"], f"{_short(2 * messages)}: lines and stevedore"),
        Item(
            "compute", sum(_compute(busy_s)), f"{_short(busy_s)} s on a line, as many on the stevedore, and schedules"
        ),
        Item("instances kept ready", _ready(site), f"{site.min_instances} a line"),
        Item("Firestore writes", writes * p["firestore_write"], f"{_short(writes)}: a worker a message, and crates"),
        Item("Firestore reads", reads * p["firestore_read"], f"{_short(reads)}"),
        Item("Firestore deletes", crates * p["firestore_delete"], f"{_short(crates)} crates"),
        Item("Pub/Sub", _carried(sent), f"{sent / GIB:.0f} GiB published, delivered, and kept for a day"),
        Item("request logs", 2 * messages * REQUEST_LOG_BYTES / GIB * p["log_gib"], "one line a request"),
        Item("exports kept", _kept(site, readings), f"{site.export_days or 'all'} days in the bucket"),
        Item("schedules", sum(1 for one in plant.FUNCTIONS if one.schedule) * p["scheduler_job"], "jobs"),
    ]


def report(site: Site, vehicles: float, interval_s: float, per_message: float) -> Iterator[str]:
    """The bill as lines of text."""
    bill = items(site, vehicles, interval_s, per_message)
    readings = vehicles * MONTH_S / interval_s
    sent = f"{vehicles:,.0f} vehicles, every {interval_s:g} s, {per_message:g} in a message"
    yield f"{sent}: {_short(readings)} readings a month"
    for item in bill:
        yield f"  {item.name:<22}{item.dollars:>10.2f} $   {item.counted}"
    total = sum(item.dollars for item in bill)
    each = f"{total / readings * 1e6:.2f} $ a million readings, {total / vehicles:.2f} $ a vehicle"
    yield f"  {'a month':<22}{total:>10.2f} $   {each}"
    yield f"Prices of {PRICED}:"
    yield f"  a million {_priced(_PER_MILLION)}"
    yield f"  a million Firestore {_priced(_DOCUMENTS)}"
    stored = f"storage {PRICES['storage_gib_month']:.2f} a GiB and month, a schedule {PRICES['scheduler_job']:.2f}"
    kept = f"Pub/Sub {PRICES['pubsub_byte'] * TIB:.2f} a TiB, kept {PRICES['pubsub_gib_month']:.2f} a GiB and month"
    yield f"  {kept}, logs {PRICES['log_gib']:.2f} a GiB"
    yield f"  {stored}"


def _priced(names: dict[str, str]) -> str:
    return ", ".join(f"{name} {PRICES[price] * 1e6:.2f}" for name, price in names.items())


def _busy_s(messages: float, readings: float) -> float:
    """Seconds in which an instance has a request in flight: of Poisson arrivals, or more where one is not enough."""
    busy = 1 - math.exp(-messages / MONTH_S * REQUEST_S)
    return max(busy * MONTH_S, readings / READINGS_PER_INSTANCE_S)


def _compute(busy_s: float) -> Iterator[float]:
    for function in plant.FUNCTIONS:
        seconds = RUN_S.get(function.name, OTHERWISE_S) * _runs(function.schedule)
        if function.name in ("gps", "stevedore"):
            seconds = busy_s
        memory_gib = function.memory_mib / 1024
        yield seconds * (function.cpu * PRICES["vcpu_s"] + memory_gib * PRICES["gib_s"])


def _runs(cron: str | None) -> float:
    """Runs a month of "*/5 * * * *" or "* * * * *"; other schedules are counted as hourly."""
    if cron is None:
        return 0.0
    minute, _, rest = cron.partition(" ")
    every = {"*": 1.0}.get(minute) or float(minute.removeprefix("*/") if minute.startswith("*/") else 60)
    return MONTH_S / 60 / (every if rest == "* * * *" else 60)


def _ready(site: Site) -> float:
    memory_gib = next(one.memory_mib for one in plant.FUNCTIONS if one.name in plant.LINES) / 1024
    a_second = PRICES["idle_vcpu_s"] + memory_gib * PRICES["gib_s"]
    return site.min_instances * len(plant.LINES) * MONTH_S * a_second


def _carried(sent: float) -> float:
    """Bytes a month, published and delivered; a topic keeps what was published for a day."""
    return 2 * sent * PRICES["pubsub_byte"] + sent / 30.4 / GIB * PRICES["pubsub_gib_month"]


def _kept(site: Site, readings: float) -> float:
    months = (site.export_days or 365) / 30.4
    return readings * EXPORTED_BYTES / GIB * months * PRICES["storage_gib_month"]


def _short(count: float) -> str:
    return f"{count / 1e6:.1f} million" if count >= 1e6 else f"{count:,.0f}"
