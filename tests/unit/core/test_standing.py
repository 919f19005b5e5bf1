"""How a vehicle stands, and what is told of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.core.standing import standing, summary

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)


def face(status: str = "active", minute: float = 0, **fields: Any) -> dict[str, Any]:
    return {"status": status, "seen_at": NOW + timedelta(minutes=minute), **fields}


@pytest.mark.parametrize(
    ("workers", "state"),
    [
        ({"gps": face(moving=True)}, "moving"),
        ({"gps": face(moving=False)}, "stopped"),
        ({"gps": face("silent", moving=True)}, "silent"),
        ({"gps": face("ended", moving=False)}, "ended"),
        ({"gps": face(moving=True), "temperature": face("silent", 5)}, "moving"),
        ({"gps": face("ended"), "temperature": face()}, "silent"),
        ({"gps": face("ended"), "temperature": face("ended")}, "ended"),
        ({"inventory": face(), "temperature": face("silent", -5)}, "stopped"),
        ({"inventory": face(), "temperature": face("silent", 5)}, "silent"),
    ],
)
def test_the_gps_worker_decides_and_without_one_the_last_heard(workers: dict[str, Any], state: str) -> None:
    assert standing(workers) == state


def test_a_vehicle_is_told_from_the_workers_that_know_and_by_the_last_one_heard() -> None:
    workers = {
        "gps": face(moving=True, latitude=52.5, longitude=13.4, position_at=NOW, speed_kph=None),
        "temperature": face("silent", 3, temperature_c=4.5),
    }
    assert summary("van-1", workers) == {
        "id": "van-1",
        "state": "moving",
        "seen_at": NOW + timedelta(minutes=3),
        "lines": {"gps": "active", "temperature": "silent"},
        "latitude": 52.5,
        "longitude": 13.4,
        "position_at": NOW,
        "temperature_c": 4.5,
    }
