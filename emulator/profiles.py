"""Profiles from a file into Firestore: a JSON object keyed by vehicle id."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from emulator.errors import EmulatorError
from functions.core.ports import Store, Write
from functions.core.profile_fields import fields_of
from functions.core.reading import VehicleId
from functions.errors import FleetlineError

SETTINGS = "fleet/settings"
AT_ONCE = 100

Profiles = dict[str, dict[str, Any]]
"""Fields of `vehicles/{vehicle_id}`, by vehicle."""


def read(file: Path) -> Profiles:
    """The profiles in a file, every one of them checked; EmulatorError names file, vehicle and setting."""
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise EmulatorError(f"{file}: {error}") from None
    if not isinstance(found, dict):
        raise EmulatorError(f"{file}: is not a JSON object keyed by vehicle id")
    return {vehicle_id: _checked(file, vehicle_id, settings) for vehicle_id, settings in found.items()}


async def write(store: Store, profiles: Mapping[str, Mapping[str, Any]]) -> None:
    """Write profiles, each setting over the one before, and tell the functions that they changed."""
    writes = [Write(f"vehicles/{name}", fields, only=list(fields)) for name, fields in profiles.items() if fields]
    for start in range(0, len(writes), AT_ONCE):
        for result in await store.write(writes[start : start + AT_ONCE]):
            if isinstance(result, FleetlineError):
                raise EmulatorError(f"a profile was not written: {result}")
    settings = (await store.get([SETTINGS])).get(SETTINGS)
    edition = settings.fields.get("profiles_version", 0) + 1 if settings else 1
    await store.write_one(Write(SETTINGS, {"profiles_version": edition}, only=["profiles_version"]))


def _checked(file: Path, vehicle_id: str, settings: Any) -> dict[str, Any]:
    try:
        return fields_of(msgspec.convert(settings, dict[str, Any])) if msgspec.convert(vehicle_id, VehicleId) else {}
    except msgspec.ValidationError as error:
        raise EmulatorError(f"{file}: {vehicle_id}: {error}") from None
