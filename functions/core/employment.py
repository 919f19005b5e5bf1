"""Employment: readings sign and renew contracts, silence ends them, and it does not matter who notices first.

An ending happens at the contract's `expires_at`, whoever applies it: the monitor on its round, or the director that
meets a reading published after it and ends and hires again in one write. Both give the same rows with the same ids.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Generic, NamedTuple

import msgspec

from functions.core.contract import Contract, renewed, signed
from functions.core.episode import Alert, Episode, seen, told
from functions.core.horizon import Absorbed, Arrival, Made, Outcome, Past, absorb, settle
from functions.core.ids import digest
from functions.core.line import Emission, Line, Product, R, S
from functions.core.product import TRANSPORTATION, product_row
from functions.core.profile import Profile
from functions.core.worker import WorkerState

MOST_EMISSIONS = 64
MOST_EMISSION_BYTES = 8_000
"""What one commit may add to a memory as unpublished; a worker with more to say is committed in several steps."""

_packed = msgspec.msgpack.encode


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
            before = end(line, vehicle_id, worker, profile)
        past = before.past if before else Past(line.start(), line.start())
        absorbed = absorb(line, vehicle_id, past, group, profile)
        if not absorbed.new:
            outcomes += absorbed.outcomes
            continue
        after = _at_work(line, vehicle_id, before, absorbed, profile)
        if len(group) > 1 and _says_too_much(after, before):
            group.sort(key=lambda arrival: arrival.reading.order)
            middle = len(group) // 2
            first = employ(line, vehicle_id, worker, group[:middle], profile)
            left = [*first.left, *group[middle:], *waiting]
            return first._replace(outcomes=[*outcomes, *first.outcomes], left=left)
        return Employed(after, [*outcomes, *absorbed.outcomes], absorbed.left + waiting, changed=True)
    return Employed(worker, outcomes, [], changed=False)


def end(line: Line[S, R], vehicle_id: str, worker: WorkerState[S, R], profile: Profile) -> WorkerState[S, R]:
    """The worker once its contract has run out: all of its past settled, what was open closed, its shift reported,
    `offline` where due.

    Pure, and timed by the contract alone: whoever meets the worker first gives the same rows under the same ids.
    """
    contract, past = worker.contract, worker.past
    at = contract.expires_at
    settled = settle(line, past, past.recent, profile)
    ending = line.end(settled.state, at, profile)
    closed = [one if one.ended_at else _unknown(one, at) for one in seen(settled.open, ending.episodes)]
    _, news = told(worker.alerts, [*settled.ended, *closed], line.name, vehicle_id, at)
    silent = [Episode("offline", line.name, at)] if settled.open or line.at_work(settled.state) else []
    offline, silence = told([], silent, line.name, vehicle_id, at)
    key = digest("end", line.name, vehicle_id, contract.hired_at)
    products = (*ending.products, _shift(line, contract, worker.readings, settled.state))
    made = [*settled.made, *(Made(key, at, product) for product in products)]
    last = past.recent[-1] if past.recent else None
    return WorkerState(
        contract=msgspec.structs.replace(contract, ended=True),
        past=Past(
            head=ending.state,
            settled=ending.state,
            settled_count=past.readings,
            settled_at=last.event_at if last else past.settled_at,
            settled_key=last.key if last else past.settled_key,
            former=[reading.key for reading in past.recent] or past.former,
        ),
        offline=offline,
        unpublished=[*worker.unpublished, *_rows(line.name, vehicle_id, contract.seen_at, made), *news, *silence],
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
    past = absorbed.past
    heard_at = max(arrival.published_at for arrival in absorbed.new)
    length_s = line.contract_s(past.head, profile)
    if before and not before.contract.ended:
        contract = renewed(before.contract, heard_at, length_s)
    else:
        totals = line.totals(before.past.head if before else line.start())
        contract = signed(heard_at, length_s, before.readings if before else 0, totals)
    emissions = list(before.unpublished) if before else []
    alerts = before.alerts if before else []
    if absorbed.made:
        emissions += _rows(line.name, vehicle_id, heard_at, absorbed.made)
    if absorbed.ended or before is None or past.episodes is not before.past.episodes:
        alerts, news = told(alerts, [*absorbed.ended, *past.episodes], line.name, vehicle_id, past.watermark)
        alerts = [alert for alert in alerts if _revisable(alert, absorbed)]
        emissions += news
    if before and before.offline:
        back_at = min(arrival.published_at for arrival in absorbed.new)
        closed = [msgspec.structs.replace(alert.episode, ended_at=back_at) for alert in before.offline]
        emissions += told(before.offline, closed, line.name, vehicle_id)[1]
    return WorkerState(contract, past, alerts, [], emissions)


def _revisable(alert: Alert, absorbed: Absorbed[S, R]) -> bool:
    """Whether a late reading may still change it: its end, or the start it was withdrawn from, is in the horizon."""
    settled_at = absorbed.past.settled_at
    if alert.withdrawn:
        return settled_at is None or alert.episode.started_at > settled_at
    return alert.episode not in absorbed.ended


def _says_too_much(after: WorkerState[S, R], before: WorkerState[S, R] | None) -> bool:
    """Whether what this commit adds to the memory, to be struck out by the next, is more than it should hold."""
    added = after.unpublished[len(before.unpublished) if before else 0 :]
    return len(added) > MOST_EMISSIONS or (bool(added) and len(_packed(added)) > MOST_EMISSION_BYTES)


def _unknown(episode: Episode, at: datetime) -> Episode:
    """An episode that silence closed: nobody knows how it went on."""
    return msgspec.structs.replace(episode, ended_at=at, details={**episode.details, "outcome": "unknown"})


def _rows(line: str, vehicle_id: str, received_at: datetime, made: Iterable[Made]) -> list[Emission]:
    return [
        (TRANSPORTATION, product_row(product, line, vehicle_id, key, event_at, received_at))
        for key, event_at, product in made
    ]


def _shift(line: Line[S, R], contract: Contract, readings: int, head: S) -> Product:
    """A contract that ended: how long, how many readings, and what was added to each total."""
    columns = {
        "hired_at": contract.hired_at,
        "ended_at": contract.expires_at,
        "readings": readings - contract.readings_before,
        **{name: total - contract.totals_before.get(name, 0.0) for name, total in line.totals(head).items()},
    }
    return Product("shifts", "", columns)
