"""What a production line is: the pure functions that turn its events into readings, state and rows."""

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from functions.core.profile import Profile
from functions.core.reading import Event, Reading

S = TypeVar("S", bound=msgspec.Struct)
R = TypeVar("R", bound=Reading)

Row = dict[str, Any]
"""One product as it is exported: column → JSON value (times as aware UTC datetimes)."""

Emission = tuple[str, Row]
"""Something decided that must be published: its topic, and what is said there."""


class Decision(NamedTuple, Generic[S]):
    """What one reading led to: the worker's next state, and the columns the line adds to the reading's row."""

    state: S
    row: Row


def _no_totals(_state: Any) -> dict[str, float]:
    return {}


def _never(_state: Any) -> bool:
    return False


def _unchanged(state: Any) -> Any:
    return state


class Line(msgspec.Struct, Generic[S, R], frozen=True, kw_only=True):
    """One production line. Every function is pure: no clock, no environment, no cloud.

    `parse` raises Malformed. `step` folds one reading, in event-time order. `history` gives the columns of a reading
    that no state may be told about (late, or its clock ahead). `face` is what people query in Firestore.
    `contract_s` is how long the worker may be silent, in seconds. `totals` are counts that only grow; a shift reports
    what was added to each. `at_work` tells whether silence is news: the vehicle was moving, or an episode was open.
    `dismissed` is the state after a contract has ended. `reading_bytes` is about what one reading takes in memory,
    which bounds how many are kept.
    """

    name: str
    pclass: str
    event_type: type[Event]
    state_type: type[S]
    reading_type: type[R]
    parse: Callable[[object], tuple[str, R]]
    start: Callable[[], S]
    step: Callable[[S, R, Profile], Decision[S]]
    history: Callable[[R], Row]
    face: Callable[[S], Row]
    contract_s: Callable[[S, Profile], float]
    totals: Callable[[S], dict[str, float]] = _no_totals
    at_work: Callable[[S], bool] = _never
    dismissed: Callable[[S], S] = _unchanged
    reading_bytes: int
