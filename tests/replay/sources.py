"""The recordings by name: what each is, its files, and what turns one of them into events."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.replay import buses, sensors, trucks, vehicles
from tests.replay.recorded import FOLDER, Event


class Source(NamedTuple):
    """A recording. `files` are below the data folder, converted one after another."""

    about: str
    files: tuple[str, ...]
    convert: Callable[[Path], list[Event]]

    def events(self) -> list[Event]:
        """All of it, in the order it was given."""
        return [event for name in self.files for event in self.convert(FOLDER / name)]


def _capmetro(file: str, about: str) -> Source:
    return Source(about, (f"capmetro/{file}",), buses.capmetro_day)


def _nab(file: str, about: str) -> Source:
    return Source(about, (f"nab/{file}.csv",), sensors.nab_series)


def _twizy(file: str, about: str) -> Source:
    return Source(about, (f"twizy_ev/{file}.csv",), vehicles.twizy_log)


_MADISON = tuple(f"madison_bus/{name}.asc" for name in buses.MADISON_BUSES)
_OPENXC = ("openxc/trace.json", "openxc/trace-shorter.json")

SOURCES: dict[str, Source] = {
    "buses-2015-03-08": _capmetro("2015-03-08.csv.gz", "140 buses, Austin, the day the clocks changed; speeds in mph"),
    "buses-2015-12-30": _capmetro("2015-12-30.csv", "39 buses, a small day"),
    "buses-2016-05-30": _capmetro("2016-05-30.csv.gz", "16 buses, a third of the fixes repeated under another trip"),
    "buses-2016-09-01": _capmetro("2016-09-01.csv", "307 buses in two minutes"),
    "buses-2017-04-18": _capmetro("2017-04-18.csv.gz", "320 buses, a whole day"),
    "trucks": Source("139 refuse trucks, polled", ("jersey_city_trucks/all_polls.psv.gz",), trucks.polls),
    "trucks-distinct": Source("68 refuse trucks", ("jersey_city_trucks/all_dedup.csv",), trucks.distinct_rows),
    "machine": _nab("machine_temperature_system_failure", "a machine that fails, every 5 min"),
    "ambient": _nab("ambient_temperature_system_failure", "an office, hourly, with gaps of days"),
    "flatline": _nab("art_flatline", "a sensor that is stuck at 45 °F"),
    "motes": Source("4 motes, each a vehicle", ("lwsndr_single_hop/data.csv",), sensors.motes),
    "motes-by-site": Source("the same as 2 sites of 2 probes", ("lwsndr_single_hop/data.csv",), sensors.motes_by_site),
    "twizy-1": _twizy("T1_03_29_2021", "an electric vehicle on three lines, 10 s of impossible dates"),
    "twizy-3": _twizy("T3_05_25_2021_04", "the same vehicle, faster"),
    "openxc": Source("a car's bus, two overlapping traces", _OPENXC, vehicles.openxc_trace),
    "madison": Source("odometers of 67 buses, monthly for years", _MADISON, buses.madison_odometers),
    "visnjan": Source("a drive of 8 min", ("gpx/around-visnjan-with-car.gpx",), vehicles.gpx_track),
    "limerick": Source("a bus ride of 75 min", ("gpx/bus304_limerick_2019-02-18.gpx",), vehicles.gpx_track),
}
