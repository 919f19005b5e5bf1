"""The document `alerts/{alert_id}`: the worker's snapshot, what people did, and whom the notifier told.

Each part has one owner and is written under its own update mask, so nobody undoes what another wrote.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from functions.core.handling import Handling
from functions.core.row import Row
from functions.core.severity import Severity, severity_of

KEPT = timedelta(days=90)
"""How long an alert is remembered after its episode is over."""


class Snapshot(msgspec.Struct, frozen=True):
    """An episode as its worker publishes it: whole, so that the newest version says everything.

    `event_at` is the event time at which this was so; a closed episode is as old as its end.
    """

    alert_id: str
    version: int
    kind: str
    subject: str
    line: str
    vehicle_id: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    peak: float | None = None
    details: dict[str, Any] = {}
    event_at: datetime | None = None


class Receipt(msgspec.Struct, frozen=True):
    """One thing one contact is told: `what` is opened, closed, withdrawn, "escalated 1" or "reminded …".

    `way` is page or digest. `state`: waiting → sending → delivered; dropped when it is no news any more, failed when
    given up. A receipt that is sending past `next_at` was left by a process that died, and is sent again.
    """

    what: str
    contact: str
    way: str = "page"
    state: str = "waiting"
    next_at: datetime | None = None
    told_at: datetime | None = None
    tries: int = 0
    why: str = ""

    @property
    def outstanding(self) -> bool:
        return self.state in ("waiting", "sending")

    @property
    def stands(self) -> str:
        """Its state; where it waits, for what: a page waits for another try or for a better hour."""
        if self.state != "waiting":
            return self.state
        if self.way == "digest":
            return "waiting for the next digest"
        return "waiting to be tried again" if self.tries else "waiting for quiet hours or a snooze to end"


class AlertRecord(Snapshot, frozen=True):
    """The whole document. `published_at` is when the newest snapshot was published, `due_at` when the notifier must
    look at it (None: never again unless something changes)."""

    published_at: datetime | None = None
    recorded_at: datetime | None = None
    handling: Handling = Handling()
    receipts: list[Receipt] = []
    due_at: datetime | None = None

    @property
    def severity(self) -> Severity:
        return severity_of(self.kind, self.details)

    @property
    def live(self) -> bool:
        """Something goes on that nobody has closed."""
        return self.status == "open" and self.handling.closed_at is None

    @property
    def age_s(self) -> float:
        """How old the news was when it was published, in seconds."""
        seen_at = self.ended_at or self.event_at or self.started_at
        return (self.published_at - seen_at).total_seconds() if self.published_at else 0.0


def alert_path(alert_id: str) -> str:
    return f"alerts/{alert_id}"


def read(fields: Row) -> AlertRecord:
    return msgspec.convert(fields, AlertRecord)


def recorded(snapshot: Snapshot, published_at: datetime, now: datetime, there: Row | None) -> Row | None:
    """The fields to write for a snapshot; None when the document has this version or a newer one.

    The notifier has to look when the alert is new, when it opens or ends, and when what was old news is fresh again.
    """
    if there is not None and there["version"] >= snapshot.version:
        return None
    fields: Row = msgspec.structs.asdict(snapshot)
    fields["published_at"] = published_at
    fields["forget_at"] = None if snapshot.status == "open" else published_at + KEPT
    if there is None:
        fields["recorded_at"] = now
    late = there is not None and any(one["why"] == "late" for one in there.get("receipts", []))
    if there is None or there["status"] != snapshot.status or late:
        fields["due_at"] = now
    return fields


def handled(change: Callable[[Handling], Handling], at: datetime, there: Row | None) -> Row | None:
    """The fields to write for what somebody did, which the notifier must know of; None when there is no such alert."""
    if there is None:
        return None
    return {"handling": msgspec.to_builtins(change(read(there).handling), builtin_types=(datetime,)), "due_at": at}
