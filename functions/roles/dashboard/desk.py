"""What people do with an alert at the desk: acknowledge, snooze, close; each with who and why, by the same rules as
from the command line."""

from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from functions.core import handling
from functions.core.alert import AlertRecord, alert_path, handled, read
from functions.core.handling import Handling
from functions.core.ports import Clock, Store
from functions.core.revision import revise

Name = Annotated[str, Meta(min_length=1, max_length=80)]
Words = Annotated[str, Meta(max_length=500)]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]
Minutes = Annotated[float, Meta(ge=1, le=7 * 24 * 60)]


class Acknowledge(msgspec.Struct, frozen=True, tag_field="do", tag="acknowledge"):
    by: Name
    comment: Words = ""


class Snooze(msgspec.Struct, frozen=True, tag_field="do", tag="snooze"):
    by: Name
    minutes: Minutes
    comment: Words = ""


class Close(msgspec.Struct, frozen=True, tag_field="do", tag="close"):
    by: Name
    reason: Reason


Act = Acknowledge | Snooze | Close


class Desk:
    """Carries out what people ask for."""

    def __init__(self, store: Store, now: Clock) -> None:
        self._store = store
        self._now = now

    async def act(self, alert_id: str, act: Act, by: str) -> AlertRecord | None:
        """The alert as it is then, None when there is no such alert; raises handling.Settled when it takes no more."""
        path, at = alert_path(alert_id), self._now()
        if not await revise(self._store, {path: partial(handled, partial(_changed, act, by, at), at)}):
            return None
        return read((await self._store.get([path]))[path].fields)


def _changed(act: Act, by: str, at: datetime, before: Handling) -> Handling:
    match act:
        case Acknowledge():
            return handling.acknowledged(before, by, at, act.comment)
        case Snooze():
            return handling.snoozed(before, by, at, act.minutes, act.comment)
        case Close():
            return handling.closed(before, by, at, act.reason)
