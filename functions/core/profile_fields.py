"""Profiles as Firestore keeps them: settings with lists inside lists stand there as JSON text.

Firestore takes no list directly inside a list, and GeoJSON and polylines are nothing else. A person may paste the text.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from functions.core.profile import Profile

AS_TEXT = ("geofences", "route", "stops", "service_plans", "alert_windows")


def profile_of(fields: Mapping[str, Any]) -> Profile:
    """The profile in a document's fields; raises msgspec.ValidationError naming the setting at fault."""
    settings = dict(fields)
    for name in AS_TEXT:
        if isinstance(settings.get(name), str):
            try:
                settings[name] = msgspec.json.decode(settings[name])
            except msgspec.DecodeError as error:
                raise msgspec.ValidationError(f"{error} - at `$.{name}`") from None
    return msgspec.convert(settings, Profile)


def fields_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A profile as people write it in a file, as fields of its document; raises msgspec.ValidationError."""
    profile_of(settings)
    unknown = settings.keys() - set(Profile.__struct_fields__)
    if unknown:
        raise msgspec.ValidationError(f"no setting is called {', '.join(sorted(unknown))}")
    return {
        name: json.dumps(value) if name in AS_TEXT and not isinstance(value, str) else value
        for name, value in settings.items()
    }
