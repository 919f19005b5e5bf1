"""Madison's odometers with their engine replacements, and a table of trouble codes."""

import csv
from collections import Counter
from typing import NamedTuple

from functions.core.profile import Profile
from functions.core.service import DUE, SOON, ServicePlan
from functions.core.trouble import SYSTEMS, severity
from functions.lines import LINES
from tests.replay.buses import KM_PER_MILE
from tests.replay.recorded import FOLDER
from tests.replay_rules.played import by_vehicle, played

ENGINE_MILES = 200_000.0
"""About what these engines lasted: 200,000 miles (Rust 1987, table II)."""


class Bus(NamedTuple):
    """One bus: readings, replacements, odometer faults, the services that were told, and those nobody drove."""

    vehicle_id: str
    readings: int
    replacements: int
    faults: int
    told: Counter[str]
    false: int


def buses() -> list[Bus]:
    return [_bus(vehicle_id, events) for vehicle_id, events in by_vehicle("madison").items()]


def _bus(vehicle_id: str, events: list[dict[str, object]]) -> Bus:
    plan = ServicePlan("engine", every_km=ENGINE_MILES * KM_PER_MILE, last_km=0)
    story = played("maintenance", events, Profile(service_plans=[plan]))
    story.end()
    told = story.of("services")
    least = {"due_soon": SOON, "due": DUE, "overdue": 1.1}
    false = 0
    for row in told:
        at = row["event_at"].isoformat().replace("+00:00", "Z")
        before = [event for event in events if str(event["event_time"]) <= at]
        now = max(float(str(event["odometer_km"])) for event in before)
        replaced = [float(str(event["odometer_km"])) for event in before if "service_done" in event]
        driven = now - (max(replaced) if replaced else 0.0)
        false += driven < least.get(row["status"], 0.0) * ENGINE_MILES * KM_PER_MILE - 1
    replacements = sum("service_done" in event for event in events)
    faults = len(story.kept("odometer_fault"))
    return Bus(vehicle_id, len(events), replacements, faults, Counter(row["status"] for row in told), false)


def codes() -> tuple[int, dict[str, Counter[str]]]:
    """How many codes of the table our parser takes, and how bad we take each to be, by system."""
    parse = LINES["maintenance"].parse
    found: dict[str, Counter[str]] = {system: Counter() for system in SYSTEMS.values()}
    taken = 0
    with (FOLDER / "dtc/obd-trouble-codes.csv").open() as table:
        for code, _ in csv.reader(table):
            parse({"vehicle_id": "van", "event_time": 0, "dtcs": [code]})
            taken += 1
            found[SYSTEMS[code[0]]][severity(code)] += 1
    return taken, found
