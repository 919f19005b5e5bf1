"""CapMetro's bus days and Madison's bus odometers."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from tests.replay.recorded import Event

KPH_PER_MPH = 1.609344
KPH_PER_MPS = 3.6
KM_PER_MILE = 1.609344
MPH_UNTIL = "2015-12"
"""The archive's speeds were miles per hour in March 2015 and are metres per second from December 2015 on."""
MADISON_BUSES = {"g870": 15, "rt50": 4, "t8h203": 48}
"""Columns of each of Madison's matrices."""


def capmetro_day(path: Path) -> list[Event]:
    """One day of bus positions, in file order (grouped by bus, some fixes out of order).

    Times carry their own offset and are sent as they stand, also on the day the clocks changed. The route's trip is
    sent along although no line knows it: a fix that the archive repeats under another trip is the same event.
    """
    columns = {"vehicle_id": str, "timestamp": str, "trip_id": str}
    day = pd.read_csv(path, dtype=columns)
    to_kph = KPH_PER_MPH if path.name < MPH_UNTIL else KPH_PER_MPS
    return [
        {
            "line": "gps",
            "vehicle_id": row.vehicle_id,
            "event_time": row.timestamp,
            "latitude": row.latitude,
            "longitude": row.longitude,
            "speed_kph": round(row.speed * to_kph, 4),
            "trip_id": row.trip_id,
        }
        for row in day.itertuples()
    ]


def madison_odometers(path: Path) -> list[Event]:
    """Monthly odometers and engine replacements, bus by bus in order of time.

    A column of the matrix is a bus: eleven header rows (SOURCE.md), then a reading a month from the month in rows 10
    and 11 on. Nothing says which day: a reading counts as of the first of its month (UTC), and an engine replacement,
    of which month and odometer are known, as of the fifteenth, so that the two never stand at the same instant.
    The headers are taken at their word, though the rt50 buses then end in July 1985, two months after the study did.
    """
    numbers = [round(float(line)) for line in path.read_text().split()]
    rows = len(numbers) // MADISON_BUSES[path.stem]
    buses = [numbers[start : start + rows] for start in range(0, len(numbers), rows)]
    return [event for bus in buses for event in sorted(_madison_bus(bus), key=lambda event: event["event_time"])]


def _madison_bus(bus: list[int]) -> Iterator[Event]:
    vehicle_id = f"madison-{bus[0]}"
    first = pd.Period(year=1900 + bus[10], month=bus[9], freq="M")
    for months, miles in enumerate(bus[11:]):
        yield _odometer(vehicle_id, first + months, 1, miles)
    for month, year, miles in (bus[3:6], bus[6:9]):
        if miles:
            replaced = pd.Period(year=1900 + year, month=month, freq="M")
            yield _odometer(vehicle_id, replaced, 15, miles) | {"service_done": "engine"}


def _odometer(vehicle_id: str, month: pd.Period, day: int, miles: int) -> Event:
    return {
        "line": "maintenance",
        "vehicle_id": vehicle_id,
        "event_time": f"{month}-{day:02d}T00:00:00Z",
        "odometer_km": round(miles * KM_PER_MILE, 3),
    }
