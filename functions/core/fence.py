"""Geofences: circles, polygons with holes and corridors from GeoJSON; when a vehicle enters and leaves them.

A fence far away costs nothing: fences are found through a spatial index, and only those the vehicle is in, or has begun
to enter or leave, are in its state.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from functions.core.fix import Fix
from functions.core.reading import Label
from functions.core.row import Product
from functions.core.shape import Area, Box, Circle, Corridor, Shape

MARGIN_SHARE = 0.10
MARGIN_M = 20.0
"""A vehicle is out when it is outside by more than the larger of these (a share of the radius) beyond its accuracy."""
EXIT_FIXES = 2
MOST_FENCES = 1_000

Position = Annotated[list[float], Meta(min_length=2, max_length=4)]
Ring = Annotated[list[Position], Meta(min_length=4, max_length=20_000)]


class PointShape(msgspec.Struct, frozen=True, tag="Point"):
    coordinates: Position


class LineShape(msgspec.Struct, frozen=True, tag="LineString"):
    coordinates: Annotated[list[Position], Meta(min_length=2, max_length=20_000)]


class PolygonShape(msgspec.Struct, frozen=True, tag="Polygon"):
    coordinates: Annotated[list[Ring], Meta(min_length=1, max_length=1_000)]


class MultiPolygonShape(msgspec.Struct, frozen=True, tag="MultiPolygon"):
    coordinates: Annotated[list[Annotated[list[Ring], Meta(min_length=1)]], Meta(min_length=1, max_length=100)]


class FenceProperties(msgspec.Struct, frozen=True):
    """`radius_m` makes a point a circle and a line a corridor of that half width."""

    id: Label
    name: Label | None = None
    radius_m: Annotated[float, Meta(gt=0, le=1e6)] = 100.0
    dwell_s: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    speed_limit_kph: Annotated[float, Meta(gt=0, le=500)] | None = None


class Feature(msgspec.Struct, frozen=True, dict=True):
    """One fence as GeoJSON (RFC 7946: longitude before latitude)."""

    geometry: PointShape | LineShape | PolygonShape | MultiPolygonShape
    properties: FenceProperties
    type: Literal["Feature"] = "Feature"

    def __post_init__(self) -> None:
        for part in self._parts:
            for ring in part:
                _check(ring, closed=isinstance(self.geometry, PolygonShape | MultiPolygonShape))

    @property
    def id(self) -> str:
        return self.properties.id

    @cached_property
    def radius_m(self) -> float:
        """What the exit margin is a share of: the radius, or half the smaller side of a polygon's box."""
        return self._shape.radius_m

    @cached_property
    def bounds(self) -> Box:
        """A box with all of the fence in it; may reach over ±180."""
        return self._shape.bounds

    def outside_m(self, latitude: float, longitude: float) -> float:
        """How far outside a place is, in metres; 0 or less is inside, the border included."""
        return self._shape.outside_m(latitude, longitude)

    @cached_property
    def _parts(self) -> list[list[list[Position]]]:
        """Polygons of rings of positions, whatever the kind of the geometry."""
        match self.geometry:
            case PointShape(coordinates):
                return [[[coordinates]]]
            case LineShape(coordinates):
                return [[coordinates]]
            case PolygonShape(coordinates):
                return [coordinates]
            case MultiPolygonShape(coordinates):
                return coordinates

    @cached_property
    def _shape(self) -> Shape:
        parts = [[[(at[1], at[0]) for at in ring] for ring in part] for part in self._parts]
        match self.geometry:
            case PointShape():
                return Circle(*parts[0][0][0], self.properties.radius_m)
            case LineShape():
                return Corridor(parts[0][0], self.properties.radius_m)
            case _:
                return Area(parts)


class Fences(msgspec.Struct, frozen=True, dict=True):
    """A vehicle's fences, a GeoJSON FeatureCollection."""

    features: Annotated[list[Feature], Meta(max_length=MOST_FENCES)] = []
    type: Literal["FeatureCollection"] = "FeatureCollection"

    def __post_init__(self) -> None:
        names = [feature.id for feature in self.features]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"two fences have the id {twice!r}")

    def near(self, latitude: float, longitude: float) -> list[Feature]:
        """The fences whose box holds the place."""
        if not self.features:
            return []
        import shapely

        place = shapely.Point(longitude, latitude)
        return [self.features[index] for index in sorted({int(box) // 3 for box in self._index.query(place)})]

    @cached_property
    def by_id(self) -> Mapping[str, Feature]:
        return {feature.id: feature for feature in self.features}

    @cached_property
    def _index(self) -> Any:
        """Each box three times, a turn of the globe apart, so that those across the antimeridian are found."""
        import shapely

        boxes = [
            shapely.box(west + turn, south, east + turn, north)
            for west, south, east, north in (feature.bounds for feature in self.features)
            for turn in (-360, 0, 360)
        ]
        return shapely.STRtree(boxes)


def _check(ring: Sequence[Position], closed: bool) -> None:
    for position in ring:
        if not (-180 <= position[0] <= 180 and -90 <= position[1] <= 90):
            raise ValueError(f"{position[:2]} is no [longitude, latitude]")
    if closed and ring[0][:2] != ring[-1][:2]:
        raise ValueError("a polygon's ring must end where it begins")


class Visit(msgspec.Struct, frozen=True, array_like=True):
    """A fence the vehicle is in (`inside`), or has begun to enter. `since` is the first fix of the run that is to
    change that, `fixes` its length, `entered_at` when it entered (None = it was inside from the first fix)."""

    inside: bool
    since: datetime | None
    fixes: int
    entered_at: datetime | None


Visits = dict[str, Visit]


def follow(visits: Visits | None, fix: Fix, fences: Fences) -> tuple[Visits, list[Product]]:
    """Visits after a fix, and the fences entered and left. The first fix of all (None) says nothing."""
    near = fences.near(fix.latitude, fix.longitude)
    if visits is None:
        inside = [fence for fence in near if fence.outside_m(fix.latitude, fix.longitude) <= 0]
        return {fence.id: Visit(True, None, 0, None) for fence in inside}, []
    if not near and not visits:
        return visits, []
    concerned = {fence.id: fence for fence in near}
    concerned.update((name, fences.by_id[name]) for name in visits if name in fences.by_id)
    after: Visits = {}
    events: list[Product] = []
    for name, fence in concerned.items():
        visit, event = _visited(visits.get(name), fix, fence)
        if visit:
            after[name] = visit
        if event:
            events.append(event)
    return (visits if after == visits else after), events


def limit_kph(visits: Visits | None, fences: Fences) -> float | None:
    """The lowest speed limit of the fences the vehicle is in."""
    if not visits:
        return None
    inside = (fences.by_id.get(name) for name, visit in visits.items() if visit.inside)
    limits = [fence.properties.speed_limit_kph for fence in inside if fence and fence.properties.speed_limit_kph]
    return min(limits, default=None)


def inside(visits: Visits | None) -> list[str]:
    """The fences the vehicle is in, by id."""
    return sorted(name for name, visit in visits.items() if visit.inside) if visits else []


def _visited(visit: Visit | None, fix: Fix, fence: Feature) -> tuple[Visit | None, Product | None]:
    outside_m = fence.outside_m(fix.latitude, fix.longitude)
    if visit is None or not visit.inside:
        return _entering(visit, fix, fence) if outside_m <= 0 else (None, None)
    if outside_m <= max(MARGIN_SHARE * fence.radius_m, MARGIN_M) + fix.accuracy_m:
        return Visit(True, None, 0, visit.entered_at), None
    return _leaving(visit, fix, fence)


def _entering(visit: Visit | None, fix: Fix, fence: Feature) -> tuple[Visit, Product | None]:
    since = visit.since if visit and visit.since else fix.at
    if (fix.at - since).total_seconds() < fence.properties.dwell_s:
        return Visit(False, since, 0, None), None
    return Visit(True, None, 0, since), _event("enter", fence, since, {})


def _leaving(visit: Visit, fix: Fix, fence: Feature) -> tuple[Visit | None, Product | None]:
    """Out on the second fix in a row: that is never later than after `dwell_s`, which no run of one fix can last."""
    since = visit.since or fix.at
    if visit.fixes + 1 < EXIT_FIXES:
        return Visit(True, since, visit.fixes + 1, visit.entered_at), None
    inside_s = (since - visit.entered_at).total_seconds() if visit.entered_at else None
    return None, _event("exit", fence, since, {"entered_at": visit.entered_at, "duration_s": inside_s})


def _event(kind: str, fence: Feature, at: datetime, more: dict[str, Any]) -> Product:
    """`fence` events carry the time of the first fix of the run that decided them."""
    columns = {"kind": kind, "fence_id": fence.id, "fence_name": fence.properties.name, "started_at": at, **more}
    return Product("events", f"{kind} {fence.id}", columns, at)
