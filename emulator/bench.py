"""What the director takes, measured: messages posted straight to a running function, commits confirmed by Firestore.

Only the gps function, its backend and this client are up: what Pub/Sub and the courier add is another measurement.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec

from emulator.cloud_event import Envelope
from emulator.http_client import Instance
from emulator.plant import Plant
from functions.core.plural import plural

IN_FLIGHT = 400


class Load(NamedTuple):
    """One way of sending the same readings: how many in a message, and of how many vehicles."""

    name: str
    readings_a_message: int
    vehicles: int
    vehicles_a_message: int


LOADS = (
    Load("single events, 5,000 vehicles", 1, 5_000, 1),
    Load("single events, 50 vehicles", 1, 50, 1),
    Load("lists of 50 over 50 vehicles", 50, 50, 50),
    Load("lists of 200 of one vehicle", 200, 50, 1),
)


class Figure(NamedTuple):
    """Medians over the rounds: readings a second, and microseconds of the function's processor time a reading (None
    where the system does not tell)."""

    load: str
    readings_per_s: float
    messages_per_s: float
    cpu_us: float | None


async def director(plant: Plant, rounds: int, readings: int) -> list[Figure]:
    """Each load in turn, round after round, so that a slow minute of the machine hits all alike."""
    child, instance = plant.hired("gps")
    envelope = Envelope(plant.project, "gps", "projects/bench/subscriptions/gps", counts_attempts=False)
    found: dict[str, list[Figure]] = {load.name: [] for load in LOADS}
    for number in range(-1, rounds):
        for load in LOADS:
            figure = await _measured(load, number, readings if number >= 0 else 2_000, child.pid, instance, envelope)
            if number >= 0:  # the first round warms up
                found[load.name].append(figure)
    return [_median(figures) for figures in found.values()]


async def _measured(
    load: Load, number: int, readings: int, pid: int | None, instance: Instance, envelope: Envelope
) -> Figure:
    bodies = list(_bodies(load, number, readings, envelope))
    gate = asyncio.Semaphore(IN_FLIGHT)
    refused: list[int] = []

    async def post(headers: bytes, body: bytes) -> None:
        async with gate:
            answer = await instance.post(envelope.path, headers, body)
            if answer.status != 200:
                refused.append(answer.status)

    cpu_s, started_s = _cpu_s(pid), time.monotonic()
    await asyncio.gather(*(post(headers, body) for headers, body in bodies))
    seconds = time.monotonic() - started_s
    spent_s = _cpu_s(pid)
    if refused:
        raise RuntimeError(f"{load.name}: not taken: {plural(len(refused), 'message')}, the first with {refused[0]}")
    cpu_us = (spent_s - cpu_s) / readings * 1e6 if spent_s is not None and cpu_s is not None else None
    return Figure(load.name, readings / seconds, len(bodies) / seconds, cpu_us)


def _bodies(load: Load, number: int, readings: int, envelope: Envelope) -> Iterator[tuple[bytes, bytes]]:
    """Requests as Eventarc would send them: every vehicle drives on, at 20 m/s, with a fix a second."""
    now = datetime.now(UTC)
    begin = now - timedelta(days=1) + timedelta(hours=number)
    sent = dict.fromkeys(range(load.vehicles), 0)
    for message_number in range(readings // load.readings_a_message):
        events = []
        for place in range(load.readings_a_message):
            vehicle = (message_number if load.vehicles_a_message == 1 else place) % load.vehicles
            events.append(_event(f"{load.vehicles}-{load.readings_a_message}-{vehicle}", sent[vehicle], begin))
            sent[vehicle] += 1
        payload: Any = events if load.readings_a_message > 1 else events[0]
        message_id = f"{number}-{load.name}-{message_number}".replace(" ", "-").replace(",", "")
        message = SimpleNamespace(data=msgspec.json.encode(payload), attributes={}, message_id=message_id)
        published = now.isoformat().replace("+00:00", "Z")
        yield envelope.headers(message_id, published), envelope.body(message, published, 1)


def _event(vehicle: str, second: int, begin: datetime) -> dict[str, Any]:
    return {
        "vehicle_id": f"bench-{vehicle}",
        "event_time": begin + timedelta(seconds=second),
        "latitude": 48 + second * 0.00018,
        "longitude": 11.5,
        "speed_kph": 72.0,
        "heading_deg": 0.0,
    }


def _cpu_s(pid: int | None) -> float | None:
    """Processor seconds a process has used, with those of its children that are running (Linux only)."""
    if pid is None or not Path("/proc/self/stat").exists():
        return None
    own = _stat(pid)
    children = (int(name.name) for name in Path("/proc").iterdir() if name.name.isdigit())
    family = [own, *(stat for child in children if (stat := _stat(child)) and stat[0] == pid)]
    return sum(stat[1] for stat in family if stat) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> tuple[int, int] | None:
    """Parent, and clock ticks used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), int(fields[11]) + int(fields[12])


def _median(figures: list[Figure]) -> Figure:
    cpu = [figure.cpu_us for figure in figures if figure.cpu_us is not None]
    return Figure(
        figures[0].load,
        median(figure.readings_per_s for figure in figures),
        median(figure.messages_per_s for figure in figures),
        median(cpu) if cpu else None,
    )
