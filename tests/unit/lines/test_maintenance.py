"""The maintenance line: services from ok to done, meters that lie, codes that order inspections, battery and fuel."""

from datetime import timedelta
from typing import Any

import pytest

from functions.core.profile import DEFAULTS, Profile
from functions.core.service import ServicePlan
from functions.core.trouble import description, severity
from functions.errors import Malformed
from functions.lines.maintenance import LINE
from tests.story import START, Story, at, span

HOUR, DAY = 3600.0, 86_400.0
OIL = Profile(service_plans=[ServicePlan("oil", every_km=10_000, last_km=0)])


def report(second: float, **fields: object) -> dict[str, Any]:
    return {"vehicle_id": "van", "event_time": at(second), **fields}


def story(profile: Profile, *reports: dict[str, Any]) -> Story:
    told = Story(LINE, profile)
    for one in reports:
        told.tell(one)
    return told


def driven(*odometers: float, profile: Profile = OIL) -> Story:
    """One report a month, as far apart as a vehicle drives."""
    return story(profile, *(report(n * 30 * DAY, odometer_km=km) for n, km in enumerate(odometers)))


def service_statuses(told: Story) -> list[str]:
    told.end()
    return [row["status"] for row in told.of("services")]


# Services


@pytest.mark.parametrize(
    ("km", "status"),
    [(8_999, None), (9_000, "due_soon"), (9_999, "due_soon"), (10_000, "due"), (10_999, "due"), (11_000, "overdue")],
)
def test_a_service_is_due_by_distance(km: float, status: str | None) -> None:
    told = driven(5_000, km)
    assert [alert["details"]["status"] for alert in told.kept("service_due")] == ([status] if status else [])


@pytest.mark.parametrize(("hours", "status"), [(449, []), (450, ["due_soon"]), (500, ["due"]), (550, ["overdue"])])
def test_or_by_engine_hours(hours: float, status: list[str]) -> None:
    plan = Profile(service_plans=[ServicePlan("belt", every_hours=500, last_hours=0)])
    told = story(plan, report(0, engine_hours=100), report(30 * DAY, engine_hours=hours))
    assert [alert["details"]["status"] for alert in told.kept()] == status


@pytest.mark.parametrize(
    ("days", "status"), [(92.9, []), (93, ["due_soon"]), (99.9, ["due_soon"]), (100, ["due"]), (110, ["overdue"])]
)
def test_or_by_date_a_week_ahead(days: float, status: list[str]) -> None:
    plan = Profile(service_plans=[ServicePlan("mot", every_days=100, last_at=START)])
    told = story(plan, report(0, fuel_pct=50), report(days * DAY, fuel_pct=50))
    assert [alert["details"]["status"] for alert in told.kept()] == status


def test_whichever_comes_first() -> None:
    plan = ServicePlan("oil", every_km=10_000, every_days=100, last_km=0, last_at=START)
    told = story(Profile(service_plans=[plan]), report(0, odometer_km=0.1), report(95 * DAY, odometer_km=10_000))
    assert [alert["details"]["status"] for alert in told.kept()] == ["due"]
    told.end()
    assert [(row["by"], row["share"]) for row in told.of("services")] == [("km", 1.0)]


def test_its_life_is_one_alert_told_at_every_step_and_closed_when_done() -> None:
    told = driven(5_000, 9_100, 9_500, 10_100, 11_100)
    told.tell(report(150 * DAY, odometer_km=11_200, service_done="oil"))
    assert [row["details"]["status"] for row in told.told] == ["due_soon", "due", "overdue", "done"]
    assert len(told.kept()) == 1
    assert service_statuses(told) == ["due_soon", "due", "overdue", "done"]
    done = told.of("services")[-1]
    assert (done["since_km"], done["times"], done["plan"]) == (11_200, 1, "oil")


def test_done_counts_from_there() -> None:
    told = driven(5_000)
    told.tell(report(40 * DAY, odometer_km=6_000, service_done="oil"))
    told.tell(report(100 * DAY, odometer_km=14_999))
    assert not told.kept()
    told.tell(report(101 * DAY, odometer_km=15_001))
    assert [alert["details"]["status"] for alert in told.kept()] == ["due_soon"]


def test_a_crossing_that_was_slept_through_is_not_missed() -> None:
    told = driven(5_000, 12_000)
    assert [alert["details"]["status"] for alert in told.kept()] == ["overdue"]
    assert service_statuses(told) == ["overdue"]


def test_history_outlives_contracts_and_what_is_due_is_told_again_once() -> None:
    told = driven(5_000, 10_100)
    told.end()
    told.tell(report(70 * DAY, odometer_km=10_200), report(71 * DAY, odometer_km=10_300))
    assert [alert["status"] for alert in told.kept("service_due")] == ["closed", "open"]
    assert service_statuses(told) == ["due"]


def test_without_a_last_service_it_counts_from_the_first_reading() -> None:
    told = driven(50_000, 58_900, profile=Profile(service_plans=[ServicePlan("oil", every_km=10_000)]))
    assert not told.kept()
    told.tell(report(70 * DAY, odometer_km=59_100))
    assert told.kept()


def test_a_profile_that_learns_of_a_later_service_ends_the_alert() -> None:
    told = driven(5_000, *(10_100 + n for n in range(40)))
    told.profile = Profile(service_plans=[ServicePlan("oil", every_km=10_000, last_km=10_050)])
    told.tell(report(50 * 30 * DAY, odometer_km=10_200))
    assert [alert["status"] for alert in told.kept()] == ["closed"]


def test_a_service_no_plan_is_known_for_is_kept() -> None:
    told = story(DEFAULTS, report(0, odometer_km=100, service_done="tyres"))
    assert service_statuses(told) == ["done"]


# Meters


@pytest.mark.parametrize(("km", "quality"), [(99_999, "ok"), (99_998.9, "odometer_back")])
def test_an_odometer_that_goes_back_is_flagged_and_not_believed(km: float, quality: str) -> None:
    told = story(DEFAULTS, report(0, odometer_km=100_000), report(HOUR, odometer_km=km))
    last = max(told.rows.values(), key=lambda row: row["event_at"])
    assert (last["quality"], last["believed_km"], last["odometer_km"]) == (quality, 100_000, km)
    assert len(told.kept("odometer_fault")) == (quality != "ok")


@pytest.mark.parametrize(("km", "alerts"), [(100_155, 0), (100_155.1, 1)])
def test_and_so_is_one_that_jumps(km: float, alerts: int) -> None:
    told = story(DEFAULTS, report(0, odometer_km=100_000), report(HOUR, odometer_km=km))
    assert len(told.kept("odometer_fault")) == alerts


def test_engine_hours_cannot_pass_faster_than_time() -> None:
    told = story(DEFAULTS, report(0, engine_hours=10), report(HOUR, engine_hours=12))
    assert not told.kept()
    told.tell(report(2 * HOUR, engine_hours=14.1))
    (alert,) = told.kept()
    assert (alert["subject"], alert["details"]["fault"]) == ("engine_hours", "jump")


def test_the_fault_ends_when_the_meter_makes_sense_again() -> None:
    told = story(
        DEFAULTS, *(report(n * HOUR, odometer_km=km) for n, km in enumerate([100_000, 5, 700_000, 100_100, 100_150]))
    )
    assert [span(alert) for alert in told.kept()] == [(HOUR, 3 * HOUR)]
    assert told.worker is not None
    assert LINE.face(told.worker.head)["odometer_km"] == 100_150


def test_a_new_instrument_counts_on_from_the_old_one_after_a_day() -> None:
    told = story(OIL, *(report(n * DAY / 2, odometer_km=km) for n, km in enumerate([9_000 - 200, 10, 60, 80, 190])))
    assert told.worker is not None
    assert LINE.face(told.worker.head)["odometer_km"] == 8_800 + 180
    assert [alert["status"] for alert in told.kept("odometer_fault")] == ["closed"]
    told.tell(report(3 * DAY, odometer_km=215))
    assert [alert["details"]["status"] for alert in told.kept("service_due")] == ["due_soon"]


def test_a_jump_makes_no_service_due() -> None:
    assert not driven(5_000).kept()
    told = story(OIL, report(0, odometer_km=5_000), report(HOUR, odometer_km=500_000))
    assert [alert["kind"] for alert in told.kept()] == ["odometer_fault"]


@pytest.mark.parametrize(("card_km", "status"), [(8_000, ["due_soon"]), (9_990, []), (900_000, [])])
def test_a_job_cards_odometer_counts_for_the_service_and_not_for_the_meter(card_km: float, status: list[str]) -> None:
    told = driven(5_000, 10_050)
    told.tell(report(61 * DAY, odometer_km=card_km, service_done="oil"))
    told.tell(report(90 * DAY, odometer_km=17_500))
    assert not told.kept("odometer_fault")
    assert [alert["details"]["status"] for alert in told.kept("service_due")] == ["done", *status]


def test_an_odometer_of_0_is_one_that_is_not_known_yet() -> None:
    told = story(DEFAULTS, report(0, odometer_km=0), report(HOUR, odometer_km=120_000))
    assert not told.kept()


# Trouble codes


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("P0301", "severe"),
        ("P0420", "minor"),
        ("P0217", "severe"),
        ("P0216", "major"),
        ("P0700", "major"),
        ("P0A80", "severe"),
        ("C0035", "severe"),
        ("B0012", "severe"),
        ("B1000", "minor"),
        ("U0100", "severe"),
        ("U0140", "major"),
        ("P0520", "severe"),
        ("P0500", "minor"),
    ],
)
def test_codes_are_as_bad_as_the_system_they_speak_of(code: str, level: str) -> None:
    assert severity(code) == level


def test_codes_are_described_by_their_system() -> None:
    assert description("P0301") == "powertrain: ignition and misfire"
    assert description("P1301") == "powertrain: ignition and misfire, the maker's own code"
    assert description("U0100") == "network"


def test_a_code_is_newly_seen_counted_and_cleared() -> None:
    told = story(
        DEFAULTS,
        *(
            report(n * HOUR, dtcs=dtcs)
            for n, dtcs in enumerate([[], ["P0420"], ["P0420"], [], ["P0420", "P0171"], ["P0171"]])
        ),
        report(6 * HOUR, odometer_km=1),
    )
    assert [(alert["subject"], *span(alert), alert["details"]["times"]) for alert in told.kept()] == [
        ("P0420", HOUR, 3 * HOUR, 1),
        ("P0171", 4 * HOUR, None, 1),
        ("P0420", 4 * HOUR, 5 * HOUR, 2),
    ]


def test_a_severe_code_orders_an_inspection_whose_result_closes_the_order() -> None:
    told = story(DEFAULTS, report(0, dtcs=["P0301"]))
    (alert,) = told.kept()
    assert (alert["details"]["command"], alert["details"]["inspection"]) == ("inspect", None)
    told.tell(report(HOUR, dtcs=[]))
    (alert,) = told.kept()
    assert alert["status"] == "open"
    assert told.worker is not None
    assert LINE.face(told.worker.head)["inspection_ordered"]
    told.tell(report(2 * HOUR, inspection={"passed": True}))
    (alert,) = told.kept()
    assert (alert["details"]["inspection"], *span(alert)) == ("passed", 0, 2 * HOUR)
    assert not LINE.face(told.worker.head)["inspection_ordered"]


def test_an_inspection_that_failed_leaves_the_code_open_until_it_is_cleared() -> None:
    told = story(DEFAULTS, report(0, dtcs=["C0035"]), report(HOUR, inspection={"passed": False, "notes": "worn"}))
    (alert,) = told.kept()
    assert (alert["status"], alert["details"]["inspection"]) == ("open", "failed")
    told.tell(report(2 * HOUR, dtcs=[]))
    assert span(told.kept()[0]) == (0, 2 * HOUR)


def test_a_code_that_comes_back_after_its_inspection_orders_another() -> None:
    told = story(
        DEFAULTS,
        report(0, dtcs=["P0301"]),
        report(HOUR, dtcs=[], inspection={"passed": True}),
        report(2 * HOUR, dtcs=["P0301"]),
    )
    assert [(alert["status"], alert["details"]["inspection"]) for alert in told.kept()] == [
        ("closed", "passed"),
        ("open", None),
    ]


def test_a_report_that_says_nothing_of_codes_clears_none() -> None:
    told = story(DEFAULTS, report(0, dtcs=["P0420"]), report(HOUR, fuel_pct=50))
    assert [alert["status"] for alert in told.kept()] == ["open"]


def test_an_order_outlives_the_contract() -> None:
    told = story(DEFAULTS, report(0, dtcs=["P0301"]))
    told.end()
    told.tell(report(100 * HOUR, dtcs=["P0301"]))
    assert [(alert["status"], alert["details"]["times"]) for alert in told.kept("trouble_code")] == [
        ("closed", 1),
        ("open", 1),
    ]


@pytest.mark.parametrize("code", ["X0100", "P010", "P01000", "p0100", "P01G0"])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(Malformed):
        LINE.parse(report(0, dtcs=[code]))


# Battery and fuel


@pytest.mark.parametrize(
    ("volts", "alerts"),
    [([12.6, 11.8, 11.8], 0), ([12.6, 11.79, 11.79], 1), ([12.6, 11.7, 12.0], 0), ([25.2, 23.5, 23.5], 1)],
)
def test_a_battery_is_low_on_two_readings_under_its_limit(volts: list[float], alerts: int) -> None:
    told = story(DEFAULTS, *(report(n * HOUR, battery_v=v) for n, v in enumerate(volts)))
    assert len(told.kept("battery_low")) == alerts


def test_a_battery_has_recovered_above_its_hysteresis() -> None:
    told = story(DEFAULTS, *(report(n * HOUR, battery_v=v) for n, v in enumerate([12.6, 11.5, 11.4, 12.2, 12.3])))
    (alert,) = told.kept()
    assert (span(alert), alert["peak"]) == ((HOUR, 4 * HOUR), 11.4)


def test_a_traction_battery_has_only_the_limit_its_profile_gives() -> None:
    reports = [report(n * HOUR, battery_v=v) for n, v in enumerate([400, 300, 300])]
    assert not story(DEFAULTS, *reports).kept()
    assert story(Profile(battery_low_v=310), *reports).kept()


@pytest.mark.parametrize(("pct", "alerts"), [(10.1, 0), (10, 1)])
def test_fuel_is_low_at_ten_percent(pct: float, alerts: int) -> None:
    told = story(DEFAULTS, *(report(n * HOUR, fuel_pct=p) for n, p in enumerate([50, pct, pct])))
    assert len(told.kept("fuel_low")) == alerts
    told.tell(report(3 * HOUR, fuel_pct=15.1))
    assert [alert["status"] for alert in told.kept("fuel_low")] == ["closed"] * alerts


@pytest.mark.parametrize(("pct", "alerts"), [(50.1, 0), (50, 1)])
def test_fuel_that_goes_while_parked_is_a_drop(pct: float, alerts: int) -> None:
    told = story(
        DEFAULTS,
        report(0, fuel_pct=60, ignition=False, odometer_km=100),
        report(HOUR, fuel_pct=59),
        report(2 * HOUR, fuel_pct=pct),
    )
    assert [(span(alert), alert["peak"]) for alert in told.kept()] == [((HOUR, None), 10)] * alerts
    told.tell(report(3 * HOUR, ignition=True))
    assert [alert["status"] for alert in told.kept()] == ["closed"] * alerts


@pytest.mark.parametrize("between", [{"ignition": True}, {"odometer_km": 150}])
def test_fuel_that_is_driven_away_is_none(between: dict[str, Any]) -> None:
    told = story(
        DEFAULTS,
        report(0, fuel_pct=60, ignition=False, odometer_km=100),
        report(HOUR, **between),
        report(2 * HOUR, fuel_pct=40, ignition=False),
    )
    assert not told.kept()


# Disorder


def test_a_late_report_inside_the_horizon_takes_its_place() -> None:
    told = story(DEFAULTS, report(0, dtcs=[]), report(2 * HOUR, dtcs=["P0420"]))
    told.tell(report(HOUR, dtcs=["P0420"]))
    assert [span(alert) for alert in told.kept()] == [(HOUR, None)]
    told.tell(report(1.5 * HOUR, dtcs=[]))
    assert [span(alert) for alert in told.kept()] == [(HOUR, 1.5 * HOUR), (2 * HOUR, None)]


def test_a_repeat_changes_nothing() -> None:
    told = story(OIL, report(0, odometer_km=5_000), report(DAY, odometer_km=5_100, service_done="oil"))
    before = told.worker
    told.tell(report(DAY, odometer_km=5_100, service_done="oil"))
    assert told.worker == before


def test_service_history_is_remembered_longer_than_a_week() -> None:
    told = driven(5_000)
    told.end()
    assert told.worker is not None
    document = told.codec.write("van", told.worker, False).fields
    assert document is not None
    assert document["forget_at"] - document["expires_at"] == timedelta(days=800)
