"""Events from files: what each format becomes, and what is said of files that cannot be used."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from emulator.errors import EmulatorError
from emulator.event_files import FileEvent, read

GPX = """<?xml version="1.0"?>
<gpx xmlns="http://www.topografix.com/GPX/1/0"><trk><trkseg>
<trkpt lat="45.2" lon="13.6"><ele>12.5</ele><time>2025-01-06T08:00:00Z</time><speed>10</speed></trkpt>
<trkpt lat="45.3" lon="13.7"><time>2025-01-06T08:00:05Z</time></trkpt>
<trkpt lat="45.4" lon="13.8"></trkpt>
</trkseg></trk></gpx>"""


def events(path: Path, line: str = "gps") -> list[FileEvent]:
    return list(read(path, line))


def payloads(path: Path, line: str = "gps") -> list[Any]:
    return [json.loads(event.payload) for event in events(path, line)]


def test_json_lines_lose_their_line_and_keep_everything_else(tmp_path: Path) -> None:
    file = tmp_path / "day.jsonl"
    file.write_text(
        '{"line": "temperature", "vehicle_id": "bus-7", "event_time": 5, "x": [1]}\n\n{"vehicle_id": "bus-8"}\n'
    )
    first, second = events(file)
    assert (first.line, first.vehicle_id, first.event_at) == ("temperature", "bus-7", 5.0)
    assert json.loads(first.payload) == {"vehicle_id": "bus-7", "event_time": 5, "x": [1]}
    assert (second.line, second.vehicle_id, second.event_at) == ("gps", "bus-8", None)


def test_what_is_no_json_is_replayed_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "day.jsonl"
    file.write_text('{"vehicle_id": \n[1, 2]\n')
    assert [event.payload for event in events(file)] == [b'{"vehicle_id":', b"[1, 2]"]


def test_a_gzipped_file_is_read_like_a_plain_one(tmp_path: Path) -> None:
    file = tmp_path / "day.csv.gz"
    file.write_bytes(gzip.compress(b"vehicle_id,event_time\nbus-7,2025-01-06T08:00:00+01:00\n"))
    (event,) = events(file)
    assert event.event_at == 1736146800


def test_cells_become_what_the_line_declares(tmp_path: Path) -> None:
    file = tmp_path / "day.csv"
    file.write_text(
        "line,vehicle_id,event_time,latitude,longitude,speed_kph,ignition,event_id\n"
        "gps,104,1736146800,30.4,-97.6,,1,7\n,105,2025-01-06T08:00:00Z,north,-97.6,nan,false,\n"
    )
    assert payloads(file) == [
        {
            "vehicle_id": "104", "event_time": 1736146800.0, "latitude": 30.4, "longitude": -97.6,
            "ignition": True, "event_id": "7",
        },
        {
            "vehicle_id": "105", "event_time": "2025-01-06T08:00:00Z", "latitude": "north", "longitude": -97.6,
            "speed_kph": "nan", "ignition": False,
        },
    ]  # fmt: skip


def test_a_list_in_a_cell_is_json(tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    file.write_text('vehicle_id,event_time,dtcs\nbus-7,1736146800,"[""P0301""]"\n')
    assert payloads(file, "maintenance")[0]["dtcs"] == ["P0301"]


def test_track_points_become_gps_events_of_a_vehicle_called_like_the_file(tmp_path: Path) -> None:
    file = tmp_path / "bus 304 (Limerick).gpx"
    file.write_text(GPX)
    first, second = payloads(file)
    assert first == {
        "vehicle_id": "bus-304-Limerick", "event_time": "2025-01-06T08:00:00Z", "latitude": 45.2, "longitude": 13.6,
        "altitude_m": 12.5, "speed_kph": 36.0,
    }  # fmt: skip
    assert "speed_kph" not in second


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("day.txt", "", "must end in"),
        ("day.jsonl", '{"line": "nonsense"}', "day.jsonl:1: there is no line 'nonsense'"),
        ("day.csv", "line,vehicle_id\nsky,7\n", "day.csv:2: there is no line 'sky'"),
        ("day.gpx", "<gpx><trk>", "cannot be read"),
        ("day.csv.gz", "plain", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path, name: str, text: str, says: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(EmulatorError, match=says.replace(".", r"\.")):
        events(file)
