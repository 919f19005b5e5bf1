"""How a vehicle stands, from what its workers show: what a map and a roster say of it."""

from collections.abc import Mapping
from typing import Any

from functions.core.row import Row

FACE = (
    "line",
    "vehicle_id",
    "status",
    "seen_at",
    "position_at",
    "latitude",
    "longitude",
    "heading_deg",
    "speed_kph",
    "moving",
    "temperature_c",
    "door_open",
)
"""The fields of a worker that are looked at."""
POSITION = ("position_at", "latitude", "longitude", "heading_deg", "speed_kph")
COLD = ("temperature_c", "door_open")


def standing(workers: Mapping[str, Row]) -> str:
    """moving, stopped, silent or ended, from the faces of a vehicle's workers by line (one at least).

    The gps worker decides, or where there is none the one heard last. A vehicle whose gps contract ended while others
    still hear it is silent: nobody knows where it is.
    """
    if all(face["status"] == "ended" for face in workers.values()):
        return "ended"
    lead = workers.get("gps") or max(workers.values(), key=lambda face: face["seen_at"])
    if lead["status"] != "active":
        return "silent"
    return "moving" if lead.get("moving") else "stopped"


def summary(vehicle_id: str, workers: Mapping[str, Row]) -> dict[str, Any]:
    """A vehicle in a line: how it stands, when it was last heard, where it is, how cold; what is not known left out."""
    told = {
        "id": vehicle_id,
        "state": standing(workers),
        "seen_at": max(face["seen_at"] for face in workers.values()),
        "lines": {line: face["status"] for line, face in workers.items()},
    }
    for line, names in (("gps", POSITION), ("temperature", COLD)):
        face = workers.get(line, {})
        told |= {name: face[name] for name in names if face.get(name) is not None}
    return told
