"""The way of a trip in a bounded number of points: what is dropped is what changes its shape least."""

from math import cos, radians

Point = tuple[int, int]
"""Latitude and longitude in 1e-5 degrees, about a metre."""

MOST_POINTS = 32


def point(latitude: float, longitude: float) -> Point:
    return round(latitude * 1e5), round(longitude * 1e5)


def grown(path: tuple[Point, ...], further: Point) -> tuple[Point, ...]:
    """The path with a point more; over 32 points, the one whose triangle with its neighbours is smallest is dropped
    (Visvalingam and Whyatt 1993)."""
    path = (*path, further)
    if len(path) <= MOST_POINTS:
        return path
    scale = cos(radians(path[0][0] / 1e5))
    corners = zip(path, path[1:], path[2:], strict=False)
    areas = [_area(before, middle, after, scale) for before, middle, after in corners]
    least = areas.index(min(areas)) + 1
    return path[:least] + path[least + 1 :]


def polyline(points: tuple[Point, ...]) -> str:
    """Points in Google's encoded polyline format, 1e-5 degrees: what map libraries read."""
    text: list[str] = []
    before = (0, 0)
    for latitude, longitude in points:
        for value, last in zip((latitude, longitude), before, strict=True):
            text.extend(_digits(value - last))
        before = (latitude, longitude)
    return "".join(text)


def _digits(difference: int) -> list[str]:
    """Five bits a character, lowest first; the sign stands in the lowest bit."""
    rest = ~(difference << 1) if difference < 0 else difference << 1
    digits = []
    while rest >= 0x20:
        digits.append(chr((0x20 | (rest & 0x1F)) + 63))
        rest >>= 5
    return [*digits, chr(rest + 63)]


def _area(before: Point, middle: Point, after: Point, scale: float) -> float:
    """Twice the area of a triangle, in square units of latitude."""
    across = (middle[0] - before[0]) * (after[1] - before[1]) - (after[0] - before[0]) * (middle[1] - before[1])
    return abs(across) * scale
