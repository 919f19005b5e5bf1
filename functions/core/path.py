"""The way of a trip in a bounded number of points: what is dropped is what changes its shape least."""

from math import cos, hypot, radians

Point = tuple[int, int]
"""Latitude and longitude in 1e-5 degrees (about a metre)."""
Path = tuple[Point, ...]
"""Points as seen from the first, which is where the trip starts and is not in it: small numbers take little room.
Longitudes go on beyond ±180° rather than jump."""

MOST_POINTS = 32
STEP_M = 200.0
METRES_A_POINT = 1.11195
"""1e-5 degrees of latitude."""
TURN = 36_000_000


def point(latitude_e7: int, longitude_e7: int) -> Point:
    return round(latitude_e7 / 100), round(longitude_e7 / 100)


def grown(path: Path, start: Point, further: Point) -> Path:
    """The path with a point more, unless that is within 200 m of its last; over 32 points, the one whose triangle with
    its neighbours is smallest is dropped (Visvalingam and Whyatt 1993)."""
    last = path[-1] if path else (0, 0)
    further = _seen_from(start, last, further)
    scale = cos(radians(start[0] / 1e5))
    if hypot(further[0] - last[0], (further[1] - last[1]) * scale) * METRES_A_POINT < STEP_M:
        return path
    path = (*path, further)
    if len(path) < MOST_POINTS:
        return path
    corners = zip(((0, 0), *path), path, path[1:], strict=False)
    areas = [abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) for a, b, c in corners]
    least = areas.index(min(areas))
    return path[:least] + path[least + 1 :]


def polyline(path: Path, start: Point, end: Point) -> str:
    """From start to end in Google's encoded polyline format, 1e-5 degrees: what map libraries read."""
    points = ((0, 0), *path)
    last = (0, 0)
    text = [*_digits(start[0]), *_digits(start[1])]
    for here in (*path, _seen_from(start, points[-1], end)):
        text += [*_digits(here[0] - last[0]), *_digits(here[1] - last[1])]
        last = here
    return "".join(text)


def _seen_from(start: Point, last: Point, further: Point) -> Point:
    """A point as seen from the start, its longitude the short way round from the last."""
    across = further[1] - start[1]
    return further[0] - start[0], across + round((last[1] - across) / TURN) * TURN


def _digits(difference: int) -> list[str]:
    """Five bits a character, lowest first; the sign stands in the lowest bit."""
    rest = ~(difference << 1) if difference < 0 else difference << 1
    digits = []
    while rest >= 0x20:
        digits.append(chr((0x20 | (rest & 0x1F)) + 63))
        rest >>= 5
    return [*digits, chr(rest + 63)]
