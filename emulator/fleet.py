"""A simulated fleet: a pure generator of messages and faults. The same seed gives the same drives and faults."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import NamedTuple

import msgspec

from emulator import faults
from emulator.drive import Drive, Fix
from emulator.faults import Event

CITY = (52.52, 13.405)
KINDS = ("van", "truck", "bus")
MOST_BATCH = 1_000
"""Events in one late list: well under the 512 KB Eventarc delivers."""


@dataclass(frozen=True)
class Plan:
    """How large a fleet, for how long, how often each vehicle reports, and with which chance."""

    vehicles: int = 50
    seconds: float = 60.0
    interval_s: float = 1.0
    seed: int = 1


class Departure(NamedTuple):
    """One message that leaves a vehicle `at_s` seconds after the start; `fault` is what is wrong with it, or with the
    vehicle just now. A fault without a payload only says that it happens."""

    at_s: float
    line: str
    vehicle_id: str
    payload: bytes | None
    fault: str | None


def departures(plan: Plan, start: datetime) -> Iterator[Departure]:
    """All messages of a fleet in the order they leave; event times count from `start`."""
    order = count()
    waiting: list[tuple[float, int, Departure | Vehicle]] = []
    for number in range(plan.vehicles):
        vehicle = Vehicle(plan, number, start)
        heapq.heappush(waiting, (vehicle.first_s, next(order), vehicle))
    while waiting:
        at_s, _, what = heapq.heappop(waiting)
        if isinstance(what, Departure):
            yield what
            continue
        for departure in what.report(at_s):
            heapq.heappush(waiting, (departure.at_s, next(order), departure))
        next_s = at_s + plan.interval_s
        if next_s < plan.seconds:
            heapq.heappush(waiting, (next_s, next(order), what))
        elif what.unsent:
            heapq.heappush(waiting, (plan.seconds, next(order), what.batch(plan.seconds)))


class Vehicle:
    """One vehicle that drives, reports, and has its troubles."""

    def __init__(self, plan: Plan, number: int, start: datetime) -> None:
        self._chance = Random(f"{plan.seed}/{number}")
        self._plan = plan
        self._start = start
        self._id = f"{KINDS[number % len(KINDS)]}-{number + 1:03d}"
        self._drive = Drive(self._chance, *CITY)
        self._driven_s = 0.0
        self._covered_again_s = 0.0
        self._heard_again_s = 0.0
        self._mode_shares = {
            kind: share * min(plan.interval_s, 1.5) for kind, share in faults.SHARE_PER_S.items()
        }  # a fleet that reports twice a minute does not leave coverage every few fixes
        self.first_s = self._chance.uniform(0, min(plan.interval_s, plan.seconds))
        self.unsent: list[bytes] = []

    def report(self, at_s: float) -> list[Departure]:
        """Drive until now and report: usually one message; none while silent or out of coverage; more with a fault."""
        self._drive.advance(at_s - self._driven_s)
        self._driven_s = at_s
        if at_s < self._heard_again_s:
            return []
        if self.unsent and (at_s >= self._covered_again_s or len(self.unsent) >= MOST_BATCH):
            return [self.batch(at_s), *self._fresh(at_s)]
        if at_s < self._covered_again_s:
            self.unsent.append(msgspec.json.encode(self._event(self._drive.fix(), at_s)))
            return []
        return self._fresh(at_s)

    def batch(self, at_s: float) -> Departure:
        """What was measured out of coverage, as one list."""
        payload = b"[" + b",".join(self.unsent) + b"]"
        self.unsent = []
        return self._departure(at_s, payload, faults.LATE_BATCH)

    def _fresh(self, at_s: float) -> list[Departure]:
        chance = self._chance
        mode = faults.drawn(chance, self._mode_shares)
        if mode == faults.SILENCE:
            self._heard_again_s = at_s + chance.uniform(*faults.SILENCE_S)
            return [self._departure(at_s, None, faults.SILENCE)]
        if mode == faults.LATE_BATCH:
            self._covered_again_s = at_s + chance.uniform(*faults.LATE_BATCH_S)
        kind = faults.drawn(chance, faults.SHARE)
        event = self._event(faults.spoiled(self._drive.fix(), kind, chance), at_s)
        if kind == faults.CLOCK:
            event["event_time"] = _written(self._start + timedelta(seconds=at_s) + faults.CLOCK_AHEAD)
        payload = msgspec.json.encode(event)
        if kind == faults.OUT_OF_ORDER:
            return [self._departure(at_s + chance.uniform(*faults.DELAYED_S), payload, kind)]
        own = self._departure(at_s, payload, None if kind in (faults.REPEAT, faults.MALFORMED) else kind)
        if kind == faults.REPEAT:
            return [own, self._departure(at_s + chance.uniform(*faults.REPEATED_AFTER_S), payload, kind)]
        if kind == faults.MALFORMED:
            which, spoiled = faults.malformed(event, chance)
            return [own, self._departure(at_s, spoiled, f"{faults.MALFORMED}: {which}")]
        return [own]

    def _event(self, fix: Fix, at_s: float) -> Event:
        event_time = _written(self._start + timedelta(seconds=at_s))
        return {"vehicle_id": self._id, "event_time": event_time, **fix._asdict()}

    def _departure(self, at_s: float, payload: bytes | None, fault: str | None) -> Departure:
        return Departure(min(at_s, self._plan.seconds), "gps", self._id, payload, fault)


def _written(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
