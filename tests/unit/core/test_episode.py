"""Episodes: one alert each, told at once, revised by late readings, withdrawn when annulled, exported when final."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.employment import MOST_EMISSIONS, employ, end
from functions.core.episode import Episode, told
from functions.core.horizon import Arrival
from functions.core.line import Decision, Ending, Line, Product
from functions.core.profile import DEFAULTS, Profile
from functions.core.worker import WorkerCodec, WorkerState
from functions.lines import LINES

START = datetime(2024, 5, 1, 8, tzinfo=UTC)
INVENTORY = LINES["inventory"]


class Heat(msgspec.Struct, frozen=True, array_like=True):
    """The simplest rule with episodes: a quantity over 10 is an episode with a peak, and a row once it is over."""

    since: datetime | None = None
    peak: float = 0.0
    count: int = 0


def step(state: Heat, reading: Any, _profile: Profile) -> Decision[Heat]:
    count = state.count + 1
    row = {"quantity": reading.quantity}
    if reading.quantity > 10:
        since, peak = state.since or reading.event_at, max(state.peak, reading.quantity)
        episode = Episode("heat", "", since, None, peak)
        changed = state.since is None or peak > state.peak
        return Decision(Heat(since, peak, count), row, (), (episode,) if changed else ())
    if state.since is None:
        return Decision(Heat(None, 0.0, count), row)
    episode = Episode("heat", "", state.since, reading.event_at, state.peak)
    product = Product("heats", "", {"started_at": state.since, "ended_at": reading.event_at, "peak": state.peak})
    return Decision(Heat(None, 0.0, count), row, (product,), (episode,))


LINE: Line[Any, Any] = msgspec.structs.replace(
    INVENTORY,
    state_type=Heat,
    start=Heat,
    step=step,
    face=lambda _state: {},
    contract_s=lambda _state, _profile: 1e6,
    end=lambda state, _at, _profile: Ending(state),
)


def level(second: float, quantity: float) -> Arrival[Any]:
    at = START + timedelta(seconds=second)
    event = {"vehicle_id": "van", "event_time": at.isoformat(), "sku": "x", "quantity": quantity}
    return Arrival(LINE.parse(event)[1], START + timedelta(hours=10))


class Story:
    """A worker and everything it ever emitted, each thing once, as consumers would see it."""

    def __init__(self) -> None:
        self.worker: WorkerState[Any, Any] | None = None
        self.alerts: dict[str, dict[str, Any]] = {}
        self.told: list[tuple[str, int, str]] = []
        self.products: dict[str, dict[str, Any]] = {}

    def tell(self, *arrivals: Arrival[Any]) -> None:
        waiting = list(arrivals)
        while waiting:
            worker, _, waiting, _ = employ(LINE, "van", self.worker, waiting, DEFAULTS)
            assert worker is not None
            assert len(worker.unpublished) <= MOST_EMISSIONS
            codec = WorkerCodec(LINE)
            self.worker = codec.unpack(codec.pack(worker))
            self.publish()

    def publish(self) -> None:
        assert self.worker is not None
        for topic, row in self.worker.unpublished:
            if topic == "alerts":
                self.told.append((row["kind"], row["version"], row["status"]))
                if self.alerts.get(row["alert_id"], {"version": 0})["version"] < row["version"]:
                    self.alerts[row["alert_id"]] = row
            else:
                self.products[row["product_id"]] = row
        self.worker = msgspec.structs.replace(self.worker, unpublished=[])

    def end(self) -> None:
        assert self.worker is not None
        self.worker = end(LINE, "van", self.worker, DEFAULTS)
        self.publish()

    def episodes(self) -> set[tuple[Any, ...]]:
        kept = [row for row in self.alerts.values() if row["status"] != "withdrawn"]
        return {(row["kind"], row["subject"], row["started_at"], row["ended_at"], row["peak"]) for row in kept}

    def exported(self) -> set[tuple[Any, ...]]:
        return {
            (row["pclass"], row["event_at"], row.get("peak"), row.get("readings")) for row in self.products.values()
        }


def test_an_episode_is_one_alert_opened_peaking_and_closed() -> None:
    story = Story()
    for second, quantity in enumerate([5, 11, 12, 11, 12, 13, 9, 5]):
        story.tell(level(second, quantity))
    assert story.told == [("heat", 1, "open"), ("heat", 2, "open"), ("heat", 3, "open"), ("heat", 4, "closed")]
    assert len(story.alerts) == 1


def test_its_row_is_exported_when_nothing_can_come_before_its_end_any_more() -> None:
    story = Story()
    story.tell(level(0, 11), level(1, 5))
    assert not story.products
    for second in range(2, 200):
        story.tell(level(second, 5))
    assert [row["pclass"] for row in story.products.values()] == ["heats"]


def test_a_late_reading_that_splits_an_episode_makes_two_alerts() -> None:
    story = Story()
    story.tell(level(16, 11))
    story.tell(level(12, 11))
    story.tell(level(14, 5))
    assert {(row["started_at"].second, row["status"]) for row in story.alerts.values()} == {
        (12, "closed"),
        (16, "open"),
    }


def test_an_alert_that_a_late_reading_annuls_is_withdrawn_and_may_come_again_as_a_higher_version() -> None:
    opened = Episode("heat", "", START)
    alerts, news = told([], [opened], "gps", "van")
    assert [(row["status"], row["version"]) for _, row in news] == [("open", 1)]
    alerts, news = told(alerts, [], "gps", "van")
    assert [(row["status"], row["version"]) for _, row in news] == [("withdrawn", 2)]
    assert told(alerts, [], "gps", "van") == (alerts, [])
    _, news = told(alerts, [opened], "gps", "van")
    assert [(row["status"], row["version"]) for _, row in news] == [("open", 3)]


def test_a_late_reading_that_moves_the_start_keeps_the_alert() -> None:
    story = Story()
    story.tell(level(0, 5), level(10, 11))
    story.tell(level(5, 12))
    (alert,) = story.alerts.values()
    assert (alert["version"], alert["started_at"], alert["peak"]) == (2, START + timedelta(seconds=5), 12)


def test_a_contract_that_ends_closes_what_is_open_as_unknown_and_says_offline() -> None:
    story = Story()
    story.tell(level(0, 5), level(10, 11))
    story.end()
    by_kind = {row["kind"]: row for row in story.alerts.values()}
    assert (by_kind["heat"]["status"], by_kind["heat"]["details"]) == ("closed", {"outcome": "unknown"})
    assert by_kind["offline"]["status"] == "open"
    assert [row["pclass"] for row in story.products.values()] == ["shifts"]


def test_what_one_commit_may_emit_is_bounded() -> None:
    story = Story()
    story.tell(*(level(second, 11 + second % 7 if second % 2 else 5) for second in range(250)))
    story.end()
    assert len([row for row in story.products.values() if row["pclass"] == "heats"]) == 124


quantities = st.lists(st.sampled_from([5, 9, 11, 12, 15]), min_size=1, max_size=60)


@settings(max_examples=80, deadline=None)
@given(quantities, st.randoms(use_true_random=False), st.integers(1, 9))
def test_any_order_grouping_and_repetition_ends_in_the_same_episodes_and_rows(
    quantities: list[float], random: Any, size: int
) -> None:
    arrivals = [level(second * 2, quantity) for second, quantity in enumerate(quantities)]
    ordered = Story()
    for arrival in arrivals:
        ordered.tell(arrival)
    ordered.end()
    shuffled = Story()
    mixed = arrivals + random.choices(arrivals, k=5)
    places = sorted(range(len(mixed)), key=lambda place: place + random.uniform(0, 16))
    mixed = [mixed[place] for place in places]
    for start in range(0, len(mixed), size):
        shuffled.tell(*mixed[start : start + size])
    shuffled.end()
    assert shuffled.episodes() == ordered.episodes()
    assert shuffled.exported() == ordered.exported()
    assert shuffled.worker is not None
    assert ordered.worker is not None
    assert shuffled.worker.past.head == ordered.worker.past.head
