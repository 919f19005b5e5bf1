"""What is refused, and that the refusal names the field and the value."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.payload import elements, packed
from functions.errors import Malformed
from functions.lines import LINES

GOOD = {
    "vehicle_id": "bus-1",
    "event_time": "2017-04-18T22:31:40-05:00",
    "latitude": 30.417902,
    "longitude": -97.66719,
    "speed_kph": 17.7,
}
parse = LINES["gps"].parse


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("latitude", 91, "must be a number from -90 to 90"),
        ("latitude", "30.4", "must be a number"),
        ("latitude", True, "must be a number"),
        ("latitude", None, "must be a number"),
        ("latitude", float("nan"), "must be a number from -90 to 90"),
        ("longitude", float("inf"), "must be a number from -180 to 180"),
        ("longitude", 10**400, "must be a number from -180 to 180"),
        ("speed_kph", -2, "must be a number from -1 to 2,000"),
        ("vehicle_id", "a/b", "begin with a letter or digit"),
        ("vehicle_id", "../x", "begin with a letter or digit"),
        ("vehicle_id", "x" * 10_000, "1 to 64"),
        ("vehicle_id", "bus-1\n", "1 to 64"),
        ("vehicle_id", "", "1 to 64"),
        ("vehicle_id", 7, "1 to 64"),
        ("event_time", "2017-04-18T22:31:40", "offset from UTC"),
        ("event_time", "yesterday", "RFC 3339"),
        ("event_time", "0001-01-01T00:00:00Z", "between 1900 and 2199"),
        ("event_time", "0001-01-01T00:00:00+05:00", "between 1900 and 2199"),
        ("event_time", "9999-12-31T23:59:59-05:00", "between 1900 and 2199"),
        ("event_time", 1492572700123, "between 1900 and 2199"),
        ("event_time", 1e300, "between 1900 and 2199"),
        ("event_time", True, "RFC 3339"),
        ("event_id", "a\x00b", "printable"),
        ("event_id", "\ud800", "printable"),
        ("ignition", 1, "true or false"),
    ],
)
def test_a_field_out_of_range_or_type_is_named_with_its_value(field: str, value: object, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse({**GOOD, field: value})
    assert caught.value.field == field
    assert reason in caught.value.reason
    assert {True: "true", None: "null"}.get(value, repr(value)[:20]) in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("field", ["vehicle_id", "event_time", "latitude", "longitude"])
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse({name: value for name, value in GOOD.items() if name != field})
    assert caught.value.field == field
    assert "required" in caught.value.reason


@pytest.mark.parametrize("payload", [None, 5, "text", [], [GOOD], True])
def test_what_is_no_object_is_refused(payload: object) -> None:
    with pytest.raises(Malformed, match="JSON object"):
        parse(payload)


def test_the_same_instant_is_the_same_event_however_it_is_written() -> None:
    keys = {
        parse({**GOOD, "event_time": sent})[1].key
        for sent in ("2017-04-18T22:31:40-05:00", "2017-04-19T03:31:40Z", "2017-04-19T03:31:40.000+00:00", 1492572700)
    }
    assert len(keys) == 1


def test_an_event_id_makes_the_event_and_without_one_all_it_measured_does() -> None:
    def key(**changed: object) -> bytes:
        return parse({**GOOD, **changed})[1].key

    assert key(event_id="1", latitude=1) == key(event_id="1", latitude=2)
    assert key(event_id="1") != key(event_id="2")
    assert key(latitude=1) != key(latitude=2)
    assert key(event_id="1", event_time=0) != key(event_id="1", event_time=1)
    assert key(vehicle_id="bus-2") != key()
    assert key(wheels=4) == key()


@pytest.mark.parametrize("data", [b"", b"  ", b"{", b"\xff\xfe", b'{"a": 1} x', b"[" * 100_000, b"nope"])
def test_a_message_that_is_no_json_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        elements(data)


def test_one_element_with_nan_leaves_the_rest_of_its_list_readable() -> None:
    found = elements(b'[{"latitude": NaN}, {"latitude": 1e999}, ' + json.dumps(GOOD).encode() + b"]")
    assert [position for position, _ in found] == [0, 1, 2]
    assert parse(found[2][1])[0] == "bus-1"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(["vehicle_id", "event_time", "latitude", "speed_kph", "event_id", "ignition"]), json_values)
def test_no_value_of_any_field_does_more_than_be_refused(field: str, value: object) -> None:
    for _, element in elements(json.dumps({**GOOD, field: value}).encode()):
        try:
            parse(element)
        except Malformed as refused:
            assert refused.reason  # noqa: PT017
        assert packed(element, 1000)


@given(st.binary(max_size=60))
def test_no_bytes_at_all_do_more_than_be_refused(data: bytes) -> None:
    try:
        for _, element in elements(data):
            parse(element)
    except Malformed:
        pass
