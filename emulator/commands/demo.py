"""`demo`: everything up, a simulated fleet with faults in it, a live table, a drain, a summary."""

import argparse
import asyncio
import time
from datetime import UTC, datetime
from itertools import groupby

from emulator.fleet import Departure, Plan, departures
from emulator.plant import Plant
from emulator.run import Stage, run
from emulator.terminal import Terminal

TICK_S = 0.02
"""What leaves within one tick is published in one request."""
BEHIND_S = 2.0


async def main(options: argparse.Namespace) -> int:
    terminal = Terminal(options.quiet)
    interval_s = options.vehicles / options.rate if options.rate else 1.0
    plan = Plan(options.vehicles, options.seconds, interval_s, options.seed)
    plant = Plant(
        options.backend,
        instances=options.instances,
        exports=options.exports,
        profiles=options.profiles,
        say=terminal.say,
    )

    async def drive(stage: Stage) -> None:
        rate = plan.vehicles / interval_s
        stage.terminal.say(
            f"{plan.vehicles} vehicles drive for {plan.seconds:g} s, {rate:,.0f} events/s, seed {plan.seed}"
        )
        await _drive(stage, plan)

    return await run(plant, drive, terminal, options.report)


async def _drive(stage: Stage, plan: Plan) -> None:
    """Publish what the fleet says when it says it."""
    started_s = time.monotonic()
    behind = False
    due: list[Departure] = []
    for departure in departures(plan, datetime.now(UTC)):
        passed_s = time.monotonic() - started_s
        if departure.at_s > passed_s or len(due) >= 1_000:
            await _publish(stage, due)
            due = []
            await asyncio.sleep(max(0.0, departure.at_s - passed_s, TICK_S if departure.at_s > passed_s else 0.0))
            stage.plant.check()
        elif not behind and passed_s - departure.at_s > BEHIND_S:
            behind = True
            stage.terminal.say(
                f"this machine publishes more slowly than {plan.vehicles / plan.interval_s:,.0f} events/s"
            )
        due.append(departure)
    await _publish(stage, due)


async def _publish(stage: Stage, due: list[Departure]) -> None:
    stage.watch.faults.update(departure.fault for departure in due if departure.fault)
    messages = sorted((departure for departure in due if departure.payload is not None), key=lambda one: one.line)
    for line, leaving in groupby(messages, key=lambda departure: departure.line):
        chosen = list(leaving)
        payloads = [departure.payload for departure in chosen if departure.payload is not None]
        await stage.publish(line, payloads, [departure.vehicle_id for departure in chosen])
