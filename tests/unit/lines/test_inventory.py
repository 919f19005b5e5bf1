"""The inventory line: levels per article, shortages with recovery, and when stock runs out."""

from datetime import timedelta
from typing import Any

import pytest

from functions.core.profile import DEFAULTS, Profile
from functions.core.stock import StockRule
from functions.errors import Malformed
from functions.lines.inventory import LINE, MOST_SKUS
from tests.story import START, Story, at, span

HOUR, DAY = 3600.0, 86_400.0
MILK = Profile(stock={"milk": StockRule(20)})


def counted(second: float, quantity: float, sku: str = "milk", **more: object) -> dict[str, Any]:
    return {"vehicle_id": "depot", "event_time": at(second), "sku": sku, "quantity": quantity, **more}


def story(profile: Profile, *quantities: float) -> Story:
    """One count an hour."""
    told = Story(LINE, profile)
    for n, quantity in enumerate(quantities):
        told.tell(counted(n * HOUR, quantity))
    return told


def level(told: Story, sku: str = "milk") -> dict[str, Any]:
    assert told.worker is not None
    face: dict[str, Any] = LINE.face(told.worker.head)
    return face["stock"][sku]


@pytest.mark.parametrize(("quantity", "alerts"), [(20.01, 0), (20, 1), (-1, 1)])
def test_stock_is_short_at_or_under_its_reorder_point(quantity: float, alerts: int) -> None:
    told = story(MILK, 30, quantity)
    assert [(alert["subject"], alert["peak"]) for alert in told.kept()] == [("milk", quantity)] * alerts


def test_a_shortage_is_one_alert_that_deepens_and_recovers() -> None:
    told = story(MILK, 30, 20, 18, 19, 12, 21)
    assert [(row["status"], row["peak"]) for row in told.told] == [
        ("open", 20),
        ("open", 18),
        ("open", 12),
        ("closed", 12),
    ]
    assert [span(alert) for alert in told.kept()] == [(HOUR, 5 * HOUR)]


def test_without_a_reorder_point_nothing_is_short() -> None:
    assert not story(DEFAULTS, 30, 0).kept()
    assert not story(Profile(stock={"milk": StockRule(), "eggs": StockRule(5)}), 30, 0).kept()


def test_a_shortage_that_outlives_a_contract_is_told_again() -> None:
    told = story(MILK, 10)
    told.end()
    told.tell(counted(DAY, 9))
    assert [alert["status"] for alert in told.kept("stock_shortage")] == ["closed", "open"]


def test_steady_use_tells_when_stock_runs_out() -> None:
    told = story(MILK, *(100 - n for n in range(25)))
    assert level(told)["runs_out_at"] - START == pytest.approx(timedelta(hours=100), rel=0.01)
    last = max(told.rows.values(), key=lambda row: row["event_at"])
    assert last["per_day_quantity"] == pytest.approx(24, rel=0.01)


def test_a_delivery_uses_nothing_up() -> None:
    told = story(MILK, 50, 40, 140, 130)
    assert level(told)["runs_out_at"] - START == pytest.approx(timedelta(hours=3 + 130 / (20 / 3)), rel=0.01)


def test_less_than_an_hour_tells_no_rate() -> None:
    told = Story(LINE)
    told.tell(counted(0, 50), counted(3_599, 40))
    assert level(told)["runs_out_at"] is None
    told.tell(counted(3_610, 39))
    assert level(told)["runs_out_at"] is not None


def test_stock_that_is_not_used_never_runs_out() -> None:
    assert level(story(MILK, 50, 50, 50))["runs_out_at"] is None
    told = story(MILK, 50)
    told.tell(counted(4_000 * DAY - 1, 49.9))
    assert level(told)["runs_out_at"] is None


def test_what_was_used_long_ago_fades() -> None:
    told = story(MILK, *(1_000 - 10 * n for n in range(25)))
    for n in range(60):
        told.tell(counted(DAY * (2 + n), 760 - n))
    last = max(told.rows.values(), key=lambda row: row["event_at"])
    assert last["per_day_quantity"] == pytest.approx(1, rel=0.5)


def test_another_unit_is_another_scale() -> None:
    told = Story(LINE)
    told.tell(counted(0, 50, unit="crate"), counted(DAY, 5, unit="pallet"))
    assert level(told)["runs_out_at"] is None


def test_articles_are_counted_one_by_one_and_there_is_room_for_so_many() -> None:
    told = Story(LINE, MILK)
    for n in range(MOST_SKUS + 1):
        told.tell(counted(n, n, sku=f"sku-{n}"))
    assert [row["quality"] for row in told.rows.values()].count("too_many_skus") == 1
    assert level(told, "sku-7")["quantity"] == 7


def test_a_late_count_inside_the_horizon_takes_its_place() -> None:
    told = story(MILK, 30, 15)
    told.tell(counted(HOUR / 2, 18))
    assert [(span(alert), alert["peak"], alert["version"]) for alert in told.kept()] == [((HOUR / 2, None), 15, 2)]


def test_a_repeat_changes_nothing() -> None:
    told = story(MILK, 30, 15)
    before = told.worker
    told.tell(counted(HOUR, 15))
    assert told.worker == before


@pytest.mark.parametrize("wrong", [{"quantity": "many"}, {"quantity": 1e13}, {"sku": ""}, {"sku": "x" * 65}])
def test_what_cannot_be_read_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        LINE.parse({**counted(0, 1), **wrong})
