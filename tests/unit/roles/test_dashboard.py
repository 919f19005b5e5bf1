"""The dashboard: what it shows, what it costs, what it refuses, and what becomes of what people do."""

import gzip
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from functions.adapters.firestore import Firestore
from functions.core.alert import alert_path, read
from functions.core.fence import Feature, FenceProperties, Fences, PointShape
from functions.core.ports import Document, Message, Version, Write
from functions.core.profile import Profile
from functions.errors import Unavailable
from functions.lines import LINES
from functions.roles.dashboard import fleet
from functions.roles.dashboard.allowance import Allowance
from functions.roles.dashboard.desk import Desk as Handling
from functions.roles.dashboard.fleet import PAGE, Fleet
from functions.roles.dashboard.vehicle import Vehicles
from functions.roles.dashboard.web import Dashboard, Tiles
from functions.roles.director import Director
from functions.tally import Tally
from tests.desk import Desk, snapshot
from tests.memory import MemoryBus, MemoryProfiles, MemoryStore

START = datetime(2024, 5, 1, 12, tzinfo=UTC)
OSM = Tiles("https://tile.example.org/{z}/{x}/{y}.png", "© somebody")
HERE = {"sec-fetch-site": "same-origin"}
JSON = {"content-type": "application/json"}


class Control:
    """A dashboard over a store in memory, with directors and a notifier to fill it, and a clock to move."""

    def __init__(self, reads: int = 600, tiles: Tiles | None = OSM, **profiles: Profile) -> None:
        self.desk = Desk()
        self.store: MemoryStore = self.desk.store
        self.profiles = MemoryProfiles(profiles)
        self.second = 0.0
        self.fleet = Fleet(LINES, self.store, Allowance(reads * 2 // 3), self.clock)
        vehicles = Vehicles(LINES, self.store, self.profiles, Allowance(reads // 3), self.clock)
        self.dashboard = Dashboard(self.fleet, vehicles, Handling(self.store, self.clock), tiles)

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.second)

    async def publish(self, line: str, *events: dict[str, Any]) -> None:
        director = Director(LINES[line], self.store, MemoryBus(), self.profiles, Tally(lambda: 0.0))
        message = [{"vehicle_id": "van-1", "event_time": self.clock().isoformat(), **event} for event in events]
        await director.take(Message("m", json.dumps(message).encode(), self.clock()))

    def employ(self, vehicles: int) -> None:
        """So many vehicles with a gps worker each, without the work."""
        for number in range(vehicles):
            name = f"bus-{number:05d}"
            fields = {"line": "gps", "vehicle_id": name, "status": "active", "seen_at": self.clock(), "moving": True}
            fields["memory"] = b""
            path = f"vehicles/{name}/workers/gps"
            self.store.documents[path] = Document(path, fields, Version(1, 0))

    async def ask(
        self, path: str, body: object = None, method: str = "GET", headers: dict[str, str] | None = None
    ) -> Response:
        sent = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        said = {"host": "localhost", "content-length": str(len(sent)), **(headers or {})}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in said.items()],
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": sent, "more_body": False}

        return await self.dashboard.answer(Request(scope, receive))

    async def get(self, path: str) -> Any:
        return content(await self.ask(path))

    async def post(self, body: object, alert_id: str = "a1", headers: dict[str, str] | None = None) -> Response:
        return await self.ask(f"/api/alerts/{alert_id}", body, "POST", {**HERE, **JSON, **(headers or {})})

    async def reads_in(self, seconds: int, path: str = "/api/fleet") -> int:
        """Documents read while pages ask every second."""
        before = self.store.reads
        for _ in range(seconds):
            self.second += 1
            await self.ask(path)
        return self.store.reads - before


def content(response: Response) -> Any:
    body = bytes(response.body)
    return json.loads(gzip.decompress(body) if response.headers.get("content-encoding") == "gzip" else body)


async def test_the_snapshot_has_vehicles_their_alerts_and_how_the_lines_fare() -> None:
    control = Control()
    await control.publish("gps", {"latitude": 52.5, "longitude": 13.4, "speed_kph": 0})
    await control.publish("inventory", {"vehicle_id": "site-1", "sku": "vaccine", "quantity": 3})
    await control.desk.hear(snapshot(), snapshot(alert_id="a2"), snapshot(2, "closed", "a2", ended=1))
    sample = {"at": START, "workers": 1, "backlog": 7, "oldest_s": 2.5, "per_s": 3.0, "failed_share": 0.0}
    path = "history/gps"
    control.store.documents[path] = Document(path, {"line": "gps", "minutes": [sample, sample]}, Version(1, 0))
    found = await control.get("/api/fleet")
    site, van = found["vehicles"]
    assert (site["id"], site["state"], site["alerts"]) == ("site-1", "stopped", 0)
    assert (van["id"], van["state"], van["alerts"], van["severity"]) == ("van-1", "stopped", 1, "warning")
    assert (van["latitude"], van["looked_at"]) == (52.5, "2024-05-01T12:00:00Z")
    assert [(alert["alert_id"], alert["kind"], alert["severity"]) for alert in found["alerts"]] == [
        ("a1", "door_open", "warning")
    ]
    assert (found["lines"]["gps"]["backlog"], found["lines"]["gps"]["minutes"]) == (7, [3.0, 3.0])
    assert found["lines"]["temperature"] is None
    assert found["complete"]


async def test_one_vehicle_shows_its_workers_its_way_its_temperatures_and_its_places() -> None:
    fence = Feature(PointShape([13.4, 52.5]), FenceProperties("depot", radius_m=50))
    van = Profile(cargo_profile="pharma_2_8", geofences=Fences([fence]))
    control = Control(**{"van-1": van})
    way = [{"latitude": 52.5 + step / 1_000, "longitude": 13.4, "speed_kph": 40} for step in range(6)]
    lost = {"latitude": 0.0, "longitude": 0.0}
    times = [{"event_time": (START + timedelta(seconds=10 * step)).isoformat()} for step in range(-6, 1)]
    await control.publish("gps", *({**at, **fix} for at, fix in zip(times, [*way, lost], strict=True)))
    cold = [{**at, "temperature_c": 4.0 + step} for step, at in enumerate(times)]
    await control.publish("temperature", *cold, {"probe": "door", "temperature_c": 6.0})
    await control.desk.hear(snapshot())
    found = await control.get("/api/vehicles/van-1")
    assert set(found["workers"]) == {"gps", "temperature"}
    assert "memory" not in found["workers"]["gps"]
    assert found["trail"]["fixes"] == [[fix["latitude"], fix["longitude"]] for fix in way]
    assert found["trail"]["trip"][0] == [52.5, 13.4]
    assert [celsius for _, celsius in found["temperatures"]["main"]] == [4, 5, 6, 7, 8, 9, 10]
    assert [celsius for _, celsius in found["temperatures"]["door"]] == [6]
    assert found["limits"] == {"cargo": "pharma_2_8", "low_c": 2.0, "high_c": 8.0}
    assert [alert["alert_id"] for alert in found["alerts"]] == ["a1"]
    places = await control.get("/api/vehicles/van-1/places")
    assert places["geofences"]["features"][0]["geometry"] == {"type": "Point", "coordinates": [13.4, 52.5]}


async def test_a_memory_of_a_later_release_is_shown_by_its_face() -> None:
    control = Control()
    await control.publish("gps", {"latitude": 52.5, "longitude": 13.4})
    path = "vehicles/van-1/workers/gps"
    there = control.store.documents[path]
    control.store.documents[path] = there._replace(fields={**there.fields, "memory": b"\x92\x63\x90"})
    found = await control.get("/api/vehicles/van-1")
    assert (found["workers"]["gps"]["latitude"], found["trail"]["fixes"]) == (52.5, [])


async def test_no_page_no_reads_and_a_hundred_pages_read_as_much_as_one() -> None:
    control = Control()
    control.employ(20)
    assert control.store.reads == 0
    await control.get("/api/fleet")
    once = control.store.reads
    for _ in range(100):
        await control.get("/api/fleet")
    assert control.store.reads == once == 20 + 1 + len(LINES)


async def test_a_small_fleet_is_read_whole_every_few_seconds() -> None:
    control = Control()
    control.employ(20)
    await control.get("/api/fleet")
    control.second = 5
    path = "vehicles/bus-00003/workers/gps"
    control.store.documents[path].fields["moving"] = False
    found = await control.get("/api/fleet")
    assert [one["id"] for one in found["vehicles"] if one["state"] == "stopped"] == ["bus-00003"]
    assert found["looked_at"] == "2024-05-01T12:00:05Z"


@pytest.mark.parametrize("vehicles", [3, 60, 500, 3_000])
async def test_no_minute_costs_more_than_the_allowance_however_large_the_fleet(vehicles: int) -> None:
    control = Control(reads=600)
    control.employ(vehicles)
    await control.desk.hear(*[snapshot(alert_id=f"a{number}") for number in range(150)])
    control.store.reads = 0
    for _ in range(4):
        assert await control.reads_in(60) <= 400


async def test_a_new_alert_is_seen_within_ten_seconds_although_a_hundred_are_open() -> None:
    control = Control()
    await control.desk.hear(*[snapshot(alert_id=f"a{number}") for number in range(100)])
    await control.get("/api/fleet")
    await control.desk.hear(snapshot(alert_id="new"), minute=0.1)
    control.second = 10
    alerts = (await control.get("/api/fleet"))["alerts"]
    assert len(alerts) == 101
    assert "new" in {alert["alert_id"] for alert in alerts}


async def test_a_large_fleet_is_read_in_slices_each_with_its_age_and_none_is_forgotten() -> None:
    control = Control()
    control.employ(2 * PAGE + 50)
    first = await control.get("/api/fleet")
    assert len(first["vehicles"]) < 2 * PAGE + 50
    assert not first["complete"]
    await control.reads_in(180)
    found = await control.get("/api/fleet")
    assert found["complete"]
    assert len(found["vehicles"]) == 2 * PAGE + 50
    assert len({one["looked_at"] for one in found["vehicles"]}) > 1
    assert found["looked_at"] == min(one["looked_at"] for one in found["vehicles"])


async def test_pages_go_on_behind_the_last_document_in_the_real_firestore(
    firestore_host: str, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "PAGE", 2)
    store = Firestore(project, emulator=firestore_host)
    seen = {"status": "active", "seen_at": START}
    paths = [f"vehicles/van-{number}/workers/{line}" for number in range(3) for line in ("gps", "inventory")]
    for path in paths:
        _, vehicle_id, _, line = path.split("/")
        await store.write_one(Write(path, {**seen, "vehicle_id": vehicle_id, "line": line}))
    packed = await Fleet(LINES, store, Allowance(600), lambda: START).packed()
    found = json.loads(gzip.decompress(packed))["vehicles"]
    assert [(one["id"], set(one["lines"])) for one in found] == [
        (f"van-{number}", {"gps", "inventory"}) for number in range(3)
    ]
    await store.close()


async def test_what_a_whole_round_did_not_meet_is_gone() -> None:
    control = Control()
    control.employ(3)
    await control.get("/api/fleet")
    del control.store.documents["vehicles/bus-00001/workers/gps"]
    control.second = 10
    found = await control.get("/api/fleet")
    assert [one["id"] for one in found["vehicles"]] == ["bus-00000", "bus-00002"]


async def test_a_worker_that_was_forgotten_does_not_outlive_its_document() -> None:
    control = Control()
    await control.publish("gps", {"latitude": 52.5, "longitude": 13.4})
    await control.publish("temperature", {"temperature_c": 4.5})
    assert "temperature_c" in (await control.get("/api/fleet"))["vehicles"][0]
    del control.store.documents["vehicles/van-1/workers/temperature"]
    control.second = 10
    (van,) = (await control.get("/api/fleet"))["vehicles"]
    assert ("temperature_c" in van, van["lines"]) == (False, {"gps": "active"})


async def test_whoever_comes_back_after_a_while_sees_a_fleet_that_was_read_at_once() -> None:
    control = Control()
    control.employ(PAGE + 50)
    await control.get("/api/fleet")
    control.second = 3_600
    assert (await control.get("/api/fleet"))["looked_at"] == "2024-05-01T13:00:00Z"


async def test_looking_at_many_vehicles_is_bounded_and_says_when_it_is_too_much() -> None:
    control = Control(reads=600)
    control.employ(500)
    control.store.reads = 0
    answers = [await control.ask(f"/api/vehicles/bus-{number:05d}") for number in range(500)]
    assert control.store.reads <= 200
    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert "try again" in content(answers[-1])["error"]
    assert (await control.ask("/api/vehicles/bus-00000")).status_code == 200


async def test_without_firestore_it_shows_what_it_knows_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control()
    control.employ(2)
    await control.get("/api/fleet")

    async def away(*_: Any, **__: Any) -> Any:
        raise Unavailable("UNAVAILABLE")

    monkeypatch.setattr(control.store, "query", away)
    control.second = 30
    found = await control.get("/api/fleet")
    assert len(found["vehicles"]) == 2
    assert (found["trouble"], found["looked_at"]) == ("Firestore did not answer", "2024-05-01T12:00:00Z")
    assert (await control.ask("/api/vehicles/bus-00000")).status_code == 503
    monkeypatch.undo()
    control.second = 60
    assert (await control.get("/api/fleet"))["trouble"] == ""


async def test_what_people_do_is_in_the_alert_and_in_the_snapshot_at_once() -> None:
    control = Control()
    await control.desk.hear(snapshot())
    await control.get("/api/fleet")
    assert (await control.post({"do": "acknowledge", "by": "ann", "comment": "calling"})).status_code == 200
    assert (await control.get("/api/fleet"))["alerts"][0]["handling"]["acknowledged_by"] == "ann"
    assert (await control.post({"do": "snooze", "by": "bob", "minutes": 30})).status_code == 200
    done = await control.post({"do": "close", "by": "ann", "reason": "faulty sensor"})
    assert content(done)["handling"]["closed_by"] == "ann"
    alert = read(control.store.documents[alert_path("a1")].fields)
    assert [(change.by, change.did, change.why) for change in alert.handling.audit] == [
        ("ann", "acknowledged", "calling"),
        ("bob", "snoozed for 30 min", ""),
        ("ann", "closed", "faulty sensor"),
    ]
    assert (await control.get("/api/fleet"))["alerts"] == []
    late = await control.post({"do": "acknowledge", "by": "bob"})
    assert (late.status_code, content(late)["error"]) == (409, "ann closed it: faulty sensor")


ACK = {"do": "acknowledge", "by": "ann"}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (ACK, {"sec-fetch-site": "cross-site"}, 403),
        (ACK, {"sec-fetch-site": "same-site"}, 403),
        (ACK, {"content-type": "text/plain"}, 415),
        (ACK, {"content-type": "application/x-www-form-urlencoded"}, 415),
        (ACK, {"content-length": "1000000"}, 413),
        (b"{", {}, 400),
        ({"do": "delete", "by": "ann"}, {}, 400),
        ({"do": "acknowledge"}, {}, 400),
        ({"do": "acknowledge", "by": ""}, {}, 400),
        ({"do": "acknowledge", "by": "ann", "comment": "x" * 501}, {}, 400),
        ({"do": "snooze", "by": "ann", "minutes": 0}, {}, 400),
        ({"do": "close", "by": "ann", "reason": ""}, {}, 400),
        (b'{"do": "acknowledge", "by": "\\ud800"}', {}, 400),
    ],
)
async def test_what_is_not_from_the_page_or_makes_no_sense_changes_nothing(
    body: object, headers: dict[str, str], status: int
) -> None:
    control = Control()
    await control.desk.hear(snapshot())
    refused = await control.post(body, headers=headers)
    assert (refused.status_code, set(content(refused))) == (status, {"error"})
    assert control.desk.handling().audit == []


async def test_a_browser_that_does_not_say_where_it_is_must_show_the_same_origin() -> None:
    control = Control()
    await control.desk.hear(snapshot())
    for origin, status in (("http://elsewhere", 403), ("null", 403), ("http://localhost", 200)):
        answer = await control.ask("/api/alerts/a1", ACK, "POST", {**JSON, "origin": origin})
        assert answer.status_code == status


BOB = {"x-goog-authenticated-user-email": "accounts.google.com:bob@example.com"}


def token(**claims: Any) -> str:
    return f"Bearer e30.{urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.SIGNATURE_REMOVED"


@pytest.mark.parametrize(
    ("headers", "by"),
    [
        ({}, "typed"),
        ({"authorization": token(email="ann@example.com")}, "ann@example.com"),
        ({"authorization": token(sub="1")}, "typed"),
        ({"authorization": "Bearer opaque"}, "typed"),
        ({"authorization": "Bearer a.%%%.c"}, "typed"),
        (BOB, "bob@example.com"),
        ({**BOB, "authorization": token(email="agent@gcp-sa-iap.iam.gserviceaccount.com")}, "bob@example.com"),
        ({**BOB, "authorization": token(email="ann@example.com")}, "ann@example.com"),
        (
            {"authorization": token(email="forged"), "x-serverless-authorization": token(email="ann@example.com")},
            "ann@example.com",
        ),
    ],
)
async def test_whoever_signed_in_is_the_one_who_did_it(headers: dict[str, str], by: str) -> None:
    control = Control()
    await control.desk.hear(snapshot())
    await control.post({"do": "acknowledge", "by": "typed"}, headers=headers)
    assert control.desk.handling().acknowledged_by == by
    settings = content(await control.ask("/api/settings", headers=headers))
    assert settings["name"] == (None if by == "typed" else by)


@pytest.mark.parametrize(
    "path", ["/nothing", "/page/../web.py", "/leaflet/leaflet.js.map", "/api/vehicles/nobody", "/api/vehicles/a b"]
)
async def test_there_is_nothing_else_to_get(path: str) -> None:
    assert (await Control().ask(path)).status_code == 404


async def test_the_files_of_the_page_are_sent_once_and_run_nothing_from_elsewhere() -> None:
    control = Control()
    for path in ("/", "/leaflet/leaflet.js", "/leaflet/leaflet.css"):
        response = await control.ask(path)
        assert response.status_code == 200
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert policy.endswith("img-src 'self' data: https://tile.example.org")
        again = await control.ask(path, headers={"if-none-match": response.headers["etag"]})
        assert (again.status_code, again.body) == (304, b"")
    assert "example.org" not in (await Control(tiles=None).ask("/")).headers["content-security-policy"]


async def test_an_alert_that_is_not_there_cannot_be_handled() -> None:
    assert (await Control().post(ACK, "nowhere")).status_code == 404
    assert (await Control().ask("/api/fleet", ACK, "POST", {**HERE, **JSON})).status_code == 404
    assert (await Control().ask("/api/fleet", method="DELETE")).status_code == 405
