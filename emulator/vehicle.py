"""One vehicle or site of the simulated fleet: it measures, it sends, and between the two things go wrong."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec

from emulator import faults
from emulator.faults import Event
from emulator.gauges import Gauge
from emulator.plan import Departure, Plan

MOST_LISTED = 1_000
"""Events in one late list: well under the 512 KB Eventarc delivers."""
SOUND_AT_FIRST = 2
"""Readings of each line before anything is wrong with one: a jump is one from somewhere."""
OLD_READINGS = 5
OLD_EVERY_S = 30.0


class Vehicle:
    """Its gauges, its radio, and its silence, if it has one: from and until so many seconds after the start."""

    def __init__(
        self, plan: Plan, vehicle_id: str, gauges: Sequence[Gauge], start: datetime, silence: tuple[float, float] | None
    ) -> None:
        self.id = vehicle_id
        self.gauges = gauges
        self._plan = plan
        self._start = start
        self._chance = Random(f"{plan.seed}/{vehicle_id}/radio")
        self._silence = silence
        self._said_silent = self._said_back = False
        self._covered_again_s = 0.0
        self._reports: Counter[str] = Counter()
        self._unsent: dict[str, list[bytes]] = defaultdict(list)
        self._held: dict[str, list[bytes]] = defaultdict(list)

    def profile(self) -> dict[str, Any]:
        """What people would set for it, contracts included."""
        pace = self._plan.pace
        usual = {"gps": 4, "temperature": 6, "maintenance": 8, "inventory": 10}
        merged: dict[str, Any] = {"contract_s": self._plan.contract_s}
        merged["expected_interval_s"] = {gauge.line: usual[gauge.line] * pace for gauge in self.gauges}
        for gauge in self.gauges:
            merged |= gauge.profile()
        return merged

    def report(self, gauge: Gauge, at_s: float) -> list[Departure]:
        """Measure and send: usually one message; none while silent or out of coverage; more with a fault."""
        event = self._event(gauge.measured(at_s), at_s)
        line = gauge.line
        if self._silence and self._silence[0] <= at_s < self._silence[1]:
            return self._fall_silent(at_s)
        self._reports[line] += 1
        out_of_coverage = at_s < self._covered_again_s and len(self._unsent[line]) < MOST_LISTED
        if out_of_coverage or self._unsent[line]:
            self._unsent[line].append(msgspec.json.encode(event))
            return [] if out_of_coverage else self._lists(at_s)
        return [*self._old(event, line, at_s), *self._lists(at_s), *self._fresh(event, line, at_s)]

    def rest(self) -> list[Departure]:
        """What it still has to say when its day ends."""
        held = [(line, payload) for line, payloads in self._held.items() for payload in payloads]
        end_s = self._plan.seconds
        return [*(self._departure(end_s, line, payload) for line, payload in held), *self._lists(end_s)]

    def _fall_silent(self, at_s: float) -> list[Departure]:
        said, self._said_silent = self._said_silent, True
        return [] if said else [self._departure(at_s, self.gauges[0].line, None, faults.SILENCE)]

    def _old(self, event: Event, line: str, at_s: float) -> list[Departure]:
        """A receiver that was silent may find what it kept of last night, and send that first."""
        if self._silence is None or line != "gps" or self._said_back or at_s < self._silence[1]:
            return []
        self._said_back = True
        if self._chance.random() < 0.4:
            return []
        at_s_of = (at_s - faults.OLD.total_seconds() + number * OLD_EVERY_S for number in range(OLD_READINGS))
        kept = [{**event, "event_time": self._written(one), "speed_kph": 0.0} for one in at_s_of]
        return [self._departure(at_s, line, msgspec.json.encode(kept), faults.OLD_LIST)]

    def _lists(self, at_s: float) -> list[Departure]:
        """What was measured out of coverage, a list for each line."""
        unsent, self._unsent = self._unsent, defaultdict(list)
        return [
            self._departure(at_s, line, b"[" + b",".join(events) + b"]", faults.LATE_LIST if len(events) > 1 else None)
            for line, events in unsent.items()
            if events
        ]

    def _fresh(self, event: Event, line: str, at_s: float) -> list[Departure]:
        chance = self._chance
        kind = faults.drawn(chance, faults.SHARE[line]) if self._reports[line] > SOUND_AT_FIRST else None
        self._leave_coverage(line, at_s)
        event = faults.spoiled(event, kind, chance)
        if kind == faults.CLOCK:
            event["event_time"] = self._written(at_s + faults.CLOCK_AHEAD.total_seconds())
        payload = msgspec.json.encode(event)
        if kind == faults.OUT_OF_ORDER:
            self._held[line].append(payload)
            return []
        own = kind not in (faults.REPEAT, faults.MALFORMED)
        leaving = [self._departure(at_s, line, payload, kind if own else None)]
        if kind == faults.REPEAT:
            leaving.append(self._departure(at_s + chance.uniform(*faults.REPEATED_AFTER_S), line, payload, kind))
        if kind == faults.MALFORMED:
            which, spoiled = faults.malformed(line, event, chance)
            leaving.append(self._departure(at_s, line, spoiled, f"{faults.MALFORMED}: {which}"))
        return leaving + self._overtaken(line, at_s, kind)

    def _overtaken(self, line: str, at_s: float, kind: str | None) -> list[Departure]:
        """What was held back leaves after a newer reading whose time of receipt the files tell."""
        if kind in (faults.CLOCK, faults.REPEAT):
            return []
        held = self._held.pop(line, [])
        leaves_s = at_s + faults.OVERTAKEN_BY_S
        return [self._departure(leaves_s, line, payload, faults.OUT_OF_ORDER) for payload in held]

    def _leave_coverage(self, line: str, at_s: float) -> None:
        pace = self._plan.pace
        share = faults.OUT_OF_COVERAGE_SHARE_PER_S * min(pace, 1.5)  # one a day that reports twice a minute, not ten
        if line == self.gauges[0].line and self._chance.random() < share:
            self._covered_again_s = at_s + self._chance.uniform(*faults.OUT_OF_COVERAGE_S) * max(1.0, pace)

    def _event(self, fields: Event, at_s: float) -> Event:
        return {"vehicle_id": self.id, "event_time": self._written(at_s), **fields}

    def _written(self, at_s: float) -> str:
        at = self._start + timedelta(seconds=at_s)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _departure(self, at_s: float, line: str, payload: bytes | None, fault: str | None = None) -> Departure:
        return Departure(min(at_s, self._plan.seconds), line, self.id, payload, fault)
