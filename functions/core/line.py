"""What a production line is: the pure functions that turn its events into readings, state and rows."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from functions.core.episode import Episode
from functions.core.profile import Profile
from functions.core.reading import Event, Reading
from functions.core.row import Emission, Product, Row

__all__ = ["Decision", "Emission", "Ending", "Line", "Product", "R", "Row", "S"]

S = TypeVar("S", bound=msgspec.Struct)
R = TypeVar("R", bound=Reading)


class Decision(NamedTuple, Generic[S]):
    """What one reading led to.

    `row` are the columns the line adds to the reading's own row. `products` are exported when nothing can come before
    the reading any more, hence final. `episodes` began, changed or ended with it and are told at once.
    """

    state: S
    row: Row
    products: Sequence[Product] = ()
    episodes: Sequence[Episode] = ()


class Ending(NamedTuple, Generic[S]):
    """What the end of a contract led to; `episodes` are those it closes."""

    state: S
    products: Sequence[Product] = ()
    episodes: Sequence[Episode] = ()


def _no_totals(_state: Any) -> dict[str, float]:
    return {}


def _never(_state: Any) -> bool:
    return False


def _no_longer(_state: Any) -> timedelta:
    return timedelta(0)


def _unchanged(state: Any, _at: datetime, _profile: Profile) -> Any:
    return Ending(state)


class Line(msgspec.Struct, Generic[S, R], frozen=True, kw_only=True):
    """One production line. Every function is pure: no clock, no environment, no cloud.

    `parse` raises Malformed. `step` folds one reading, in event-time order. `history` gives the columns of a reading
    that no state may be told about (late, or its clock ahead). `face` is what people query in Firestore.
    `contract_s` is how long the worker may be silent, in seconds. `totals` are counts that only grow; a shift reports
    what was added to each. `at_work` tells whether silence is news because the vehicle was moving (with an open
    episode it always is). `end` closes what is open when a contract ends at that time. `reading_bytes` is about what
    one reading takes in memory, which bounds how many are kept. `placed` are the kinds of episodes that are told with
    the vehicle's position. `remembers` is how long an ended worker's state is of use, where that is over a week.
    """

    name: str
    pclass: str
    event_type: type[Event]
    state_type: type[S]
    reading_type: type[R]
    parse: Callable[[object], tuple[str, R]]
    start: Callable[[], S]
    step: Callable[[S, R, Profile], Decision[S]]
    history: Callable[[R, Profile], Row]
    face: Callable[[S], Row]
    contract_s: Callable[[S, Profile], float]
    totals: Callable[[S], dict[str, float]] = _no_totals
    at_work: Callable[[S], bool] = _never
    end: Callable[[S, datetime, Profile], Ending[S]] = _unchanged
    reading_bytes: int
    placed: frozenset[str] = frozenset()
    remembers: Callable[[S], timedelta] = _no_longer
