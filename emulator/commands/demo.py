"""`demo`: everything up, a simulated fleet with faults in it, a live table, a drain, a summary."""

import argparse
import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import groupby

from emulator import profiles
from emulator.findings import Fault
from emulator.fleet import departures, events_per_s
from emulator.fleet import profiles as fleet_profiles
from emulator.plan import Departure, Plan
from emulator.plant import Plant
from emulator.run import Stage, run
from emulator.terminal import Terminal
from functions.core.plural import plural
from functions.core.profile_fields import fields_of

TICK_S = 0.02
"""What leaves within one tick is published in one request."""
BEHIND_S = 2.0


async def main(options: argparse.Namespace) -> int:
    terminal = Terminal(options.quiet)
    plan = _plan(options)
    own = profiles.read(options.profiles) if options.profiles else {}
    plant = Plant(
        options.backend,
        instances=options.instances,
        exports=options.exports,
        profiles=options.profiles,
        say=terminal.say,
    )
    return await run(plant, partial(drive, plan=plan, own=own), terminal, options.report)


async def drive(stage: Stage, plan: Plan, own: profiles.Profiles) -> None:
    """Write the profiles of a plan's fleet, with `own` settings over them, and publish what the fleet says."""
    settings = {name: fields_of(found) for name, found in fleet_profiles(plan).items()}
    await profiles.write(stage.plant.firestore, {name: found | own.get(name, {}) for name, found in settings.items()})
    stage.terminal.say(
        f"{plural(plan.vehicles, 'vehicle')} and {plural(len(settings) - plan.vehicles, 'site')} for "
        f"{plan.seconds:g} s, about "
        f"{events_per_s(plan):,.0f} events/s, contracts of {plan.contract_s:g} s, seed {plan.seed}"
    )
    await _drive(stage, plan)
    stage.watch.driven_until = datetime.now(UTC)


def _plan(options: argparse.Namespace) -> Plan:
    """A fix a second and vehicle, or what the rate asked for makes of it; contracts grow with slower reports only."""
    plan = Plan(options.vehicles, options.seconds, seed=options.seed)
    if not options.rate:
        return plan
    interval_s = events_per_s(plan) / options.rate
    return replace(plan, interval_s=interval_s, contract_s=plan.contract_s * max(1.0, interval_s))


async def _drive(stage: Stage, plan: Plan) -> None:
    """Publish what the fleet says when it says it; a vehicle's next message waits for the next request, which gives it
    a time of its own."""
    started_s = time.monotonic()
    behind = False
    due: list[Departure] = []
    spoken: set[tuple[str, str]] = set()
    for departure in departures(plan, datetime.now(UTC)):
        passed_s = time.monotonic() - started_s
        worker = (departure.line, departure.vehicle_id)
        if departure.at_s > passed_s or worker in spoken or len(due) >= 1_000:
            await _publish(stage, due)
            due, spoken = [], set()
            await asyncio.sleep(max(0.0, departure.at_s - passed_s, TICK_S if departure.at_s > passed_s else 0.0))
            stage.plant.check()
        elif not behind and passed_s - departure.at_s > BEHIND_S:
            behind = True
            stage.terminal.say(f"this machine publishes more slowly than {events_per_s(plan):,.0f} events/s")
        due.append(departure)
        spoken.add(worker)
    await _publish(stage, due)


async def _publish(stage: Stage, due: list[Departure]) -> None:
    stage.watch.faults.update(Fault(departure.line, departure.fault) for departure in due if departure.fault)
    messages = sorted((departure for departure in due if departure.payload is not None), key=lambda one: one.line)
    for line, leaving in groupby(messages, key=lambda departure: departure.line):
        chosen = list(leaving)
        payloads = [departure.payload for departure in chosen if departure.payload is not None]
        await stage.publish(line, payloads, [departure.vehicle_id for departure in chosen])
