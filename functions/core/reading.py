"""What vehicles say: an event as it is sent, and the reading made of it once every field is checked."""

from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from functions.core.refusal import refusal
from functions.errors import Malformed


def text(most: int) -> Meta:
    """Of a str: so many printable characters. Neither control characters nor lone surrogates, which no encoding can
    carry on."""
    pattern = rf"^[\x20-\uD7FF\uE000-\U0010FFFF]{{1,{most}}}\Z"
    return Meta(pattern=pattern, description=f"1 to {most} printable characters")


Label = Annotated[str, text(128)]
VehicleId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}\Z",
        description="1 to 64 letters, digits or ._:- and begin with a letter or digit",
    ),
]
EventTime = Annotated[
    Annotated[datetime, Meta(tz=True)] | float,
    Meta(description="an RFC 3339 time with its offset from UTC, such as 2025-01-06T08:00:00Z, or Unix seconds"),
]

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """The fields every line's event begins with. `event_time` is RFC 3339 with offset, or Unix seconds."""

    vehicle_id: VehicleId
    event_time: EventTime
    event_id: Label | None = None


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
        raise refusal(error, payload, event_type) from None
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


def _plain(sent: datetime | float) -> object:
    return sent.isoformat() if isinstance(sent, datetime) else sent
