"""One run from up to report: the plant, a watch, something that publishes, a drain, the books compared."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from emulator import addresses, report, summary
from emulator.closing import end_contracts
from emulator.contracts import workers
from emulator.drain import Drain
from emulator.exports import ExportFolder
from emulator.plant import Plant
from emulator.terminal import Terminal
from emulator.unanswered import Unanswered
from emulator.watch import Watch
from functions.core.plural import plural


class Stage(NamedTuple):
    """What a publishing command works with."""

    plant: Plant
    unanswered: Unanswered
    watch: Watch
    terminal: Terminal

    async def publish(self, line: str, payloads: list[bytes], vehicle_ids: list[str]) -> None:
        """Publish single messages of these vehicles; their answers are waited for by `unanswered`."""
        messages = [self.unanswered.leaving(vehicle_id) for vehicle_id in vehicle_ids]
        self.unanswered.published(await self.plant.publish(line, *payloads), messages)


async def run(
    plant: Plant,
    publish: Callable[[Stage], Awaitable[None]],
    terminal: Terminal,
    report_file: Path | None,
    *,
    closes: bool = False,
) -> int:
    """Bring the plant up, publish, drain, take it down, report. The exit status: 0 when nothing was lost or doubled.

    With `closes` all contracts end once everything is answered: a recording is over.
    """
    async with plant:
        exports = ExportFolder(plant.exports)
        unanswered = Unanswered()
        plant.listeners.append(unanswered.answered)
        watch = Watch(plant, exports, terminal)
        started_s = time.monotonic()
        watching = asyncio.create_task(watch.run(), name="watch")
        try:
            with addresses.written(plant):
                await publish(Stage(plant, unanswered, watch, terminal))
                terminal.say("everything is published; draining")
                await Drain(plant, unanswered, exports, terminal.say).run()
                seconds = time.monotonic() - started_s
                last = await report.standing(plant, watch.backlog())
                if closes:
                    terminal.say(f"the recording is over: {plural(await end_contracts(plant), 'contract')} ended")
                    await Drain(plant, unanswered, exports, terminal.say).run()
                    last.workers = await workers(plant.firestore)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        if not watching.cancelled():
            watching.result()
        terminal.say("stopping")
    ledger = plant.publisher.ledger
    found = report.built(plant, ledger, exports, seconds, last)
    aside = summary.aside(exports, ledger, last.workers, watch.faults, watch.driven_until)
    if closes and "trips" in found.exported:
        terminal.show(summary.day(plant.exports))
    terminal.show(summary.drawn(found, aside, plant))
    if report_file is not None:
        report.write(found, report_file)
        terminal.say(f"report: {report_file}")
    return 0 if found.sound else 1
