"""The GPS line's rules together, through whole workers: rows, alerts, disorder, silence, and how big it all gets."""

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from functions.core.employment import employ, end
from functions.core.horizon import Arrival
from functions.core.profile import Profile
from functions.core.worker import WorkerCodec
from functions.lines import LINES
from tests.yard import Spot, Yard, at, degrees, driven, fixes, reading, spot

GPS = LINES["gps"]
PARKED = [spot(60 * n, speed_kph=0) for n in range(6)]
WAY = [spot(360 + 60 * n, 1000 * n + 500, speed_kph=60) for n in range(10)]
HALT = [spot(960 + 60 * n, 9500, speed_kph=0) for n in range(10)]


def profile(**settings: Any) -> Profile:
    return msgspec.json.decode(json.dumps(settings), type=Profile)


def circle(name: str, north_m: float, radius_m: float = 400, **more: Any) -> dict[str, Any]:
    latitude, longitude = degrees(north_m, 0)
    geometry = {"type": "Point", "coordinates": [longitude, latitude]}
    return {"type": "Feature", "geometry": geometry, "properties": {"id": name, "radius_m": radius_m, **more}}


def collection(*features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}


def positions(yard: Yard) -> list[dict[str, Any]]:
    return yard.made("positions")


def test_rows_of_positions_say_whether_it_moves_on_which_trip_and_in_which_fences() -> None:
    yard = driven([*PARKED, *WAY, *HALT], profile(geofences=collection(circle("half", 5000), circle("way", 5000, 900))))
    rows = positions(yard)
    assert [row["moving"] for row in rows] == [False] * 6 + [True] * 12 + [False] * 8
    assert {row["trip_id"] for row in rows if row["moving"]} == {reading(PARKED[-1]).key.hex()}
    assert [row["fences"] for row in rows[9:14]] == ["[]", '["way"]', '["way"]', '["way"]', "[]"]
    assert sum(row["distance_m"] for row in rows) == pytest.approx(9500, rel=1e-3)
    assert {row["quality"] for row in rows} == {"ok"}
    (trip,) = yard.close().made("trips")
    assert (trip["trip_id"], trip["started_at"]) == (reading(PARKED[-1]).key.hex(), at(300))


def test_a_fix_that_is_not_good_is_told_to_no_rule() -> None:
    limits = profile(speed_limit_kph=50, geofences=collection(circle("null", 0)))
    bad = [
        {"latitude": 0.0, "longitude": 0.0, "speed_kph": 90.0},
        {"latitude": 55.0, "longitude": 8.0, "speed_kph": 90.0},
        {"latitude": 50.0, "longitude": 8.0, "accuracy_m": 500.0, "speed_kph": 90.0},
        {"latitude": 50.0, "longitude": 8.0, "speed_kph": 410.3827},
    ]
    yard = Yard({"van": limits})
    yard.take("van", [reading(one) for one in PARKED], at(300))
    sent = [{"vehicle_id": "van", "event_time": at(310 + n).isoformat(), **one} for n, one in enumerate(bad)]
    rows = yard.take("van", [GPS.parse(one)[1] for one in sent], at(400))
    assert [row["quality"] for row in rows] == ["zero", "jump", "inaccurate", "speed_sentinel"]
    assert [row["distance_m"] for row in rows] == [None, None, None, 0]
    yard.close()
    assert (yard.made("events"), yard.alerts, yard.made("trips")) == ([], {}, [])


@pytest.mark.parametrize(
    ("settings", "limit_kph"),
    [
        ({"speed_limit_kph": 80}, 80),
        ({"speed_limit_kph": 80, "route": {"speed_limit_kph": 70}}, 70),
        ({"speed_limit_kph": 80, "route": {"speed_limit_kph": 70}, "geofences": 100}, 100),
        ({"speed_limit_kph": 80, "route": {}}, 80),
    ],
)
def test_the_limit_is_the_fences_else_the_routes_else_the_vehicles(settings: dict[str, Any], limit_kph: float) -> None:
    if "route" in settings:
        settings["route"]["polyline"] = [degrees(-1000, 0), degrees(100_000, 0)]
    if "geofences" in settings:
        settings["geofences"] = collection(circle("motorway", 0, 50_000, speed_limit_kph=100))
    fast = [spot(600 + 60 * n, 3600 * n, speed_kph=limit_kph + n) for n in range(2)]
    (alert,) = driven([*PARKED, *fast], profile(**settings)).alerts.values()
    assert alert["details"]["limit_kph"] == limit_kph
    assert alert["started_at"] == at(660)


def test_a_vehicle_that_falls_silent_on_its_trip_has_it_closed_by_the_end_of_its_contract() -> None:
    yard = Yard({"van": profile(speed_limit_kph=50)})
    for one in [*PARKED, *WAY]:
        yard.take("van", [reading(one)], at(one[0]))
    assert yard.made("trips") == []
    yard.close()
    (trip,) = yard.made("trips")
    assert (trip["started_at"], trip["ended_at"]) == (at(300), at(900))
    (event,) = yard.made("events")
    assert (event["kind"], event["ended_at"], event["outcome"]) == ("overspeed", at(900), "unknown")
    told = {row["kind"]: row for row in yard.alerts.values()}
    assert told["overspeed"]["status"] == "closed"
    assert told["overspeed"]["details"] == {"limit_kph": 50, "outcome": "unknown"}
    assert (told["offline"]["status"], told["offline"]["started_at"]) == ("open", at(900 + 900))
    yard.take("van", [reading(spot(9000, 9500, speed_kph=0))], at(9000))
    assert {row["status"] for row in yard.alerts.values()} == {"closed"}


def test_a_parked_vehicle_that_falls_silent_keeps_its_stop_and_ends_it_when_it_leaves() -> None:
    yard = Yard()
    for one in PARKED:
        yard.take("van", [reading(one)], at(one[0]))
    yard.close()
    assert yard.alerts == {}
    for one in WAY:
        yard.take("van", [reading((one[0] + 200_000, *one[1:]))], at(one[0] + 200_000))
    (stop,) = yard.close().made("stops")
    assert (stop["started_at"], stop["ended_at"]) == (at(0), at(300))


def test_a_late_backlog_is_history_and_raises_no_alert() -> None:
    limits = profile(speed_limit_kph=50, geofences=collection(circle("home", -50_000)))
    yard = Yard({"van": limits})
    now = 100_000.0
    calm = [spot(now + 60 * n, 0, speed_kph=0) for n in range(40)]
    for one in calm:
        yard.take("van", [reading(one)], at(one[0]))
    before = yard.workers["van"]
    backlog = [spot(60 * n, 1000 * n - 60_000, speed_kph=130) for n in range(100)]
    rows = yard.take("van", [reading(one) for one in backlog], at(now + 2500))
    assert {row["late"] for row in rows} == {True}
    assert {(row["moving"], row["trip_id"], row["fences"], row["distance_m"]) for row in rows} == {(None,) * 4}
    assert yard.workers["van"] is before
    assert (yard.alerts, yard.made("events"), yard.close().made("trips")) == ({}, [], [])


def test_a_late_fix_revises_what_was_told_and_one_that_annuls_it_withdraws() -> None:
    limits = profile(speed_limit_kph=50, speed_hold_s=60)
    fast = [spot(60 * n, 1000 * n, speed_kph=60 if n in (3, 5) else 40) for n in range(8)]
    without = [one for one in fast if one[0] != 240]
    yard = driven(without, limits)
    (alert,) = yard.alerts.values()
    assert (alert["status"], alert["started_at"]) == ("closed", at(180))
    yard.take("van", [reading(fast[4])], at(480))
    (alert,) = yard.alerts.values()
    assert (alert["status"], alert["version"]) == ("withdrawn", 3)
    assert yard.close().made("events") == []


def test_an_episode_is_one_alert_from_open_to_close() -> None:
    yard = driven([*PARKED, *WAY, *HALT], profile(speed_limit_kph=50))
    (alert,) = yard.alerts.values()
    assert (alert["kind"], alert["status"], alert["started_at"]) == ("overspeed", "closed", at(360))
    assert (alert["ended_at"], alert["peak"], yard.told) == (at(960), 60, 2)


def test_a_delivery_late_by_its_promise_is_one_alert_until_it_arrives() -> None:
    latitude, longitude = degrees(9500, 0)
    stop = {"id": "shop", "latitude": latitude, "longitude": longitude, "promised_at": at(-600).isoformat()}
    yard = driven([*PARKED, *WAY, *HALT], profile(stops=[stop]))
    (alert,) = yard.alerts.values()
    assert (alert["kind"], alert["subject"], alert["status"]) == ("delivery_delay", "shop", "closed")
    (arrival,) = yard.close().made("events")
    assert (arrival["kind"], arrival["stop_id"], arrival["late_s"]) == ("arrival", "shop", 1500)


def test_messages_of_any_size_and_repeats_of_any_number_make_the_same() -> None:
    spots = [*PARKED, *WAY, *HALT]
    limits = profile(speed_limit_kph=50, geofences=collection(circle("half", 5000)))
    expected = driven(spots, limits).close().outcome()
    for size in (2, 7, 26):
        assert driven(spots, limits, size).close().outcome() == expected
    repeated = driven([one for one in spots for _ in range(3)], limits, 5)
    repeated.take("van", [reading(one) for one in reversed(spots)], at(1500))
    assert repeated.close().outcome() == expected


def test_a_reading_gives_back_every_number_as_it_was_sent() -> None:
    for latitude, speed in ((50.1234567, 41.8429), (50.123456789012345, 1 / 3), (-0.0000001, 0.0), (90.0, 299.99)):
        sent = {"vehicle_id": "van", "event_time": at(0).isoformat(), "latitude": latitude, "longitude": -180.0}
        _, found = GPS.parse({**sent, "speed_kph": speed})
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=GPS.reading_type)
        assert (again.latitude, again.longitude, again.speed_kph) == (latitude, -180.0, speed)
        assert again == found


def everywhere(count: int) -> dict[str, Any]:
    """So many fences that all hold the whole way, with names as long as people give them."""
    return collection(*(circle(f"delivery area number {n:03}", 5000, 40_000) for n in range(count)))


def test_memory_is_small_and_bounded_also_inside_100_fences() -> None:
    codec = WorkerCodec(GPS)
    whole = [spot(n, 14 * n, 100 * (n // 100), speed_kph=50.4, ignition=True) for n in range(2500)]
    for settings, most in ((profile(speed_limit_kph=40), 14_000), (profile(geofences=everywhere(100)), 20_000)):
        yard = driven(whole, settings, size=25)
        assert len(codec.pack(yard.workers["van"])) < most
    minutely = driven([spot(60 * n, 1000 * n, speed_kph=60) for n in range(200)])
    assert len(codec.pack(minutely.workers["van"])) < 2200  # a trip of 200 km: its path is full


def test_the_end_is_the_same_whoever_notices_it() -> None:
    spots = [*PARKED, *WAY]
    worker = driven(spots, profile(speed_limit_kph=50)).workers["van"]
    ended = end(GPS, "van", worker, profile(speed_limit_kph=50))
    later = worker.contract.expires_at + timedelta(seconds=1)
    hired = employ(GPS, "van", worker, [Arrival(reading(spot(1800, 9000)), later)], profile(speed_limit_kph=50)).worker
    assert hired is not None
    known = [row for _, row in hired.unpublished if row.get("kind") != "offline"]
    assert known == [row for _, row in ended.unpublished if row.get("kind") != "offline"]


def test_a_jump_is_judged_from_the_last_good_fix_in_whatever_order_they_come() -> None:
    way: list[Spot] = [spot(0), spot(60, 500_000), spot(120, 1000), spot(180, 2000)]
    for order in ((0, 1, 2, 3), (3, 2, 1, 0), (1, 0, 3, 2)):
        yard = Yard()
        for number in order:
            yard.take("van", [reading(way[number])], at(400))
        assert yard.workers["van"].head.distance_m == pytest.approx(2000, rel=1e-4)
    assert len(fixes(way)) == 4
