"""Flat ground and lines on it, held against exact geodesics."""

import itertools

import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.geo import distance_m
from functions.core.local import Ground, Track
from functions.core.route import Route

MERIDIAN = [(52.52, 13.405), (51.5, 13.405)]


def test_the_golden_cross_track_distance() -> None:
    assert Track(MERIDIAN).off_m(52.0, 13.41) == pytest.approx(342.29, abs=0.005)
    assert Route(MERIDIAN).off_m(52.0, 13.41) == pytest.approx(342.29, abs=0.005)


def test_beyond_its_ends_a_line_is_as_far_as_its_end() -> None:
    assert Track(MERIDIAN).off_m(51.0, 13.405) == pytest.approx(distance_m(51.0, 13.405, 51.5, 13.405), rel=1e-6)


def test_the_way_along_a_line_is_measured_on_the_globe() -> None:
    """From Lisbon to Tallinn on flat ground it would be off by 14 %."""
    line = [(38.7, -9.1), (48.9, 2.4), (52.5, 13.4), (59.4, 24.8)]
    lengths = [distance_m(*a, *b) for a, b in itertools.pairwise(line)]
    track = Track(line)
    assert [track.way_m(*corner) for corner in line] == pytest.approx([0, lengths[0], sum(lengths[:2]), sum(lengths)])
    assert track.way_m(38.0, -12.0) == 0


def test_a_line_over_the_antimeridian_is_in_one_piece() -> None:
    track = Track([(0.0, 179.9), (0.0, -179.9)])
    assert track.off_m(0.001, 180.0) == pytest.approx(111.195, abs=0.01)
    assert track.off_m(0.001, -179.95) == pytest.approx(111.195, abs=0.01)
    assert track.way_m(0.0, -179.9) == pytest.approx(22_239, abs=1)
    west, _, east, _ = track.bounds
    assert east - west == pytest.approx(0.2)


def test_ground_gives_back_the_degrees_it_was_given() -> None:
    ground = Ground(60.0, 179.99)
    assert ground.degrees(*ground.metres(60.02, -179.98)) == pytest.approx((60.02, -179.98))


def test_a_line_of_one_place_twice_is_a_place() -> None:
    track = Track([(50.0, 8.0), (50.0, 8.0)])
    assert track.off_m(50.001, 8.0) == pytest.approx(111.195, abs=0.01)
    assert track.way_m(50.001, 8.0) == 0


@settings(max_examples=300, deadline=None)
@given(st.floats(-85, 85), st.floats(-180, 180), st.floats(-85, 85), st.floats(-180, 180))
def test_distances_are_within_0_57_percent_of_exact_geodesics_anywhere(a: float, b: float, c: float, d: float) -> None:
    """Along a meridian at the equator a sphere of the mean radius is 0.56 % off, its worst; mid-latitudes 0.3 %."""
    exact = Geodesic.WGS84.Inverse(a, b, c, d)["s12"]
    assert distance_m(a, b, c, d) == pytest.approx(exact, rel=0.0057, abs=0.01)
