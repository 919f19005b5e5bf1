"""Profiles as Firestore keeps them: settings with lists inside lists stand there as JSON text.

Firestore takes no list directly inside a list, and GeoJSON and polylines are nothing else. A person may paste the text.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from functions.core.payload import not_json
from functions.core.profile import Profile
from functions.core.refusal import refusal
from functions.errors import NOT_SENT, Malformed

AS_TEXT = ("geofences", "route", "stops", "service_plans", "alert_windows")
OPEN = ("geofences",)
"""GeoJSON may carry more than is read here."""


def profile_of(fields: Mapping[str, Any]) -> Profile:
    """The profile in a document's fields; Malformed names the setting at fault, its value and what is allowed."""
    settings = dict(fields)
    for name in AS_TEXT:
        if isinstance(settings.get(name), str):
            try:
                settings[name] = json.loads(settings[name])
            except ValueError as error:
                raise Malformed(name, settings[name], not_json(error)) from None
    try:
        return msgspec.convert(settings, Profile)
    except msgspec.ValidationError as error:
        raise refusal(error, settings, Profile) from None


def fields_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A profile as people write it in a file, as fields of its document; Malformed as above, and for a name that
    stands for nothing: it is a setting that somebody believes to be made."""
    profile = profile_of(settings)
    for name, known in _unknown(settings, profile, ""):
        raise Malformed(name, NOT_SENT, f"is no setting; there are {', '.join(known)}")
    return {
        name: json.dumps(value) if name in AS_TEXT and not isinstance(value, str) else value
        for name, value in settings.items()
    }


def _unknown(given: Any, read: Any, path: str) -> Iterator[tuple[str, list[str]]]:
    """Names that were given and not read, each with those that would have been."""
    if isinstance(given, list | tuple) and isinstance(read, list | tuple):
        for place, (one, other) in enumerate(zip(given, read, strict=True)):
            yield from _unknown(one, other, f"{path}[{place}]")
    if not isinstance(given, dict):
        return
    for name, value in given.items():
        where = f"{path}.{name}" if path else name
        if isinstance(read, dict):
            yield from _unknown(value, read[name], where)
        elif isinstance(read, msgspec.Struct) and name not in read.__struct_fields__:
            yield where, sorted(read.__struct_fields__)
        elif where not in OPEN:
            yield from _unknown(value, getattr(read, name), where)
