"""Refusals are sentences for people: the field, the value, and what is allowed; no word of Python's or msgspec's."""

from typing import Any

import pytest

from functions.core.payload import elements
from functions.core.profile_fields import fields_of
from functions.errors import Malformed
from functions.lines import LINES


def refused(line: str, **fields: Any) -> str:
    with pytest.raises(Malformed) as caught:
        LINES[line].parse({"vehicle_id": "van-1", "event_time": 0, **fields})
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "fields", "said"),
    [
        ("gps", {"latitude": 91.0, "longitude": 0}, "latitude: 91.0: must be a number from -90 to 90"),
        ("gps", {"latitude": None, "longitude": 0}, "latitude: null: must be a number from -90 to 90"),
        ("gps", {"latitude": 1, "longitude": 0, "ignition": 1}, "ignition: 1: must be true or false"),
        ("temperature", {"temperature_c": 1, "probe": ""}, "probe: '': must be 1 to 32 printable characters"),
        ("maintenance", {"dtcs": ["P0301", "P03XY"]},
         "dtcs[1]: 'P03XY': must be P, B, C or U and four digits 0-9 or A-F, such as P0301"),
        ("maintenance", {"dtcs": "P0301"}, "dtcs: 'P0301': must be a JSON list of at most 32 elements"),
        ("maintenance", {"inspection": 3}, "inspection: 3: must be a JSON object"),
        ("maintenance", {"inspection": {"notes": "brakes"}}, "inspection.passed: is required"),
        ("inventory", {"quantity": 1}, "sku: is required"),
    ],
)  # fmt: skip
def test_an_event_is_refused_in_plain_words(line: str, fields: dict[str, Any], said: str) -> None:
    assert refused(line, **fields) == said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"not json", "'not json': is not JSON (line 1, column 1: expecting value)"),
        (b'{"a": 1,\n "b" 2}', "is not JSON (line 2, column 6: expecting ':' delimiter)"),
        (b"\xff", "is not JSON (bytes that are no UTF-8)"),
        (b"1" * 5_000, "is not JSON (a number of too many digits)"),
        (b" ", "' ': is empty"),
    ],
)
def test_a_message_that_is_no_json_is_shown_as_text_with_the_place(data: bytes, said: str) -> None:
    with pytest.raises(Malformed) as caught:
        elements(data)
    assert str(caught.value).endswith(said)
    assert "b'" not in str(caught.value)


CARGOS = "demo_90f, frozen, pharma_20_25, pharma_2_8, vaccine_fridge, vaccine_ship_1, vaccine_ship_2"
FENCE = {"geometry": {"type": "Point", "coordinates": [10, 1]}, "properties": {"id": "yard"}}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cargo_profile": "milk"}, f"cargo_profile: 'milk': must be one of {CARGOS}"),
        ({"speed_limit_kph": 0}, "speed_limit_kph: 0: must be a number above 0 and at most 500"),
        ({"contract_s": {"gps": 9, "x": 0}}, "contract_s.x: 0: must be a number above 0 and at most 31,622,400"),
        ({"stock": {"milk": {}, "a\n": {}}}, r"stock: 'a\n': must be 1 to 128 printable characters"),
        ({"stock": {"milk": {}, "eggs": 3}}, "stock.eggs: 3: must be a JSON object"),
        ({"quiet_hours": "22-6"}, "quiet_hours: '22-6': must be hours of the day such as 22:00-06:00"),
        ({"route": {"polyline": [[1, 2]]}}, "route.polyline: [[1, 2]]: must be a JSON list of 2 to 20,000 elements"),
        ({"route": {"polyline": [[1, 2], [1, 2, 3]]}},
         "route.polyline[1]: [1, 2, 3]: must be a JSON list of 2 elements"),
        ({"route": {"polyline": [[91, 2], [1, 2]]}}, "route.polyline[0][0]: 91: must be a number from -90 to 90"),
        ({"geofences": {"features": [{"geometry": {"type": "Circle"}}]}},
         "geofences.features[0].geometry.type: 'Circle': must be one of Point, LineString, Polygon, MultiPolygon"),
        ({"geofences": {"features": [FENCE, FENCE]}}, "geofences: two fences have the id 'yard'"),
        ({"geofences": "{"}, "is not JSON (line 1, column 2: expecting property name enclosed in double quotes)"),
        ({"temperature_limits": {"low_c": 9, "high_c": 3}}, "temperature_limits: low_c 9 is above high_c 3"),
    ],
)  # fmt: skip
def test_a_profile_is_refused_in_plain_words(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(Malformed) as caught:
        fields_of(settings)
    assert str(caught.value).endswith(said)


@pytest.mark.parametrize(
    ("settings", "name", "one_of_them"),
    [
        ({"speed_limit": 60}, "speed_limit", "speed_limit_kph"),
        ({"temperature_limits": {"high": 8}}, "temperature_limits.high", "high_c"),
        ({"stock": {"milk": {"reorder": 3}}}, "stock.milk.reorder", "reorder_point"),
        ({"stops": [{"id": "a", "latitude": 1, "longitude": 1, "radius": 5}]}, "stops[0].radius", "radius_m"),
    ],
)
def test_a_name_that_is_no_setting_is_refused_however_deep(
    settings: dict[str, Any], name: str, one_of_them: str
) -> None:
    """Somebody believes that it was set."""
    with pytest.raises(Malformed, match=rf"is no setting; there are .*{one_of_them}") as caught:
        fields_of(settings)
    assert caught.value.field == name


def test_geojson_may_carry_more_than_is_read() -> None:
    assert fields_of({"geofences": {"features": [{**FENCE, "colour": "red"}], "crs": {}}})
