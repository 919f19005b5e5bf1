"""What simulated vehicles and sites measure, one gauge a line: a GPS receiver, a cold box, an engine, a store."""

import math
from collections.abc import Sequence
from random import Random
from typing import Any, Protocol

from emulator.drive import Drive
from emulator.faults import Event
from emulator.plan import Plan

CITY = (52.52, 13.405)
OUTSIDE_C = 20.0
CHILLED_C, FROZEN_C = 4.0, -22.0
COOLING_S, WALL_S, FAILED_S = 600.0, 7_200.0, 2_000.0
"""Time constants: of the unit, of the closed box, and of the box whose unit has failed and whose fans let air in."""
DOOR_S = {"door": 900.0, "front": 2_700.0, "main": 1_400.0}
"""How fast warm air comes to each probe while the doors are open."""
FAILS_AT_MOST_S = 5_400.0
TROUBLES = ("P0455", "P0171", "U0073", "P0301", "C0035")
"""Two of them severe enough for an inspection: a misfire and a wheel speed sensor."""
SEVERE = ("P0301", "C0035")
SERVICE_KM = 5_000.0
SOON_SHARE = 0.9
CAPACITY = 40
REORDER_POINT = 10
SKUS = ("milk-1l", "butter-250g", "yoghurt-500g")


class Gauge(Protocol):
    """Something that measures for one line. `measured` gives an event's fields at a time that only grows, `pause_s` the
    time until the next one where vehicles send a fix a second."""

    line: str

    def measured(self, at_s: float) -> Event: ...

    def pause_s(self) -> float: ...

    def profile(self) -> dict[str, Any]:
        """What people would set for it."""


class Receiver:
    """Where a vehicle is."""

    line = "gps"

    def __init__(self, drive: Drive, kind: str, on_route: bool) -> None:
        self._drive = drive
        self._kind = kind
        self._route = [list(drive.place), list(drive.ahead(3_000))] if on_route else None

    def measured(self, at_s: float) -> Event:
        self._drive.until(at_s)
        return self._drive.fix()._asdict()

    def pause_s(self) -> float:
        return 1.0

    def profile(self) -> dict[str, Any]:
        """Vans have a speed limit and a depot, trucks a zone where they must drive slowly, some buses a route."""
        if self._route:
            return {"route": {"polyline": self._route, "corridor_m": 60, "hold_s": 5}}
        if self._kind == "van":
            return {"speed_limit_kph": 60, "geofences": _fences(_depot())}
        return {"geofences": _fences(_slow_zone())} if self._kind == "truck" else {}


class ColdBox:
    """The goods of a reefer: probes in turn, each nearer the door or nearer the unit. They warm up while the doors are
    open, which they are while the vehicle is parked, and while the unit has failed."""

    line = "temperature"

    def __init__(self, chance: Random, drive: Drive, plan: Plan) -> None:
        self._chance = chance
        self._drive = drive
        self._haste = plan.haste
        self._fahrenheit = chance.random() < 0.3
        self._set_c = FROZEN_C if chance.random() < 0.2 else CHILLED_C
        probes = ("main",) if chance.random() < 0.3 else ("front", "door")
        self._celsius = dict.fromkeys(probes, self._set_c + 1.0)
        self._next = 0
        self._humidity_pct = chance.uniform(55, 70)
        fails_s = plan.seconds * chance.uniform(0.1, 0.3) if chance.random() < 0.35 else math.inf
        self._failed_s = (fails_s, fails_s + min(0.35 * plan.seconds, FAILS_AT_MOST_S))
        self._at_s = 0.0

    def measured(self, at_s: float) -> Event:
        self._drive.until(at_s)
        self._warm(at_s)
        probe = list(self._celsius)[self._next]
        self._next = (self._next + 1) % len(self._celsius)
        celsius = self._celsius[probe] + self._chance.gauss(0, 0.08)
        degrees = {"temperature_f": round(celsius * 9 / 5 + 32, 1)}
        return {
            **(degrees if self._fahrenheit else {"temperature_c": round(celsius, 2)}),
            "humidity_pct": round(self._humidity_pct + self._chance.gauss(0, 0.4), 1),
            "probe": probe,
            "door_open": self._drive.parked,
        }

    def pause_s(self) -> float:
        """Each probe every four seconds."""
        return 4.0 / len(self._celsius) * self._chance.uniform(0.9, 1.1)

    def profile(self) -> dict[str, Any]:
        if self._set_c == FROZEN_C:
            return {"cargo_profile": "frozen"}
        limits = {"low_c": 0, "high_c": 8, "hold_s": 3, "close_s": 5, "door_open_s": 15, "humidity_high_pct": 88}
        return {"temperature_limits": limits}

    def _warm(self, at_s: float) -> None:
        """Newton's law, solved exactly for a while in which doors and unit stay as they are."""
        passed_s, self._at_s = (at_s - self._at_s) * self._haste, at_s
        failed = self._failed_s[0] <= at_s < self._failed_s[1]
        for probe, celsius in self._celsius.items():
            cooling = 0.0 if failed else 1 / COOLING_S
            warming = 1 / (FAILED_S if failed else WALL_S) + (1 / DOOR_S[probe] if self._drive.parked else 0.0)
            settles_c = (cooling * self._set_c + warming * OUTSIDE_C) / (cooling + warming)
            kept = math.exp(-passed_s * (cooling + warming))
            self._celsius[probe] = settles_c + (celsius - settles_c) * kept
        damp_pct = 92.0 if self._drive.parked else 62.0
        self._humidity_pct = damp_pct + (self._humidity_pct - damp_pct) * math.exp(-passed_s / 900)


class Engine:
    """What a truck or bus says of itself: meters, battery, fuel, trouble codes that come and go, a service when it is
    due, the inspection that a severe code asks for."""

    line = "maintenance"

    def __init__(self, chance: Random, drive: Drive, plan: Plan, needs_service: bool) -> None:
        self._chance = chance
        self._drive = drive
        self._haste = plan.haste
        self._first_km = self._before_km = drive.odometer_km
        self._hours = chance.uniform(500, 9_000)
        self._fuel_pct = chance.uniform(9.5, 12) if chance.random() < 0.2 else chance.uniform(25, 95)
        self._weak = chance.random() < 0.25
        self._charge = 0.35 if self._weak else 1.0
        self._code = chance.choice(TROUBLES) if chance.random() < 0.5 else None
        begins_s = plan.seconds * chance.uniform(0.05, 0.4)
        self._trouble_s = (begins_s, begins_s + 0.3 * plan.seconds)
        self._needs_service = needs_service
        self._news: list[tuple[float, Event]] = []
        if self._code in SEVERE:
            result = {"passed": True, "notes": "part replaced"}
            self._news.append((self._trouble_s[1], {"inspection": result}))
        if needs_service:
            self._news.append((plan.seconds * chance.uniform(0.65, 0.8), {"service_done": "oil"}))
        self._at_s = 0.0

    def measured(self, at_s: float) -> Event:
        self._drive.until(at_s)
        self._use(at_s)
        in_trouble = self._code is not None and self._trouble_s[0] <= at_s < self._trouble_s[1]
        fields: Event = {
            "odometer_km": round(self._drive.odometer_km, 3),
            "engine_hours": round(self._hours, 3),
            "dtcs": [self._code] if in_trouble else [],
            "battery_v": round(self._volts() + self._chance.gauss(0, 0.03), 2),
            "fuel_pct": round(self._fuel_pct, 1),
            "ignition": not self._drive.parked,
        }
        while self._news and min(self._news, key=lambda one: one[0])[0] <= at_s:
            news = min(self._news, key=lambda one: one[0])
            self._news.remove(news)
            fields |= news[1]
        return fields

    def pause_s(self) -> float:
        return self._chance.uniform(10, 14)

    def profile(self) -> dict[str, Any]:
        """An oil change that will be due after the next 200 m."""
        if not self._needs_service:
            return {}
        last_km = self._first_km - SOON_SHARE * SERVICE_KM + 0.2
        return {"service_plans": [{"id": "oil", "every_km": SERVICE_KM, "last_km": max(0.0, round(last_km, 3))}]}

    def _use(self, at_s: float) -> None:
        passed_h, self._at_s = (at_s - self._at_s) / 3600, at_s
        driven_km, self._before_km = self._drive.odometer_km - self._before_km, self._drive.odometer_km
        if self._drive.parked:
            self._charge = max(0.1, self._charge - passed_h * self._haste * (0.9 if self._weak else 0.02))
            if self._fuel_pct < 9:
                self._fuel_pct = 95.0
            elif self._chance.random() < 0.02:
                self._fuel_pct = max(0.0, self._fuel_pct - 18)  # somebody with a hose
        else:
            self._hours += passed_h
            self._charge = min(1.0, self._charge + passed_h * self._haste)
            self._fuel_pct = max(0.0, self._fuel_pct - self._haste * (0.08 * driven_km + 0.7 * passed_h))

    def _volts(self) -> float:
        """Of a 24 V system: the generator's while the engine runs, else what the charge leaves."""
        return 22.4 + 3.0 * self._charge if self._drive.parked else 28.1


class Store:
    """Articles that are sold and, once they are short, brought again: on a van or at a site. It reports each change."""

    line = "inventory"

    def __init__(self, chance: Random, skus: Sequence[str] = SKUS) -> None:
        self._chance = chance
        self._quantities = {sku: chance.randint(REORDER_POINT + 2, CAPACITY) for sku in skus}
        self._unreported = list(skus)

    def measured(self, at_s: float) -> Event:  # noqa: ARG002 the time of a sale is no matter
        sku = self._unreported.pop() if self._unreported else self._change()
        return {"sku": sku, "quantity": self._quantities[sku], "unit": "pcs"}

    def pause_s(self) -> float:
        return self._chance.uniform(3, 9)

    def profile(self) -> dict[str, Any]:
        return {"stock": {sku: {"reorder_point": REORDER_POINT} for sku in self._quantities}}

    def _change(self) -> str:
        sku = self._chance.choice(list(self._quantities))
        left = self._quantities[sku]
        if left == 0 or (left <= REORDER_POINT and self._chance.random() < 0.5):
            self._quantities[sku] = CAPACITY
        else:
            self._quantities[sku] = max(0, left - self._chance.randint(3, 9))
        return sku


def _fences(*features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": [{"type": "Feature", **feature} for feature in features]}


def _depot() -> dict[str, Any]:
    centre = {"type": "Point", "coordinates": [CITY[1], CITY[0]]}
    return {"geometry": centre, "properties": {"id": "depot", "name": "Depot", "radius_m": 2_500}}


def _slow_zone() -> dict[str, Any]:
    west, south, east, north = CITY[1] - 0.03, CITY[0] - 0.02, CITY[1] + 0.03, CITY[0] + 0.02
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    properties = {"id": "slow-zone", "name": "Slow zone", "speed_limit_kph": 30}
    return {"geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": properties}
