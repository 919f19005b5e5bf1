"""Who is told what, when, and by which way. Alert, people and time in, decision out; nothing here reads a clock.

For each alert and contact: opened; closed or withdrawn for whoever was told that it opened; escalated while nobody
acknowledges; reminded when a snooze ends. Each is told once: its receipt stands in the alert's document.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from functions.core.alert import AlertRecord, Receipt
from functions.core.contact import Contact, People, quiet_until
from functions.core.severity import Severity, SeverityName

OPENED, CLOSED, WITHDRAWN, REOPENED = "opened", "closed", "withdrawn", "reopened"
ESCALATED, REMINDED = "escalated", "reminded"
PAGE, DIGEST = "page", "digest"
WAITING, SENDING, DELIVERED, DROPPED, FAILED = "waiting", "sending", "delivered", "dropped", "failed"
MOST_RECEIPTS = 200
"""Of one alert; more are not begun, so that its document stays small."""


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How people are told. Seconds; `notify_within_s` None tells news of any age, as a replay wants it.

    An alert is looked at `settle_s` after it was recorded, so that one annulled at once reaches nobody. More than
    `storm_alerts` new alerts within `storm_s` are a storm: the rest is told as a digest after `storm_digest_s`.
    A delivery that fails is tried again after `retry_s`, then twice as long, up to an hour, `most_tries` times in all.
    """

    notify_within_s: float | None = 3600.0
    settle_s: float = 2.0
    page_from: SeverityName = "warning"
    escalate_after_s: float = 900.0
    escalations: int = 3
    digest_every_s: float = 900.0
    storm_alerts: int = 20
    storm_s: float = 60.0
    storm_digest_s: float = 60.0
    retry_s: float = 60.0
    most_tries: int = 30
    lease_s: float = 120.0


class Plan(NamedTuple):
    """Receipts as they stand once what is `due` is claimed, and when to look again."""

    receipts: list[Receipt]
    due: list[Receipt]
    due_at: datetime | None


def decide(alert: AlertRecord, people: People, policy: Policy, now: datetime, storm: bool = False) -> Plan:
    """What to tell now. Receipts in `due` are claimed for `lease_s`: only whoever gets them written may send them."""
    receipts = [_reviewed(one, alert, people, policy, now) for one in alert.receipts]
    known = {(one.what, one.contact) for one in receipts}
    for what, contact in _tidings(alert, receipts, people, policy, now):
        if (what, contact.name) not in known and len(receipts) < MOST_RECEIPTS:
            receipts.append(_planned(what, contact, alert, receipts, policy, now, storm))
            known.add((what, contact.name))
    lease_until = now + timedelta(seconds=policy.lease_s)
    due = []
    for place, one in enumerate(receipts):
        if one.outstanding and one.next_at is not None and one.next_at <= now:
            receipts[place] = msgspec.structs.replace(one, state=SENDING, next_at=lease_until)
            due.append(receipts[place])
    return Plan(receipts, due, due_at(alert, receipts, policy, now))


def settled(receipt: Receipt, failure: str | None, policy: Policy, now: datetime) -> Receipt:
    """A claimed receipt once its channel took the message (no failure), or did not."""
    tries = receipt.tries + 1
    change = msgspec.structs.replace
    if failure is None:
        return change(receipt, state=DELIVERED, told_at=now, next_at=None, tries=tries)
    if tries >= policy.most_tries:
        return change(receipt, state=FAILED, next_at=None, tries=tries, why=failure)
    pause_s = min(policy.retry_s * 2 ** (tries - 1), 3600.0)
    return change(receipt, state=WAITING, next_at=now + timedelta(seconds=pause_s), tries=tries, why=failure)


def due_at(
    alert: AlertRecord, receipts: list[Receipt], policy: Policy, after: datetime | None = None
) -> datetime | None:
    """When something is to be done next, if nothing else happens; with `after`, what was to be done by then is done."""
    times = [one.next_at for one in receipts if one.outstanding and one.next_at is not None]
    handling = alert.handling
    if alert.live:
        reminded = any(one.what == _reminder(handling.snoozed_until) for one in receipts)
        if handling.snoozed_until is not None and not reminded:
            times.append(handling.snoozed_until)
        base, told = _escalation_base(alert, receipts), _escalated(receipts)
        if base is not None and told < policy.escalations:
            times.append(base + timedelta(seconds=policy.escalate_after_s * (told + 1)))
    return min((time for time in times if after is None or time > after), default=None)


def _tidings(
    alert: AlertRecord, receipts: list[Receipt], people: People, policy: Policy, now: datetime
) -> Iterator[tuple[str, Contact]]:
    """Everything that is to be told by now; what was told already is in it too."""
    handling = alert.handling
    if handling.closed_at is not None:
        return
    interested = [one for one in people.told if alert.severity >= Severity[one.least]]
    if alert.status == WITHDRAWN:
        told = {one.contact for one in receipts if one.what == OPENED and one.state in (SENDING, DELIVERED)}
        yield from ((WITHDRAWN, one) for one in interested if one.name in told)
        return
    yield from ((OPENED, one) for one in interested)
    taken_back = {one.contact for one in receipts if one.what == WITHDRAWN}
    yield from ((REOPENED, one) for one in interested if one.name in taken_back)
    if alert.status == CLOSED:
        yield from ((CLOSED, one) for one in interested)
        return
    if handling.snoozed_until is not None and handling.snoozed_until <= now:
        yield from ((_reminder(handling.snoozed_until), one) for one in interested)
    base = _escalation_base(alert, receipts)
    if base is not None and now >= base and policy.escalate_after_s > 0:
        level = min(int((now - base).total_seconds() / policy.escalate_after_s), policy.escalations)
        if level > _escalated(receipts):
            yield from ((f"{ESCALATED} {level}", one) for one in people.escalation or interested)


def _planned(
    what: str,
    contact: Contact,
    alert: AlertRecord,
    receipts: list[Receipt],
    policy: Policy,
    now: datetime,
    storm: bool,
) -> Receipt:
    """A new receipt: at once, when quiet hours end, or with the digest because of what `why` says."""
    opening = next((one for one in receipts if (one.what, one.contact) == (OPENED, contact.name)), None)
    why = ""
    if alert.severity < Severity[policy.page_from]:
        why = "info"
    elif policy.notify_within_s is not None and alert.age_s > policy.notify_within_s:
        why = "late"
    elif what == OPENED and storm:
        why = "storm"
    elif what in (CLOSED, WITHDRAWN) and opening is not None and opening.way == DIGEST:
        why = opening.why
    receipt = Receipt(what, contact.name)
    if why:
        return _digested(receipt, why, policy, now)
    return msgspec.structs.replace(receipt, next_at=_allowed(alert, contact, now))


def _reviewed(receipt: Receipt, alert: AlertRecord, people: People, policy: Policy, now: datetime) -> Receipt:
    """A receipt of an earlier look in the light of what has happened since."""
    change = msgspec.structs.replace
    fresh = policy.notify_within_s is not None and alert.age_s <= policy.notify_within_s
    if receipt.what == OPENED and receipt.why == "late" and fresh and alert.live:
        return change(receipt, way=PAGE, state=WAITING, next_at=now, tries=0, why="")
    if receipt.state == DROPPED and receipt.why == WITHDRAWN and alert.status != WITHDRAWN:
        return change(receipt, state=WAITING, next_at=now, why="")
    contact = people.named(receipt.contact)
    if receipt.state != WAITING:
        return receipt
    if no_news := _no_news(receipt, alert) or ("" if contact else "no such contact any more"):
        return change(receipt, state=DROPPED, next_at=None, why=no_news)
    return _rescheduled(receipt, alert, contact, policy, now) if contact else receipt


def _rescheduled(receipt: Receipt, alert: AlertRecord, contact: Contact, policy: Policy, now: datetime) -> Receipt:
    """A waiting page whose time has come: still at a good hour, and not over by now, which the digest can say."""
    if receipt.way == DIGEST or receipt.next_at is None or receipt.next_at > now:
        return receipt
    if receipt.tries == 0 and alert.status != "open":
        return _digested(receipt, "over", policy, now)
    return msgspec.structs.replace(receipt, next_at=max(receipt.next_at, _allowed(alert, contact, now)))


def _no_news(receipt: Receipt, alert: AlertRecord) -> str:
    """Why what waits needs not be told any more, or nothing."""
    handling = alert.handling
    if handling.closed_at is not None:
        return f"closed by {handling.closed_by}"
    if receipt.what == OPENED and alert.status == WITHDRAWN:
        return WITHDRAWN
    if receipt.what.startswith((ESCALATED, REMINDED)) and alert.status != "open":
        return "it is over"
    if receipt.what.startswith((OPENED, ESCALATED)) and handling.acknowledged_at is not None:
        return f"acknowledged by {handling.acknowledged_by}"
    return ""


def _allowed(alert: AlertRecord, contact: Contact, now: datetime) -> datetime:
    """From when this contact may be told: snoozes hold everything back, quiet hours all that is not critical."""
    handling = alert.handling
    times = [now]
    if alert.live and handling.snoozed_until is not None:
        times.append(handling.snoozed_until)
    if alert.severity < Severity.critical and (end := quiet_until(contact, now)):
        times.append(end)
    return max(times)


def _digested(receipt: Receipt, why: str, policy: Policy, now: datetime) -> Receipt:
    """Digests leave on a fixed beat, so that what many alerts have to say goes out together."""
    every_s = policy.storm_digest_s if why == "storm" else policy.digest_every_s
    beat = int(now.timestamp() // every_s + 1) * every_s
    return msgspec.structs.replace(receipt, way=DIGEST, next_at=datetime.fromtimestamp(beat, now.tzinfo), why=why)


def _escalation_base(alert: AlertRecord, receipts: list[Receipt]) -> datetime | None:
    """Since when somebody could have acknowledged; None while nobody has to."""
    handling = alert.handling
    if not alert.live or handling.acknowledged_at is not None or alert.severity < Severity.warning:
        return None
    paged = [one.told_at for one in receipts if one.what == OPENED and one.way == PAGE and one.told_at is not None]
    return max(min(paged), handling.snoozed_until or min(paged)) if paged else None


def _escalated(receipts: list[Receipt]) -> int:
    """The highest level that was reached."""
    return max((int(one.what.split()[1]) for one in receipts if one.what.startswith(ESCALATED)), default=0)


def _reminder(snoozed_until: datetime | None) -> str:
    return f"{REMINDED} {snoozed_until:%Y-%m-%dT%H:%M:%SZ}" if snoozed_until else REMINDED
