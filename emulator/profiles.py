"""Profiles from a file into Firestore: a JSON object keyed by vehicle id."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from emulator.errors import EmulatorError
from functions.core.contact import known_zone
from functions.core.payload import not_json
from functions.core.ports import Store, Write
from functions.core.profile_fields import fields_of
from functions.core.reading import VehicleId
from functions.core.refusal import refusal
from functions.errors import FleetlineError, Malformed
from functions.lines import LINES

SETTINGS = "fleet/settings"
AT_ONCE = 100
BY_LINE = ("contract_s", "expected_interval_s")

Profiles = dict[str, dict[str, Any]]
"""Fields of `vehicles/{vehicle_id}`, by vehicle."""


def read(file: Path) -> Profiles:
    """The profiles in a file, every one of them checked; EmulatorError names file, vehicle, setting, its value
    and what is allowed."""
    try:
        found = json.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise EmulatorError(f"{file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise EmulatorError(f"{file} {not_json(error)}") from None
    if not isinstance(found, dict):
        raise EmulatorError(f"{file} must be a JSON object keyed by vehicle id")
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
        msgspec.convert(vehicle_id, VehicleId)
    except msgspec.ValidationError as error:
        raise EmulatorError(f"{file}: vehicle id {refusal(error, vehicle_id, VehicleId)}") from None
    try:
        _check(settings)
        return fields_of(settings)
    except Malformed as error:
        raise EmulatorError(f"{file}: {vehicle_id}: {error}") from None


def _check(settings: Any) -> None:
    """What a profile itself cannot know: which names of lines and time zones stand for something."""
    if not isinstance(settings, dict):
        raise Malformed("", settings, "must be a JSON object")
    for setting in BY_LINE:
        by_line = settings.get(setting)
        for line in by_line if isinstance(by_line, dict) else ():
            if line not in LINES:
                raise Malformed(setting, line, f"must be one of {', '.join(LINES)}")
    zone = settings.get("timezone")
    if isinstance(zone, str) and not known_zone(zone):
        raise Malformed("timezone", zone, "must be a time zone such as Europe/Berlin")
