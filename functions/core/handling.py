"""What people do with an alert: acknowledge, snooze, close. Each change keeps who, when and why."""

from datetime import datetime, timedelta

import msgspec

MOST_AUDITED = 200
"""Changes one alert keeps; beyond it only closing is still possible, so that its document stays small."""


class Change(msgspec.Struct, frozen=True):
    """One thing somebody did."""

    at: datetime
    by: str
    did: str
    why: str = ""


class Handling(msgspec.Struct, frozen=True):
    """Where people stand with an alert. The first acknowledgement and the first close count; `audit` has them all."""

    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    comment: str | None = None
    snoozed_until: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    reason: str | None = None
    audit: list[Change] = []


class Settled(Exception):
    """The alert takes no more of these changes; says why."""


def acknowledged(handling: Handling, by: str, at: datetime, comment: str) -> Handling:
    """Somebody sees to it: nobody else is called, and a snooze is over."""
    first = handling.acknowledged_at is None
    after = _changed(handling, Change(at, by, "acknowledged", comment))
    return msgspec.structs.replace(
        after,
        acknowledged_at=at if first else handling.acknowledged_at,
        acknowledged_by=by if first else handling.acknowledged_by,
        comment=comment or handling.comment,
        snoozed_until=None,
    )


def snoozed(handling: Handling, by: str, at: datetime, minutes: float, why: str = "") -> Handling:
    """Nobody is told until then; whoever snoozes is reminded if it is still open."""
    after = _changed(handling, Change(at, by, f"snoozed for {minutes:g} min", why))
    return msgspec.structs.replace(after, snoozed_until=at + timedelta(minutes=minutes))


def closed(handling: Handling, by: str, at: datetime, reason: str) -> Handling:
    """Final for this episode, whatever its worker still says: nobody is told of it again."""
    first = handling.closed_at is None
    change = Change(at, by, "closed", reason)
    audit = [*handling.audit[: MOST_AUDITED - 1], change]
    if not first:
        return msgspec.structs.replace(handling, audit=audit)
    return msgspec.structs.replace(handling, closed_at=at, closed_by=by, reason=reason, snoozed_until=None, audit=audit)


def _changed(handling: Handling, change: Change) -> Handling:
    if handling.closed_at is not None:
        raise Settled(f"{handling.closed_by} closed it: {handling.reason}")
    if len(handling.audit) >= MOST_AUDITED:
        raise Settled(f"it was changed {MOST_AUDITED} times; it can only be closed")
    return msgspec.structs.replace(handling, audit=[*handling.audit, change])
