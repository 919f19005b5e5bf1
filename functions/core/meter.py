"""Meters that only count up: an odometer, an hour meter. One that goes back or jumps is flagged, and not believed."""

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from functions.core.episode import Episode

KIND = "odometer_fault"
AGREEING = 3
AGREEING_FOR = timedelta(days=1)
"""So many readings over so long that agree with each other are a new instrument: counting goes on from the old one."""


class Scale(NamedTuple):
    """What a meter can do: `rounding` it may go back by, and `slack` plus `pace_per_h` per hour it may go on by."""

    subject: str
    rounding: float
    slack: float
    pace_per_h: float

    def follows(self, value: float, at: datetime, before: float, before_at: datetime) -> str | None:
        """What is wrong with one value after another: "back", "jump", or nothing."""
        if value < before - self.rounding:
            return "back"
        hours = (at - before_at).total_seconds() / 3_600
        return "jump" if value > before + self.slack + self.pace_per_h * hours else None


ODOMETER = Scale("odometer_km", 1.0, 5.0, 150.0)
ENGINE_HOURS = Scale("engine_hours", 0.1, 1.0, 1.0)


class Suspect(msgspec.Struct, frozen=True, array_like=True):
    """Values that do not follow from the believed one but from each other, as the meter shows them; `told_since` is
    the start of the episode that is open because of them."""

    since: datetime
    first: float
    value: float
    at: datetime
    readings: int
    told_since: datetime | None


class Meter(msgspec.Struct, frozen=True, array_like=True):
    """The believed `value`, which is what the meter showed plus `offset`, and when it was shown."""

    value: float
    at: datetime
    offset: float = 0.0
    suspect: Suspect | None = None


def read(
    meter: Meter | None, shown: float | None, at: datetime, scale: Scale
) -> tuple[Meter | None, str | None, list[Episode]]:
    """The meter after it showed a value (None = nothing), what is wrong with that, and the fault it begins or ends."""
    if shown is None or (meter is None and shown == 0):
        return meter, None, []  # a device that does not know its odometer yet sends 0
    if meter is None:
        return Meter(shown, at), None, []
    value = shown + meter.offset
    wrong = scale.follows(value, at, meter.value, meter.at)
    if wrong is None:
        return Meter(max(value, meter.value), at, meter.offset), None, _ended(meter, at, scale)
    suspect = meter.suspect
    if suspect is None or scale.follows(shown, at, suspect.value, suspect.at) is not None:
        suspect = Suspect(at, shown, shown, at, 1, suspect.told_since if suspect else None)
    else:
        suspect = msgspec.structs.replace(suspect, value=shown, at=at, readings=suspect.readings + 1)
    if suspect.readings >= AGREEING and at - suspect.since >= AGREEING_FOR:
        offset = meter.value - suspect.first
        return Meter(shown + offset, at, offset), wrong, _ended(meter, at, scale)
    news = []
    if suspect.told_since is None:
        suspect = msgspec.structs.replace(suspect, told_since=at)
        details = {"fault": wrong, "shown": shown, "believed": meter.value}
        news = [Episode(KIND, scale.subject, at, None, value - meter.value, details)]
    return Meter(meter.value, meter.at, meter.offset, suspect), wrong, news


def on_card(meter: Meter | None, shown: float | None, at: datetime, scale: Scale) -> float | None:
    """What a service was done at. Somebody wrote that on a job card, often days ago, so it may lie behind the meter; it
    says nothing of the meter itself, and one far ahead of it is a slip of the pen."""
    if meter is None or shown is None:
        return meter.value if meter else shown
    value = shown + meter.offset
    return meter.value if scale.follows(value, at, meter.value, meter.at) == "jump" else value


def silenced(meter: Meter | None) -> Meter | None:
    """The meter after a contract's end, which closed its episode."""
    if meter is None or meter.suspect is None:
        return meter
    suspect = msgspec.structs.replace(meter.suspect, told_since=None)
    return msgspec.structs.replace(meter, suspect=suspect)


def _ended(meter: Meter, at: datetime, scale: Scale) -> list[Episode]:
    suspect = meter.suspect
    if suspect is None or suspect.told_since is None:
        return []
    return [Episode(KIND, scale.subject, suspect.told_since, at, suspect.value + meter.offset - meter.value)]
