"""Employment: readings sign and renew contracts, silence ends them, and it does not matter who notices first.

An ending happens at the contract's `expires_at`, whoever applies it: the monitor on its round, or the director that
meets a reading published after it and ends and hires again in one write. Both give the same rows with the same ids.
"""

from collections.abc import Sequence
from typing import Generic, NamedTuple

import msgspec

from functions.core.contract import renewed, signed
from functions.core.episode import ALERTS, Episode, closed, opened, snapshot
from functions.core.horizon import Absorbed, Arrival, Outcome, Past, absorb
from functions.core.ids import digest, product_id
from functions.core.line import Emission, Line, R, Row, S
from functions.core.product import KNOWN, TRANSPORTATION
from functions.core.profile import Profile
from functions.core.worker import WorkerState


class Employed(NamedTuple, Generic[S, R]):
    """A worker after one commit's worth of arrivals; None when a vehicle never seen brought nothing its state may be
    told of. `changed` tells whether there is anything to write; `left` waits for the next commit."""

    worker: WorkerState[S, R] | None
    outcomes: list[Outcome[R]]
    left: list[Arrival[R]]
    changed: bool


def employ(
    line: Line[S, R],
    vehicle_id: str,
    worker: WorkerState[S, R] | None,
    arrivals: Sequence[Arrival[R]],
    profile: Profile,
) -> Employed[S, R]:
    """Give a worker (None = never hired) what it can take in one commit.

    That is everything published while its contract ran, or else what hires it: the first message after. Only what is
    new to its state renews or hires; repeats, history and clocks ahead are answered and change nothing.
    """
    outcomes: list[Outcome[R]] = []
    waiting = sorted(arrivals, key=lambda arrival: arrival.published_at)
    while waiting:
        group, waiting = _next_group(worker, waiting)
        before = worker
        if worker and not worker.contract.ended and group[0].published_at > worker.contract.expires_at:
            before = end(line, vehicle_id, worker)
        past = before.past if before else Past(line.start(), line.start())
        absorbed = absorb(line, vehicle_id, past, group, profile)
        outcomes += absorbed.outcomes
        if absorbed.new:
            after = _at_work(line, vehicle_id, before, absorbed, profile)
            return Employed(after, outcomes, absorbed.left + waiting, changed=True)
    return Employed(worker, outcomes, [], changed=False)


def end(line: Line[S, R], vehicle_id: str, worker: WorkerState[S, R]) -> WorkerState[S, R]:
    """The worker once its contract has run out: all of its past settled, its shift reported, `offline` where due.

    Pure, and timed by the contract alone: whoever meets the worker first gives the same rows under the same ids.
    """
    contract, head = worker.contract, worker.head
    emissions: list[Emission] = [(TRANSPORTATION, _shift(line, vehicle_id, worker))]
    offline = opened("offline", vehicle_id, line.name, contract.expires_at) if line.at_work(head) else None
    if offline:
        emissions.append((ALERTS, snapshot(offline, line.name, vehicle_id)))
    return WorkerState(
        contract=msgspec.structs.replace(contract, ended=True),
        past=worker.past.closed(line.dismissed(head)),
        offline=offline,
        unpublished=[*worker.unpublished, *emissions],
    )


def _next_group(
    worker: WorkerState[S, R] | None, waiting: list[Arrival[R]]
) -> tuple[list[Arrival[R]], list[Arrival[R]]]:
    """What was published under the contract that runs, or else the first message after it; and the rest."""
    last = waiting[0].published_at
    if worker and not worker.contract.ended:
        last = max(last, worker.contract.expires_at)
    count = sum(arrival.published_at <= last for arrival in waiting)
    return waiting[:count], waiting[count:]


def _at_work(
    line: Line[S, R],
    vehicle_id: str,
    before: WorkerState[S, R] | None,
    absorbed: Absorbed[S, R],
    profile: Profile,
) -> WorkerState[S, R]:
    """The worker hired or renewed by these new readings, and no longer offline."""
    heard_at = max(arrival.published_at for arrival in absorbed.new)
    length_s = line.contract_s(absorbed.past.head, profile)
    if before and not before.contract.ended:
        contract = renewed(before.contract, heard_at, length_s)
    else:
        totals = line.totals(before.head if before else line.start())
        contract = signed(heard_at, length_s, before.readings if before else 0, totals)
    emissions = [*before.unpublished, *_back_online(line.name, vehicle_id, before.offline, absorbed)] if before else []
    return WorkerState(contract, absorbed.past, None, emissions)


def _back_online(line: str, vehicle_id: str, offline: Episode | None, absorbed: Absorbed[S, R]) -> list[Emission]:
    if offline is None:
        return []
    heard_at = min(arrival.published_at for arrival in absorbed.new)
    return [(ALERTS, snapshot(closed(offline, heard_at), line, vehicle_id))]


def _shift(line: Line[S, R], vehicle_id: str, worker: WorkerState[S, R]) -> Row:
    """The row of a contract that ended: how long, how many readings, and what was added to each total."""
    contract = worker.contract
    key = digest("shift", line.name, vehicle_id, contract.hired_at)
    totals = line.totals(worker.head)
    return {
        "pclass": "shifts",
        "product_id": product_id("shifts", key),
        "event_id": key.hex(),
        "version": KNOWN,
        "vehicle_id": vehicle_id,
        "line": line.name,
        "event_at": contract.expires_at,
        "received_at": contract.seen_at,
        "late": False,
        "hired_at": contract.hired_at,
        "ended_at": contract.expires_at,
        "readings": worker.readings - contract.readings_before,
        **{name: total - contract.totals_before.get(name, 0.0) for name, total in totals.items()},
    }
