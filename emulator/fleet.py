"""A simulated fleet: a pure generator of messages and faults. The same seed gives the same drives and faults."""

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any

from emulator.drive import Drive
from emulator.faults import SILENT_CONTRACTS
from emulator.gauges import CITY, SKUS, ColdBox, Engine, Gauge, Receiver, Store
from emulator.plan import Departure, Plan
from emulator.vehicle import Vehicle

KINDS = ("van", "truck", "bus")
VEHICLES_A_SITE = 10
SILENT_EVERY = 7
"""One vehicle of so many falls silent for longer than its contract, and is heard again before the end."""
SILENT_FROM_SHARE = (0.25, 0.45)
BACK_BEFORE_END = 3
"""Fixes that a vehicle still sends after its silence."""
_ANY_TIME = datetime.fromtimestamp(0, UTC)


def departures(plan: Plan, start: datetime) -> Iterator[Departure]:
    """All messages of a fleet in the order they leave; event times count from `start`."""
    order = count()
    vehicles = _fleet(plan, start)
    waiting: list[tuple[float, int, Departure | tuple[Vehicle, Gauge]]] = []
    for vehicle in vehicles:
        begin = Random(f"{plan.seed}/{vehicle.id}/begin")
        for gauge in vehicle.gauges:
            first_s = begin.uniform(0, min(gauge.pause_s() * plan.pace, plan.seconds))
            heapq.heappush(waiting, (first_s, next(order), (vehicle, gauge)))
    while waiting:
        at_s, _, what = heapq.heappop(waiting)
        if isinstance(what, Departure):
            yield what
            continue
        vehicle, gauge = what
        for departure in vehicle.report(gauge, at_s):
            heapq.heappush(waiting, (departure.at_s, next(order), departure))
        next_s = at_s + gauge.pause_s() * plan.pace
        if next_s < plan.seconds:
            heapq.heappush(waiting, (next_s, next(order), what))
    for vehicle in vehicles:
        yield from vehicle.rest()


def profiles(plan: Plan) -> dict[str, dict[str, Any]]:
    """What people would have set for these vehicles and sites, by id."""
    return {vehicle.id: vehicle.profile() for vehicle in _fleet(plan, _ANY_TIME)}


def events_per_s(plan: Plan) -> float:
    """About how many events a second the whole fleet sends."""
    gauges = [gauge for vehicle in _fleet(plan, _ANY_TIME) for gauge in vehicle.gauges]
    return sum(1 / gauge.pause_s() for gauge in gauges) / plan.pace


def _fleet(plan: Plan, start: datetime) -> list[Vehicle]:
    """The vehicles, and a site for every ten of them."""
    sites = max(1, plan.vehicles // VEHICLES_A_SITE)
    return [
        *(_vehicle(plan, number, start) for number in range(plan.vehicles)),
        *(_site(plan, number, start) for number in range(sites)),
    ]


def _vehicle(plan: Plan, number: int, start: datetime) -> Vehicle:
    """A van, a truck or a bus in turn: half the vans and trucks are reefers, the other vans carry stock, trucks and
    buses tell how they are, half the buses need service, every third bus has a route."""
    kind, turn = KINDS[number % len(KINDS)], number // len(KINDS)
    name = f"{kind}-{number + 1:03d}"

    def chance(line: str) -> Random:
        return Random(f"{plan.seed}/{name}/{line}")

    drive = Drive(chance("drive"), *CITY)
    gauges: list[Gauge] = [Receiver(drive, kind, on_route=kind == "bus" and turn % 3 == 0)]
    if kind != "bus" and turn % 2 == 0:
        gauges.append(ColdBox(chance("temperature"), drive, plan))
    elif kind == "van":
        gauges.append(Store(chance("inventory"), SKUS[:2]))
    if kind != "van":
        gauges.append(Engine(chance("maintenance"), drive, plan, needs_service=kind == "bus" and turn % 2 == 0))
    return Vehicle(plan, name, gauges, start, _silence(plan, chance("silence")) if _falls_silent(number) else None)


def _site(plan: Plan, number: int, start: datetime) -> Vehicle:
    name = f"site-{number + 1:02d}"
    return Vehicle(plan, name, [Store(Random(f"{plan.seed}/{name}/inventory"))], start, None)


def _falls_silent(number: int) -> bool:
    return number % SILENT_EVERY == SILENT_EVERY // 2


def _silence(plan: Plan, chance: Random) -> tuple[float, float] | None:
    """From and until when, where the plan is long enough for the vehicle to come back."""
    begins_s = plan.seconds * chance.uniform(*SILENT_FROM_SHARE)
    ends_s = begins_s + plan.contract_s * chance.uniform(*SILENT_CONTRACTS)
    return (begins_s, ends_s) if ends_s + BACK_BEFORE_END * plan.interval_s <= plan.seconds else None
