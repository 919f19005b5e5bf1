"""Paths: bounded, simplified where it changes the shape least, written as maps read them."""

from functions.core.path import MOST_POINTS, grown, polyline


def test_the_polyline_is_the_one_of_its_documentation() -> None:
    """The example of Google's "Encoded Polyline Algorithm Format"."""
    start, end = (3850000, -12020000), (4325200, -12645300)
    assert polyline(((220000, -75000),), start, end) == "_p~iF~ps|U_ulLnnqC_mqNvxq`@"


def test_points_within_200_m_of_the_last_are_not_kept() -> None:
    assert grown((), (0, 0), (179, 0)) == ()
    assert grown((), (0, 0), (180, 0)) == ((180, 0),)
    assert grown((), (6_000_000, 0), (6_000_000, 359)) == ()
    assert grown((), (6_000_000, 0), (6_000_000, 361)) == ((0, 361),)


def test_a_path_never_has_more_than_32_points_and_keeps_its_corners() -> None:
    path: tuple[tuple[int, int], ...] = ()
    corners = [(0, 0), (0, 20_000), (20_000, 20_000), (20_000, 40_000)]
    way = [(0, east) for east in range(500, 20_500, 500)]
    way += [(north, 20_000) for north in range(500, 20_500, 500)]
    way += [(20_000, east) for east in range(20_500, 40_500, 500)]
    for here in way:
        path = grown(path, (0, 0), here)
        assert len(path) < MOST_POINTS
    assert set(corners[1:]) <= set(path)


def test_a_path_goes_on_over_the_antimeridian_the_short_way() -> None:
    path = grown((), (0, 17_990_000), (0, -17_990_000))
    assert path == ((0, 20_000),)
    path = grown(path, (0, 17_990_000), (0, -17_970_000))
    assert path == ((0, 20_000), (0, 40_000))
    assert grown(path, (0, 17_990_000), (0, 17_980_000))[-1] == (0, -10_000)
    assert grown((), (0, -17_990_000), (0, 17_990_000)) == ((0, -20_000),)
