"""Service plans: ok → due_soon → due → overdue, by distance, engine hours or date, whichever is first; done resets."""

from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from functions.core.episode import Episode
from functions.core.reading import text
from functions.core.row import Product, Row

KIND = "service_due"
SOON, DUE, OVERDUE = 0.9, 1.0, 1.1
SOON_DAYS = 7.0
"""A date is told a week ahead (half its period, if that is shorter), a distance at 90 %."""
STATUSES = ("ok", "due_soon", "due", "overdue")

PlanId = Annotated[str, text(32)]


class ServicePlan(msgspec.Struct, frozen=True):
    """What must be done how often, and where it was done last; without the latter it counts from the first reading."""

    id: PlanId
    every_km: Annotated[float, Meta(gt=0, le=1e7)] | None = None
    every_hours: Annotated[float, Meta(gt=0, le=1e6)] | None = None
    every_days: Annotated[float, Meta(gt=0, le=36_600)] | None = None
    last_km: Annotated[float, Meta(ge=0, le=1e7)] | None = None
    last_hours: Annotated[float, Meta(ge=0, le=1e6)] | None = None
    last_at: Annotated[datetime, Meta(tz=True)] | None = None


class Use(NamedTuple):
    """How much a vehicle has been used by some time: believed km and engine hours, None = not known."""

    at: datetime
    km: float | None
    hours: float | None


class Service(msgspec.Struct, frozen=True, array_like=True):
    """One plan's life: where it was first looked at, where it was done last (`served_*`) and how often, its status, and
    since when an episode is open because of it."""

    first_at: datetime
    first_km: float | None = None
    first_hours: float | None = None
    served_at: datetime | None = None
    served_km: float | None = None
    served_hours: float | None = None
    times: int = 0
    status: int = 0
    told_since: datetime | None = None
    told_share: float = 0.0


class Since(NamedTuple):
    """How much of each period has gone by: km, hours, days, and the largest share with what it is of."""

    km: float | None
    hours: float | None
    days: float
    share: float
    by: str | None
    status: int


def done(service: Service | None, plan: ServicePlan, use: Use) -> tuple[Service, list[Product], list[Episode]]:
    """The plan was served: everything counts from `use`, which is never before where it counted from so far."""
    before = service or Service(use.at, use.km, use.hours)
    use = Use(
        use.at,
        _latest(use.km, _latest(before.served_km, plan.last_km)),
        _latest(use.hours, _latest(before.served_hours, plan.last_hours)),
    )
    row = {**_columns(plan, since(before, plan, use), use), "status": "done", "times": before.times + 1}
    closed = [_episode(plan, before, use.at)] if before.told_since else []
    after = Service(
        before.first_at,
        before.first_km,
        before.first_hours,
        use.at,
        _known(use.km, before.served_km),
        _known(use.hours, before.served_hours),
        before.times + 1,
    )
    return after, [Product("services", f"{plan.id}/done", row)], closed


def look(service: Service | None, plan: ServicePlan, use: Use) -> tuple[Service, list[Product], list[Episode]]:
    """The plan after some more use. Every status it reaches is a row, every one but ok part of an episode."""
    before = service or Service(use.at, use.km, use.hours)
    if (before.first_km is None and use.km is not None) or (before.first_hours is None and use.hours is not None):
        first_km, first_hours = _known(before.first_km, use.km), _known(before.first_hours, use.hours)
        before = msgspec.structs.replace(before, first_km=first_km, first_hours=first_hours)
    now = since(before, plan, use)
    if now.status == before.status and (now.status == 0 or before.told_since is not None):
        return before, [], []
    products = []
    if now.status != before.status:
        row = {**_columns(plan, now, use), "status": STATUSES[now.status], "times": before.times}
        products = [Product("services", f"{plan.id}/{STATUSES[now.status]}", row)]
    if now.status == 0:  # the plan itself was changed
        closed = [_episode(plan, before, use.at)] if before.told_since else []
        return msgspec.structs.replace(before, status=0, told_since=None), products, closed
    after = msgspec.structs.replace(
        before, status=now.status, told_since=before.told_since or use.at, told_share=now.share
    )
    return after, products, [_episode(plan, after, None)]


def silenced(service: Service) -> Service:
    """The plan after a contract's end, which closed its episode; the next reading opens another."""
    return msgspec.structs.replace(service, told_since=None)


def since(service: Service, plan: ServicePlan, use: Use) -> Since:
    """How much of a plan's periods has gone by since it was done last, by whom ever that was reported."""
    km = _gone(use.km, _latest(service.served_km, plan.last_km), service.first_km)
    hours = _gone(use.hours, _latest(service.served_hours, plan.last_hours), service.first_hours)
    begun_at = max((at for at in (service.served_at, plan.last_at) if at is not None), default=service.first_at)
    days = (use.at - begun_at) / timedelta(days=1)
    share, by, status = 0.0, None, 0
    for name, gone, every, soon in (
        ("km", km, plan.every_km, SOON),
        ("hours", hours, plan.every_hours, SOON),
        ("days", days, plan.every_days, _soon_share(plan.every_days)),
    ):
        if gone is None or every is None:
            continue
        reached = gone / every
        if by is None or reached > share:
            share, by = reached, name
        status = max(status, (reached >= soon) + (reached >= DUE) + (reached >= OVERDUE))
    return Since(km, hours, days, share, by, status)


def _soon_share(every_days: float | None) -> float:
    return 1 - min(SOON_DAYS, every_days / 2) / every_days if every_days else SOON


def _gone(now: float | None, served: float | None, first: float | None) -> float | None:
    begun = served if served is not None else first
    return None if now is None or begun is None else now - begun


def _latest(served: float | None, stated: float | None) -> float | None:
    """A meter only counts up, so the larger of two services is the later one."""
    if served is None or stated is None:
        return _known(served, stated)
    return max(served, stated)


def _known(value: float | None, other: float | None) -> float | None:
    return other if value is None else value


def _columns(plan: ServicePlan, now: Since, use: Use) -> Row:
    return {
        "plan": plan.id,
        "by": now.by,
        "share": now.share,
        "odometer_km": use.km,
        "engine_hours": use.hours,
        "since_km": now.km,
        "since_hours": now.hours,
        "since_days": now.days,
    }


def _episode(plan: ServicePlan, service: Service, ended_at: datetime | None) -> Episode:
    details = {"status": "done" if ended_at else STATUSES[service.status]}
    return Episode(
        KIND, plan.id, service.told_since or service.first_at, ended_at, round(service.told_share, 3), details
    )
