"""Thermometers: NAB's machine and ambient series, and the humidity and temperature motes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from tests.replay.recorded import Event

MOTES_START = datetime(2010, 5, 9, tzinfo=UTC)
MOTES_EVERY = timedelta(seconds=5)


def nab_series(path: Path) -> list[Event]:
    """One of NAB's series in file order, as a probe in °F whose clock is UTC.

    NAB states neither unit nor zone. The ambient values (57–86) are a room in °F. The machine's (2–109, mostly 85) fit
    either; they are taken as °F too, for in °C a healthy machine would be past what a cold chain's probe can measure.
    Without a zone the hour that the machine's clock was set back cannot be told apart: 12 times occur twice, with
    different values, and stay different events.
    """
    series = pd.read_csv(path)
    vehicle_id = "nab-" + path.stem.removesuffix("_system_failure").replace("_", "-")
    return [
        {
            "line": "temperature",
            "vehicle_id": vehicle_id,
            "event_time": row.timestamp.replace(" ", "T") + "Z",
            "temperature_f": row.value,
        }
        for row in series.itertuples()
    ]


def motes(path: Path) -> list[Event]:
    """The motes in file order (mote by mote), each a vehicle of its own: t = reading × 5 s on 9 May 2010."""
    return [_mote_event(row, f"mote-{row.mote_id}", "main") for row in pd.read_csv(path).itertuples()]


def motes_by_site(path: Path) -> list[Event]:
    """The same motes as two probes of an indoor and two of an outdoor site, in order of time: a worker's watermark is
    that of all its probes, so a site that sent one probe's morning after another's would send history."""
    rows = pd.read_csv(path).sort_values(["reading", "mote_id"], kind="stable")
    return [
        _mote_event(row, "site-indoor" if row.indoor else "site-outdoor", f"mote-{row.mote_id}")
        for row in rows.itertuples()
    ]


def _mote_event(row: tuple, vehicle_id: str, probe: str) -> Event:  # type: ignore[type-arg] a row of pandas
    return {
        "line": "temperature",
        "vehicle_id": vehicle_id,
        "event_time": (MOTES_START + row.reading * MOTES_EVERY).isoformat(),
        "temperature_c": row.temperature,
        "humidity_pct": row.humidity,
        "probe": probe,
    }
