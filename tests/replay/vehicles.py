"""Single vehicles that say several things: the Twizy's log, Ford's OpenXC trace, GPX tracks."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd

from tests.replay.recorded import Event

ROUTE_STATE = ("vehicle_speed", "odometer")
"""What an OpenXC fix is joined with: said more often than it, and last known."""


def twizy_log(path: Path) -> list[Event]:
    """Each second of an electric vehicle's log as a fix, a temperature and a maintenance report, in file order.

    The speed is the CAN bus's (the receiver's own is frozen with its position for seconds); temperature and humidity
    are the air's outside; the battery's state of charge is what an electric vehicle has for a fuel level. The log
    states no zone: UTC. A date that is none ("90/02/2032") is sent as it stands, for quarantine to show.
    """
    log = pd.read_csv(path, dtype={"Date": str, "Time": str})
    read = pd.to_datetime(log["Date"] + " " + log["Time"], format="%m/%d/%Y %H:%M:%S", errors="coerce")
    vehicle_id = "twizy-" + path.stem.partition("_")[0]
    events: list[Event] = []
    for row, at in zip(log.itertuples(), read, strict=True):
        event_time = f"{row.Date} {row.Time}" if pd.isna(at) else f"{at.isoformat()}Z"
        said = {"vehicle_id": vehicle_id, "event_time": event_time}
        fix = {"latitude": row.LAT, "longitude": row.LON, "altitude_m": row.ALT, "speed_kph": row.Speed}
        air = {"temperature_c": row.Temperature, "humidity_pct": row.Humidity, "probe": "outside"}
        events.append({"line": "gps", **said, **fix})
        events.append({"line": "temperature", **said, **air})
        events.append({"line": "maintenance", **said, "fuel_pct": row.Soc})
    return events


def openxc_trace(path: Path) -> list[Event]:
    """An OpenXC trace, one name and value a message, joined into events in message order.

    A fix is a latitude with the longitude that follows it, and the speed and odometer said last. A maintenance report
    is an odometer and a fuel level, whichever comes second; what is left at the end makes one more. Each has the time
    of the message that completed it, in Unix seconds as it stands.
    """
    messages = [json.loads(line) for line in path.read_text().splitlines()]
    fixes = list(_joined(messages, {"latitude", "longitude"}))
    reports = list(_joined(messages, {"odometer", "fuel_level"}, leftover=True))
    events = [(at, _openxc_fix(at, said)) for at, said in fixes] + [
        (at, _openxc_report(at, said)) for at, said in reports
    ]
    return [event for _, event in sorted(events, key=lambda pair: pair[0])]


def gpx_track(path: Path) -> list[Event]:
    """The points of a GPX track in file order."""
    points = (element for element in ET.parse(path).iter() if element.tag.endswith("}trkpt"))
    return [_gpx_event(path.stem.replace(" ", "-"), point) for point in points]


def _joined(
    messages: Iterable[dict[str, Any]], names: set[str], leftover: bool = False
) -> Iterator[tuple[float, dict[str, Any]]]:
    """(time, values) each time all of these names were said, with what else was said last."""
    waiting: dict[str, Any] = {}
    known: dict[str, Any] = {}
    at = 0.0
    for message in messages:
        name, value = message["name"], message["value"]
        if name in names:
            waiting[name], at = value, message["timestamp"]
            if waiting.keys() == names:
                yield at, known | waiting
                waiting = {}
        elif name in ROUTE_STATE:
            known[name] = value
    if leftover and waiting:
        yield at, waiting


def _openxc_fix(at: float, said: dict[str, Any]) -> Event:
    fix = {"latitude": said["latitude"], "longitude": said["longitude"]}
    state = {"speed_kph": said.get("vehicle_speed"), "odometer_km": said.get("odometer")}
    return {"line": "gps", "vehicle_id": "ford-openxc", "event_time": at, **fix, **_said(state)}


def _openxc_report(at: float, said: dict[str, Any]) -> Event:
    state = {"odometer_km": said.get("odometer"), "fuel_pct": said.get("fuel_level")}
    return {"line": "maintenance", "vehicle_id": "ford-openxc", "event_time": at, **_said(state)}


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _gpx_event(vehicle_id: str, point: ET.Element) -> Event:
    inside = {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in point}
    position = {"latitude": float(point.attrib["lat"]), "longitude": float(point.attrib["lon"])}
    altitude = {"altitude_m": float(inside["ele"])} if "ele" in inside else {}
    return {"line": "gps", "vehicle_id": vehicle_id, "event_time": inside["time"], **position, **altitude}
