"""The inventory line: how much of each article (sku) there is on a vehicle or at a site."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from functions.core.ids import event_key
from functions.core.line import Decision, Ending, Line, Row
from functions.core.profile import Profile
from functions.core.reading import Event, Reading, checked, event_at, text
from functions.core.stock import Level, count, silenced

NAME = "inventory"

MOST_SKUS = 80
"""Articles one worker keeps levels of; it bounds the document (a level takes about 60 bytes, twice)."""
CONTRACT_S = 7 * 86_400.0
REMEMBERED = timedelta(days=100)

Sku = Annotated[str, text(64)]
Unit = Annotated[str, text(16)]


class InventoryEvent(Event, frozen=True, kw_only=True):
    """A stock level as it is sent; `vehicle_id` is the vehicle or the site that holds the stock."""

    sku: Sku
    quantity: Annotated[float, Meta(ge=-1e12, le=1e12)]
    unit: Unit | None = None


class InventoryReading(Reading, frozen=True, array_like=True):
    """A checked stock level."""

    sku: str
    quantity: float
    unit: str | None


class InventoryState(msgspec.Struct, frozen=True, array_like=True):
    """Levels by sku. `filtered` counts readings of articles there was no room for."""

    levels: dict[str, Level] = {}
    filtered: int = 0


def parse(payload: object) -> tuple[str, InventoryReading]:
    event = checked(payload, InventoryEvent)
    at = event_at(event)
    fields = (event.sku, event.quantity, event.unit)
    return event.vehicle_id, InventoryReading(
        at, event_key(NAME, event.vehicle_id, at, event.event_id, fields), *fields
    )


def step(state: InventoryState, reading: InventoryReading, profile: Profile) -> Decision[InventoryState]:
    """Keep the level, if there is room for the article."""
    if reading.sku not in state.levels and len(state.levels) == MOST_SKUS:
        after = msgspec.structs.replace(state, filtered=state.filtered + 1)
        return Decision(after, _columns(reading, "too_many_skus"))
    before, rule = state.levels.get(reading.sku), profile.stock.get(reading.sku)
    level, episodes = count(before, reading.event_at, reading.quantity, reading.unit, reading.sku, rule)
    after = InventoryState({**state.levels, reading.sku: level}, state.filtered)
    return Decision(after, _columns(reading, "ok", level), (), episodes)


def history(reading: InventoryReading, profile: Profile) -> Row:
    return _columns(reading, "ok")


def face(state: InventoryState) -> Row:
    return {
        "stock": {sku: _level_face(level) for sku, level in state.levels.items()},
        "short": [sku for sku, level in state.levels.items() if level.short_since],
        "filtered": state.filtered,
    }


def remembers(state: InventoryState) -> timedelta:
    """A place that is counted once a quarter finds its levels, and how fast they went."""
    return REMEMBERED


def contract_s(state: InventoryState, profile: Profile) -> float:
    return profile.contract_for(NAME, CONTRACT_S)


def end(state: InventoryState, at: datetime, profile: Profile) -> Ending[InventoryState]:
    """Shortages are closed by the caller, and opened again by the first count that still shows them."""
    return Ending(InventoryState({sku: silenced(level) for sku, level in state.levels.items()}, state.filtered))


def _level_face(level: Level) -> Row:
    return {
        "counted_at": level.counted_at,
        "quantity": level.quantity,
        "unit": level.unit,
        "runs_out_at": level.runs_out_at,
    }


def _columns(reading: InventoryReading, quality: str, level: Level | None = None) -> Row:
    return {
        "sku": reading.sku,
        "quantity": reading.quantity,
        "unit": reading.unit,
        "per_day_quantity": level.per_day if level else None,
        "runs_out_at": level.runs_out_at if level else None,
        "quality": quality,
    }


LINE = Line(
    name=NAME,
    pclass="stock",
    event_type=InventoryEvent,
    state_type=InventoryState,
    reading_type=InventoryReading,
    parse=parse,
    start=InventoryState,
    step=step,
    history=history,
    face=face,
    contract_s=contract_s,
    end=end,
    remembers=remembers,
    reading_bytes=100,
)
