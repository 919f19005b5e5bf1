"""Trouble codes (SAE J2012): seen, cleared, counted; how bad they are; and the inspection that a severe one orders."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from functions.core.episode import Episode

KIND = "trouble_code"
MOST_CODES = 32
"""Codes one worker remembers; those cleared longest ago are forgotten first."""

SYSTEMS = {"P": "powertrain", "B": "body", "C": "chassis", "U": "network"}
PARTS = {
    "P0": "fuel, air and auxiliary emissions",
    "P1": "fuel and air metering",
    "P2": "fuel injection and its circuits",
    "P3": "ignition and misfire",
    "P4": "emission control",
    "P5": "speed, idle and auxiliary inputs",
    "P6": "control unit and its outputs",
    "P7": "transmission",
    "P8": "transmission",
    "P9": "transmission",
    "PA": "hybrid propulsion",
    "PB": "hybrid propulsion",
    "PC": "hybrid propulsion",
}
"""What the third character of a powertrain code tells."""

SEVERE, MAJOR, MINOR = "severe", "major", "minor"
_SEVERITIES = (
    ("P03", SEVERE),  # a misfire burns the catalyst
    ("P0217", SEVERE),  # the engine is too hot
    ("P0218", SEVERE),  # the transmission is
    ("P052", SEVERE),  # oil pressure
    ("P0A", SEVERE),  # high voltage
    ("C0", SEVERE),  # brakes, steering, stability
    ("B00", SEVERE),  # what restrains people
    ("U010", SEVERE),  # the engine's or transmission's control unit is not heard
    ("U012", SEVERE),  # brakes and steering are not
    ("P04", MINOR),
    ("P05", MINOR),
    ("P", MAJOR),
    ("C", MAJOR),
    ("U", MAJOR),
    ("B", MINOR),
)
"""By the longest beginning of a code that is named here; our own judgement of what must not wait."""


class Trouble(msgspec.Struct, frozen=True, array_like=True):
    """One code: when it was seen first and last became active, how often, when it was cleared, the result of the
    inspection it ordered, and since when an episode is open because of it."""

    seen_at: datetime
    times: int
    cleared_at: datetime | None = None
    inspection: str | None = None
    told_since: datetime | None = None


Troubles = dict[str, Trouble]


def severity(code: str) -> str:
    return max((one for one in _SEVERITIES if code.startswith(one[0])), key=lambda one: len(one[0]))[1]


def description(code: str) -> str:
    """The system a code speaks of, and for the powertrain the part: not the maker's text."""
    system = SYSTEMS[code[0]]
    part = PARTS.get(code[0] + code[2])
    own = "" if code[1] in "02" else ", the maker's own code"
    return f"{system}: {part}{own}" if part else f"{system}{own}"


def report(troubles: Troubles, codes: Iterable[str], at: datetime) -> tuple[Troubles, list[Episode]]:
    """After a report of all codes that are active now."""
    active = set(codes)
    after = dict(troubles)
    changed: list[str] = []
    for code in sorted(active):
        known = troubles.get(code)
        if known is None or known.cleared_at is not None:
            # An order that is still out stays the same order.
            waiting = known is not None and known.told_since is not None
            inspection = known.inspection if known and waiting else None
            times = known.times + 1 if known else 1
            after[code] = Trouble(at, times, None, inspection, known.told_since if known else None)
            changed.append(code)
        elif known.told_since is None:
            changed.append(code)
    for code, known in troubles.items():
        if code not in active and known.cleared_at is None:
            after[code] = msgspec.structs.replace(known, cleared_at=at)
            changed.append(code)
    return _told(after, changed, at)


def inspected(troubles: Troubles, passed: bool, at: datetime) -> tuple[Troubles, list[Episode]]:
    """After an inspection: it answers every order that is out."""
    waiting = [code for code, known in troubles.items() if known.told_since and awaits_inspection(code, known)]
    result = "passed" if passed else "failed"
    after = {**troubles, **{code: msgspec.structs.replace(troubles[code], inspection=result) for code in waiting}}
    return _told(after, waiting, at)


def silenced(troubles: Troubles) -> Troubles:
    """After a contract's end, which closed every episode; the next report opens those that still hold."""
    return {code: msgspec.structs.replace(known, told_since=None) for code, known in troubles.items()}


def awaits_inspection(code: str, known: Trouble) -> bool:
    """Whether the inspection this code orders has no result yet."""
    return severity(code) == SEVERE and known.inspection is None


def _told(troubles: Troubles, codes: Iterable[str], at: datetime) -> tuple[Troubles, list[Episode]]:
    """An episode lasts until its code is cleared and, where that ordered an inspection, until its result is there."""
    news = []
    for code in codes:
        known = troubles[code]
        if known.cleared_at is None and known.told_since is None:
            known = msgspec.structs.replace(known, told_since=at)
        over = known.cleared_at is not None and not awaits_inspection(code, known)
        if known.told_since is not None:
            news.append(_episode(code, known, at if over else None))
        troubles[code] = msgspec.structs.replace(known, told_since=None) if over else known
    while len(troubles) > MOST_CODES:
        del troubles[
            min(troubles, key=lambda code: (troubles[code].told_since is not None, troubles[code].seen_at, code))
        ]
    return troubles, news


def _episode(code: str, known: Trouble, ended_at: datetime | None) -> Episode:
    """`command` asks whoever carries commands for an inspection; `inspection` is what came of it."""
    level = severity(code)
    details: dict[str, Any] = {"severity": level, "times": known.times}
    if known.cleared_at is not None:
        details["cleared_at"] = known.cleared_at
    if level == SEVERE:
        details["command"] = "inspect"
        details["inspection"] = known.inspection
    return Episode(KIND, code, known.told_since or known.seen_at, ended_at, None, details)
