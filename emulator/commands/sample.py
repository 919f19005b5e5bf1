"""`sample`: a seeded day of events as JSON Lines, so that a newcomer has a file to replay."""

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec

from emulator import faults
from emulator.fleet import departures
from emulator.plan import Plan

DAY = datetime(2025, 1, 6, tzinfo=UTC)
"""A Monday. Always the same, so that the same seed prints the same bytes."""
INTERVAL_S = 30.0
CONTRACT_S = 15 * 60.0
"""Of a moving vehicle without a profile."""


async def main(options: argparse.Namespace) -> int:
    plan = Plan(options.vehicles, options.hours * 3600, INTERVAL_S, options.seed, CONTRACT_S, haste=1.0)
    for departure in departures(plan, DAY):
        if options.line not in (None, departure.line) or departure.fault == faults.CLOCK:
            continue  # when a file is replayed, no clock in it is ahead
        for event in _events(departure.payload):
            sys.stdout.buffer.write(msgspec.json.encode({"line": departure.line, **event}) + b"\n")
    sys.stdout.flush()
    return 0


def _events(payload: bytes | None) -> list[dict[str, Any]]:
    """The objects of a message; what is not JSON cannot stand in a file of events, one a line."""
    try:
        found = msgspec.json.decode(payload or b"[]")
    except msgspec.DecodeError:
        return []
    return [event for event in (found if isinstance(found, list) else [found]) if isinstance(event, dict)]
