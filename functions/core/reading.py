"""What vehicles say: an event as it is sent, and the reading made of it once every field is checked."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from functions.errors import NOT_SENT, Malformed

VEHICLE_ID = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}\Z"
TEXT = r"^[\x20-\uD7FF\uE000-\U0010FFFF]{1,128}\Z"
"""Text without control characters and without lone surrogates, which no encoding can carry on."""

VehicleId = Annotated[str, Meta(pattern=VEHICLE_ID)]
EventTime = Annotated[datetime, Meta(tz=True)] | float
EventId = Annotated[str, Meta(pattern=TEXT)]
Label = Annotated[str, Meta(pattern=TEXT)]

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """The fields every line's event begins with. `event_time` is RFC 3339 with offset, or Unix seconds."""

    vehicle_id: VehicleId
    event_time: EventTime
    event_id: EventId | None = None


class Reading(msgspec.Struct, frozen=True, array_like=True):
    """One checked event of one worker; lines add what they measure. `key` is its event key (ids.event_key)."""

    event_at: datetime
    key: bytes

    @property
    def order(self) -> tuple[datetime, bytes]:
        """Readings are folded in this order; the key decides between readings of the same instant."""
        return (self.event_at, self.key)


E = TypeVar("E", bound=Event)


def checked(payload: object, event_type: type[E]) -> E:
    """The payload as an event of this type; Malformed names the first field at fault and its value.

    Every number an event declares has a range, which is also what refuses NaN and infinity.
    """
    try:
        return msgspec.convert(payload, event_type)
    except msgspec.ValidationError as error:
        raise _named(error, payload) from None
    except RecursionError:
        raise Malformed("", payload, "nested too deeply") from None


def event_at(event: Event) -> datetime:
    """The event's time as aware UTC, refused outside 1900 to 2199 (most often a unit or a clock gone wrong)."""
    sent = event.event_time
    try:
        at = sent.astimezone(UTC) if isinstance(sent, datetime) else datetime.fromtimestamp(sent, UTC)
    except (OverflowError, ValueError, OSError):
        raise Malformed(
            "event_time", _plain(sent), "is not a time between 1900 and 2199 (Unix times are in seconds)"
        ) from None
    if not EARLIEST <= at < LATEST:
        raise Malformed("event_time", _plain(sent), "is not between 1900 and 2199 (Unix times are in seconds)")
    return at


def unknown_fields(payload: dict[str, Any], event_type: type[Event]) -> int:
    """How many fields were sent that no line knows: they are kept out of state, and counted."""
    return len(payload.keys() - set(event_type.__struct_fields__))


def _named(error: msgspec.ValidationError, payload: object) -> Malformed:
    """msgspec says "Expected `float` <= 90.0 - at `$.latitude`"; people also need to see the value."""
    text = str(error)
    if missing := re.search(r"missing required field `(\w+)`", text):
        return Malformed(missing[1], NOT_SENT, "is required")
    reason, _, where = text.partition(" - at `$")
    field = where.rstrip("`").lstrip(".")
    reason = re.sub(r"^Expected (.*), got .*$", r"must be \1", reason).replace("Expected", "must be", 1)
    for said, meant in _PHRASES.items():
        reason = reason.replace(said, meant)
    return Malformed(field, _value_at(payload, field), reason)


_PHRASES = {
    " | null": "",
    "`str` matching regex " + repr(VEHICLE_ID): "1 to 64 letters, digits or ._:- and begin with a letter or digit",
    "`str` matching regex " + repr(TEXT): "1 to 128 printable characters",
    "`datetime` with a timezone component": "a time with its offset from UTC",
    "`float | datetime`": "an RFC 3339 time with offset, or Unix seconds",
    "Invalid RFC3339 encoded datetime": "must be an RFC 3339 time with offset, or Unix seconds",
    "`object`": "a JSON object",
    "`array`": "a JSON list",
    "`float`": "a number",
    "`int`": "a whole number",
    "`str`": "text",
    "`bool`": "true or false",
}
"""msgspec speaks of Python's types; whoever sent the event thinks in JSON's."""


def _value_at(payload: object, path: str) -> object:
    """The value at a path such as `latitude` or `inspection.passed` or `dtcs[...]`; what holds it where unclear."""
    value = payload
    for name in re.findall(r"\w+", path):
        if not isinstance(value, dict) or name not in value:
            break
        value = value[name]
    return value


def _plain(sent: datetime | float) -> object:
    return sent.isoformat() if isinstance(sent, datetime) else sent
