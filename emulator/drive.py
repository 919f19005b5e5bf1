"""One simulated vehicle on the road: blocks and turns, lights and deliveries, within what a vehicle can accelerate."""

import math
from enum import Enum
from random import Random
from typing import NamedTuple

METRES_PER_DEGREE = 111_195.0
"""Of latitude, on a sphere of mean radius 6,371,008.8 m."""
MOST_STEP_S = 1.0
ACCELERATION_MPS2 = 1.4
BRAKING_MPS2 = 2.2
TURN_DEG_PER_S = 30.0
TURNING_MPS = 5.0
SLOW_MPS = 0.3
CRUISING_MPS = (8.0, 11.0, 13.9, 19.4)
"""30, 40, 50 and 70 km/h: the streets of a city."""
BLOCK_M = (120.0, 700.0)
LIGHT_S = (4.0, 25.0)
DELIVERY_S = (25.0, 120.0)
LIGHT_SHARE = 0.3
DELIVERY_SHARE = 0.1
NOISE_M = 2.5
"""Scatter of a good receiver, which is what makes a parked vehicle seem to drift."""


class Mode(Enum):
    """What the vehicle is doing. Parked means ignition off."""

    DRIVING = "driving"
    WAITING = "waiting"
    PARKED = "parked"


class Fix(NamedTuple):
    """What the receiver says: degrees, km/h, metres, kilometres."""

    latitude: float
    longitude: float
    speed_kph: float
    heading_deg: float
    accuracy_m: float
    odometer_km: float
    ignition: bool


class Drive:
    """A vehicle's motion from a seeded source of chance: the same source, the same drive."""

    def __init__(self, chance: Random, latitude: float, longitude: float) -> None:
        self._chance = chance
        self._latitude = latitude + chance.gauss(0, 0.03)
        self._longitude = longitude + chance.gauss(0, 0.03)
        self._heading_deg = self._wanted_deg = chance.choice((7.0, 97.0, 187.0, 277.0))
        self._odometer_m = chance.uniform(5e6, 3e8)
        self._speed_mps = 0.0
        self._mode = Mode.DRIVING
        self._left_s = 0.0
        self._driven_s = 0.0
        if chance.random() < 0.3:
            self._stand(Mode.PARKED, chance.uniform(*DELIVERY_S))
        self._new_block()

    @property
    def parked(self) -> bool:
        """Standing with the ignition off."""
        return self._mode is Mode.PARKED

    @property
    def odometer_km(self) -> float:
        return self._odometer_m / 1000

    @property
    def place(self) -> tuple[float, float]:
        """Latitude and longitude, as they really are."""
        return self._latitude, self._longitude

    def ahead(self, way_m: float) -> tuple[float, float]:
        """The place so far straight ahead."""
        north_m = way_m * math.cos(math.radians(self._heading_deg))
        east_m = way_m * math.sin(math.radians(self._heading_deg))
        east_deg = east_m / (METRES_PER_DEGREE * math.cos(math.radians(self._latitude)))
        return self._latitude + north_m / METRES_PER_DEGREE, self._longitude + east_deg

    def until(self, at_s: float) -> None:
        """Drive on until so many seconds after the start."""
        self.advance(at_s - self._driven_s)
        self._driven_s = at_s

    def advance(self, elapsed_s: float) -> None:
        """Drive on for a while, in steps no longer than a second."""
        steps = max(1, math.ceil(elapsed_s / MOST_STEP_S))
        for _ in range(steps):
            self._step(elapsed_s / steps)

    def fix(self) -> Fix:
        """What a receiver would report now."""
        chance = self._chance
        scatter_deg = NOISE_M / METRES_PER_DEGREE
        return Fix(
            round(self._latitude + chance.gauss(0, scatter_deg), 6),
            round(self._longitude + chance.gauss(0, scatter_deg) / math.cos(math.radians(self._latitude)), 6),
            round(self._speed_mps * 3.6, 1),
            round(self._heading_deg % 360, 1),
            round(chance.uniform(2, 9), 1),
            round(self._odometer_m / 1000, 3),
            self._mode is not Mode.PARKED,
        )

    def _step(self, step_s: float) -> None:
        if self._mode is not Mode.DRIVING:
            self._left_s -= step_s
            if self._left_s <= 0:
                self._mode = Mode.DRIVING
            return
        self._turn(step_s)
        self._change_speed(step_s)
        way_m = self._speed_mps * step_s
        heading = math.radians(self._heading_deg)
        self._latitude += way_m * math.cos(heading) / METRES_PER_DEGREE
        self._longitude += way_m * math.sin(heading) / (METRES_PER_DEGREE * math.cos(math.radians(self._latitude)))
        self._odometer_m += way_m
        self._block_left_m -= way_m
        arrived = self._speed_mps < SLOW_MPS and self._block_left_m < 5 if self._stops_here else self._block_left_m <= 0
        if arrived:
            self._corner()

    def _turn(self, step_s: float) -> None:
        off_deg = (self._wanted_deg - self._heading_deg + 180) % 360 - 180
        self._heading_deg += max(-TURN_DEG_PER_S * step_s, min(TURN_DEG_PER_S * step_s, off_deg))

    def _change_speed(self, step_s: float) -> None:
        """As fast as the street allows, but able to stand, or to turn, at the end of the block."""
        end_mps = 0.0 if self._stops_here else TURNING_MPS
        brakes_to_mps = math.sqrt(end_mps**2 + 2 * BRAKING_MPS2 * max(0.0, self._block_left_m))
        wanted_mps = min(self._cruise_mps, brakes_to_mps)
        fastest_mps = self._speed_mps + ACCELERATION_MPS2 * step_s
        slowest_mps = self._speed_mps - 1.2 * BRAKING_MPS2 * step_s
        self._speed_mps = max(0.0, slowest_mps, min(fastest_mps, wanted_mps))

    def _corner(self) -> None:
        """The end of a block: perhaps a light or a delivery, then straight on, left or right."""
        if self._stops_here:
            kind = Mode.PARKED if self._chance.random() < DELIVERY_SHARE / LIGHT_SHARE else Mode.WAITING
            self._stand(kind, self._chance.uniform(*(DELIVERY_S if kind is Mode.PARKED else LIGHT_S)))
        self._wanted_deg += self._chance.choice((0.0, 0.0, 90.0, -90.0)) + self._chance.gauss(0, 4)
        self._new_block()

    def _stand(self, mode: Mode, for_s: float) -> None:
        self._mode = mode
        self._left_s = for_s
        self._speed_mps = 0.0

    def _new_block(self) -> None:
        self._block_left_m = self._chance.uniform(*BLOCK_M)
        self._cruise_mps = self._chance.choice(CRUISING_MPS)
        self._stops_here = self._chance.random() < LIGHT_SHARE
