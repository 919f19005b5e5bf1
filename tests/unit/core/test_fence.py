"""Fences: their shapes, what enters and leaves them and when, and what a profile may not say."""

import json
from math import cos, radians
from typing import Any

import msgspec
import pytest

from functions.core.fence import Fences, Visits, follow, inside, limit_kph
from functions.core.profile import Profile
from tests.yard import Spot, at, degrees, fixes, spot


def feature(geometry: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    properties = {"id": "yard", **properties}
    return {"type": "Feature", "geometry": {"type": geometry, "coordinates": coordinates}, "properties": properties}


def fences(*features: dict[str, Any]) -> Fences:
    text = json.dumps({"geofences": {"type": "FeatureCollection", "features": features}})
    return msgspec.json.decode(text, type=Profile).geofences


def lonlat(north_m: float, east_m: float) -> list[float]:
    return list(reversed(degrees(north_m, east_m)))


def square(half_m: float, north_m: float = 0.0) -> list[list[float]]:
    corners = [(-half_m, -half_m), (-half_m, half_m), (half_m, half_m), (half_m, -half_m), (-half_m, -half_m)]
    return [lonlat(north_m + north, east) for north, east in corners]


def circle(radius_m: float = 100, **properties: Any) -> Fences:
    return fences(feature("Point", lonlat(0, 0), radius_m=radius_m, **properties))


def visited(all_fences: Fences, spots: list[Spot]) -> tuple[list[str], list[dict[str, Any]]]:
    """The fences a vehicle ends in, and the events on the way."""
    visits: Visits | None = None
    events: list[dict[str, Any]] = []
    for fix, _ in fixes(spots):
        visits, made = follow(visits, fix, all_fences)
        events += [product.columns for product in made]
    return inside(visits), events


def happened(all_fences: Fences, spots: list[Spot]) -> list[tuple[str, Any]]:
    return [(one["kind"], one["started_at"]) for one in visited(all_fences, spots)[1]]


@pytest.mark.parametrize("metres", [0, 500])
def test_the_first_fix_sets_the_state_silently(metres: float) -> None:
    names, events = visited(circle(), [spot(0, metres)])
    assert (names, events) == (["yard"] if metres == 0 else [], [])


@pytest.mark.parametrize(("metres", "names"), [(99.9, ["yard"]), (100.1, [])])
def test_a_circle_ends_at_its_radius(metres: float, names: list[str]) -> None:
    for north, east in ((metres, 0.0), (0.0, -metres), (metres * 0.6, metres * 0.8)):
        assert visited(circle(), [spot(0, 900), spot(60, north, east)])[0] == names


@pytest.mark.parametrize(("inside_s", "events"), [(119, []), (120, [("enter", at(60))])])
def test_it_is_entered_when_inside_for_the_dwell_time_and_the_event_is_when_that_began(
    inside_s: float, events: list[Any]
) -> None:
    assert happened(circle(dwell_s=120), [spot(0, 900), spot(60), spot(60 + inside_s)]) == events


def test_a_visit_shorter_than_the_dwell_time_is_none() -> None:
    spots = [spot(0, 900), spot(60), spot(100, 101), spot(140), spot(200)]
    assert happened(circle(dwell_s=120), spots) == []


@pytest.mark.parametrize(
    ("radius_m", "out_m", "accuracy_m", "left"),
    [
        (100, 119.9, 0, 0),
        (100, 120.1, 0, 1),
        (1000, 1099.9, 0, 0),
        (1000, 1100.1, 0, 1),
        (100, 149.9, 30, 0),
        (100, 150.1, 30, 1),
    ],
)
def test_it_is_left_outside_by_more_than_20_m_or_a_tenth_of_the_radius_beyond_the_accuracy(
    radius_m: float, out_m: float, accuracy_m: float, left: int
) -> None:
    out = [spot(second, out_m, accuracy_m=accuracy_m) for second in (60, 120)]
    assert len(happened(circle(radius_m), [spot(0), *out])) == left


def test_it_is_left_on_the_second_fix_outside_and_the_event_is_the_first() -> None:
    assert happened(circle(), [spot(0), spot(60, 500)]) == []
    assert happened(circle(), [spot(0), spot(60, 500), spot(120), spot(180, 500)]) == []
    assert happened(circle(), [spot(0), spot(60, 110), spot(120, 500), spot(180, 600)]) == [("exit", at(120))]
    assert happened(circle(dwell_s=600), [spot(0), spot(60, 500), spot(61, 600)]) == [("exit", at(60))]


def test_an_exit_says_how_long_it_was_inside_where_the_entry_was_seen() -> None:
    way = [spot(60, 0), spot(660, 500), spot(720, 600)]
    _, events = visited(circle(name="The yard"), [spot(0, 900), *way])
    assert [(one["kind"], one["fence_id"], one["fence_name"]) for one in events] == [
        ("enter", "yard", "The yard"),
        ("exit", "yard", "The yard"),
    ]
    assert (events[1]["entered_at"], events[1]["duration_s"]) == (at(60), 600)
    _, (never_seen,) = visited(circle(), [spot(0), *way[1:]])
    assert never_seen["duration_s"] is None


def test_a_polygon_has_holes() -> None:
    ring = fences(feature("Polygon", [square(1000), square(300)]))
    assert visited(ring, [spot(0, 2000), spot(60, 600)])[0] == ["yard"]
    assert visited(ring, [spot(0, 2000), spot(60, 0)])[0] == []
    assert visited(ring, [spot(0, 2000), spot(60, 999.9, -999.9)])[0] == ["yard"]
    assert visited(ring, [spot(0, 2000), spot(60, 1000.1)])[0] == []


@pytest.mark.parametrize(("metres", "left"), [(1099, 0), (1101, 1)])
def test_the_margin_of_a_polygon_is_a_tenth_of_half_its_smaller_side(metres: float, left: int) -> None:
    box = fences(feature("Polygon", [square(1000)]))
    assert len(happened(box, [spot(0), spot(60, metres), spot(120, metres)])) == left


def test_many_polygons_may_be_one_fence() -> None:
    two = fences(feature("MultiPolygon", [[square(100)], [square(100, north_m=5000)]]))
    for metres, names in ((0, ["yard"]), (5000, ["yard"]), (2500, [])):
        assert visited(two, [spot(0, -9000), spot(60, metres)])[0] == names


@pytest.mark.parametrize(("metres", "names"), [(49.9, ["yard"]), (50.1, [])])
def test_a_corridor_is_within_a_width_of_a_line(metres: float, names: list[str]) -> None:
    road = fences(feature("LineString", [lonlat(0, 0), lonlat(0, 5000), lonlat(3000, 5000)], radius_m=50))
    for north, east in ((metres, 2500), (1500, 5000 - metres), (-metres, 100)):
        assert visited(road, [spot(0, 900, 900), spot(60, north, east)])[0] == names


def test_a_long_corridor_is_as_wide_at_its_end_as_at_its_start() -> None:
    """On ground flat around its first corner its end, 10 degrees further north, would be a fifth narrower."""
    road = fences(feature("LineString", [[8.0, 50.0], [8.0, 60.0]], radius_m=1000))
    yard = road.by_id["yard"]
    for latitude in (50.1, 55.0, 59.9):
        assert yard.outside_m(latitude, 8.01) == pytest.approx(
            0.01 * 111_195.08 * cos(radians(latitude)) - 1000, rel=1e-3
        )


@pytest.mark.parametrize(
    "shape",
    [
        feature("Point", [179.999, 0.0], radius_m=1000),
        feature("Point", [-179.999, 0.0], radius_m=1000),
        feature("Polygon", [[[179.99, -0.01], [-179.99, -0.01], [-179.99, 0.01], [179.99, 0.01], [179.99, -0.01]]]),
        feature("LineString", [[179.99, 0.0], [-179.99, 0.0]], radius_m=200),
        feature("LineString", [[-179.99, 0.0], [179.99, 0.0]], radius_m=200),
    ],
)
def test_a_fence_over_the_antimeridian_holds_both_of_its_sides(shape: dict[str, Any]) -> None:
    found = fences(shape)
    for longitude, names in ((179.995, ["yard"]), (-179.995, ["yard"]), (180.0, ["yard"]), (179.9, []), (0.0, [])):
        near = [one for one in found.near(0.0005, longitude) if one.outside_m(0.0005, longitude) <= 0]
        assert [one.id for one in near] == names


def test_a_circle_around_a_pole_holds_every_longitude() -> None:
    pole = fences(feature("Point", [0.0, 90.0], radius_m=50_000))
    for longitude in (-180, -90, 0, 90, 180):
        assert [one.id for one in pole.near(89.7, longitude)] == ["yard"]
        assert pole.by_id["yard"].outside_m(89.7, longitude) < 0


def test_of_hundreds_of_fences_only_those_near_by_are_looked_at() -> None:
    many = fences(*(feature("Point", lonlat(1000 * n, 0), id=f"stop-{n}", radius_m=150) for n in range(500)))
    latitude, longitude = degrees(250_000, 0)
    assert [one.id for one in many.near(latitude, longitude)] == ["stop-250"]
    names, events = visited(many, [spot(60 * n, 200 * n) for n in range(51)])
    assert [one["fence_id"] for one in events if one["kind"] == "enter"] == [f"stop-{n}" for n in range(1, 11)]
    assert names == ["stop-10"]


def test_the_limit_is_the_lowest_of_the_fences_it_is_in() -> None:
    two = fences(
        feature("Point", lonlat(0, 0), id="town", radius_m=1000, speed_limit_kph=50),
        feature("Point", lonlat(0, 0), id="school", radius_m=100, speed_limit_kph=30),
    )
    for metres, expected in ((0, 30), (500, 50), (5000, None)):
        (fix, _) = fixes([spot(0, metres)])[0]
        assert limit_kph(follow(None, fix, two)[0], two) == expected


def test_a_fence_taken_off_the_profile_is_forgotten_in_silence() -> None:
    (first, _), (second, _) = fixes([spot(0), spot(60)])
    visits, _ = follow(None, first, circle())
    assert follow(visits, second, Fences()) == ({}, [])


GOOD = feature("Point", [8.0, 50.0])


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (feature("Point", [8.0]), "length >= 2"),
        (feature("Point", [8.0, 91.0]), r"\[8.0, 91.0\] is no \[longitude, latitude\]"),
        (feature("Point", [181.0, 50.0]), "is no"),
        (feature("Point", ["8", 50.0]), "Expected `float`"),
        (feature("Blob", [8.0, 50.0]), "Invalid value 'Blob'"),
        (feature("LineString", [[8.0, 50.0]]), "length >= 2"),
        (feature("Polygon", [[[8, 50], [9, 50], [8, 50]]]), "length >= 4"),
        (feature("Polygon", [[[8, 50], [9, 50], [9, 51], [8, 51]]]), "must end where it begins"),
        (feature("Polygon", []), "length >= 1"),
        (feature("Point", [8.0, 50.0], radius_m=0), "> 0"),
        (feature("Point", [8.0, 50.0], dwell_s=-1), ">= 0"),
        (feature("Point", [8.0, 50.0], speed_limit_kph="fast"), "Expected `float"),
        (feature("Point", [8.0, 50.0], id=""), "matching regex"),
        ({**GOOD, "properties": {}}, "missing required field `id`"),
        ({**GOOD, "geometry": None}, "Expected `object`"),
        ({**GOOD, "type": "Feat"}, "Invalid enum value 'Feat'"),
    ],
)
def test_broken_geojson_is_refused_with_what_is_wrong_and_where(broken: dict[str, Any], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said) as refused:
        fences(GOOD, broken)
    assert "$.geofences.features[" in str(refused.value)


def test_two_fences_of_one_id_are_refused_and_so_is_what_is_no_collection() -> None:
    with pytest.raises(msgspec.ValidationError, match="two fences have the id 'yard'"):
        fences(GOOD, GOOD)
    with pytest.raises(msgspec.ValidationError, match="Invalid enum value 'Features'"):
        msgspec.json.decode(b'{"geofences": {"type": "Features", "features": []}}', type=Profile)


def test_a_polygon_that_crosses_itself_is_taken_as_the_areas_it_encloses() -> None:
    bow = [lonlat(0, 0), lonlat(1000, 1000), lonlat(1000, 0), lonlat(0, 1000), lonlat(0, 0)]
    found = fences(feature("Polygon", [bow]))
    assert visited(found, [spot(0, 9000), spot(60, 900, 500)])[0] == ["yard"]
    assert visited(found, [spot(0, 9000), spot(60, 500, 900)])[0] == []
