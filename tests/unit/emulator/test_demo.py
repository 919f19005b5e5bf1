"""The demo publishes what the fleet says when it says it, and when it cannot keep up, as if each vehicle had."""

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

from emulator.commands import demo
from emulator.plan import Plan


class SlowStage:
    """A stage whose every request takes longer than the pause between two fixes."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, list[str]]] = []
        self.watch = SimpleNamespace(faults=Counter())
        self.plant = SimpleNamespace(check=lambda: None)
        self.terminal = SimpleNamespace(say=lambda _: None)

    async def publish(self, line: str, payloads: list[bytes], vehicle_ids: list[str]) -> None:
        assert len(payloads) == len(vehicle_ids)
        self.requests.append((line, vehicle_ids))
        await asyncio.sleep(0.02)


async def test_no_two_messages_of_a_vehicle_leave_in_one_request_however_slow_this_machine_is() -> None:
    """They would have one time of receipt, as a list has."""
    stage: Any = SlowStage()
    await demo._drive(stage, Plan(vehicles=5, seconds=0.5, interval_s=0.01))
    assert len(stage.requests) > 20
    for line, vehicle_ids in stage.requests:
        assert len(set(vehicle_ids)) == len(vehicle_ids), line
