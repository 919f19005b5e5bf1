"""The emulator as people and tests use it: commands as processes, functions that fail, die and come back."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from google.pubsub_v1 import types

from emulator import pubsub_admin
from emulator.backends import Backend
from emulator.errors import EmulatorError
from emulator.plant import Plant
from emulator.ports import HOST, free_port
from emulator.staff import ROOT
from functions.adapters.channel import unary
from functions.adapters.pubsub import MOST_MESSAGE_BYTES
from infra.plant import dead_letter_topic

COMMAND = [sys.executable, "-m", "emulator"]


def event(number: int, vehicle_id: str = "van-1") -> bytes:
    at = f"2025-01-06T08:{number // 60:02}:{number % 60:02}Z"
    return json.dumps({"vehicle_id": vehicle_id, "event_time": at, "latitude": 1.0, "longitude": 2.0}).encode()


async def until(condition: Callable[[], bool], limit_s: float = 60) -> None:
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 it lives in another process
            await asyncio.sleep(0.05)


async def answered(plant: Plant, messages: int) -> None:
    await until(lambda: plant.couriers["gps"].counts.acked >= messages)


def processes_of(exports: Path) -> list[int]:
    """Functions of a plant with these exports that are still there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(exports).encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("backend_name", ["google", "embedded"])
def test_a_demo_ends_by_itself_with_its_books_in_order(backend_name: str, tmp_path: Path) -> None:
    report, exports = tmp_path / "r.json", tmp_path / "exports"
    options = ["demo", "--seconds", "8", "--backend", backend_name, "--report", str(report), "--exports", str(exports)]
    run = subprocess.run([*COMMAND, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    if "the Google Cloud SDK is not here" in run.stderr or "need Java" in run.stderr:
        pytest.skip(run.stderr)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.startswith(f"backend: {backend_name}")
    found = json.loads(report.read_text())
    assert (found["lost"], found["duplicated"]) == (0, 0)
    assert found["published"] == found["committed"] + found["quarantined"]
    assert found["exported"]["positions"] > 300
    assert found["roster"]["gps"] > 40
    assert found["firestore"]["writes"] > 0
    assert all(Path(path).is_file() for path in found["export_files"])
    assert processes_of(exports) == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
async def test_whatever_ends_it_leaves_no_process_behind(number: signal.Signals, status: int, tmp_path: Path) -> None:
    addresses, exports = tmp_path / "addresses.json", tmp_path / "exports"
    options = ["up", "--quiet", "--backend", "embedded", "--addresses", str(addresses), "--exports", str(exports)]
    parent = await asyncio.create_subprocess_exec(*COMMAND, *options, cwd=ROOT)
    await until(addresses.exists)
    assert set(json.loads(addresses.read_text())) >= {"project", "pubsub", "firestore", "dashboard", "functions"}
    assert len(processes_of(exports)) > 2
    parent.send_signal(number)
    assert await parent.wait() == status
    await until(lambda: processes_of(exports) == [], 15)


async def test_an_event_published_to_a_running_plant_shows_in_its_state(tmp_path: Path) -> None:
    addresses = tmp_path / "addresses.json"
    options = ["up", "--quiet", "--backend", "embedded", "--addresses", str(addresses)]
    parent = await asyncio.create_subprocess_exec(*COMMAND, *options, cwd=ROOT)
    try:
        await until(addresses.exists)
        published = await _said("publish", "gps", event(1).decode(), "--addresses", str(addresses))
        assert published.startswith("published message")
        await asyncio.sleep(2)
        state = json.loads(await _said("state", "van-1", "--json", "--addresses", str(addresses)))
        assert state["gps"]["readings"] == 1
        assert "van-1" in await _said("roster", "--addresses", str(addresses))
    finally:
        parent.terminate()
        await parent.wait()


async def _said(*arguments: str) -> str:
    command = [*COMMAND, *arguments]
    run = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    out, _ = await run.communicate()
    assert run.returncode == 0
    return out.decode()


async def test_deliveries_are_spread_over_instances_and_survive_the_death_of_one(backend: Backend) -> None:
    async with Plant(backend, only=["gps"], instances={"gps": 2}, say=lambda _: None) as plant:
        for number in range(20):
            await plant.publish("gps", *(event(number, f"van-{vehicle}") for vehicle in range(10)))
        await answered(plant, 200)
        await plant.start_function("gps")  # told to end, each instance logs its totals
        assert all("folded" in (plant.logs / f"{name}.log").read_text() for name in ("gps", "gps-2"))
        for number in range(20, 40):
            await plant.publish("gps", *(event(number, f"van-{vehicle}") for vehicle in range(10)))
            if number == 25:
                plant.kill("gps", 1)
        await answered(plant, 400)
        workers = await plant.firestore.query("workers", everywhere=True, only=["readings"])
        assert {worker.path: worker.fields["readings"] for worker in workers} == {
            f"vehicles/van-{vehicle}/workers/gps": 40 for vehicle in range(10)
        }


async def test_messages_wait_for_a_function_that_is_down_without_using_up_their_attempts(backend: Backend) -> None:
    async with Plant(backend, only=["gps"], say=lambda _: None) as plant:
        await plant.stop_function("gps")
        await plant.publish("gps", *(event(number) for number in range(20)))
        await until(lambda: len(plant.couriers["gps"].counts.unanswered) == 20)
        await asyncio.sleep(1)
        assert plant.couriers["gps"].counts.nacked == 0
        assert plant.couriers["gps"].counts.oldest_unanswered_s() > 1
        await plant.start_function("gps")
        await answered(plant, 20)
        assert plant.couriers["gps"].counts.delivered == 20


async def test_messages_a_function_cannot_take_come_again_until_it_can(backend: Backend) -> None:
    async with Plant(backend, only=["gps"], say=lambda _: None) as plant:
        await plant.start_function("gps", {"FIRESTORE_EMULATOR_HOST": f"{HOST}:{free_port()}"})
        await plant.publish("gps", *(event(number) for number in range(5)))
        await until(lambda: plant.couriers["gps"].counts.nacked >= 10)
        await plant.start_function("gps", {"FIRESTORE_EMULATOR_HOST": backend.firestore})
        await answered(plant, 5)
        assert not plant.couriers["gps"].counts.unanswered


async def test_what_nobody_can_take_ends_among_the_dead_letters(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubsub_admin, "DEAD_LETTER_ATTEMPTS", 5)
    async with Plant(backend, only=["gps"], say=lambda _: None) as plant:
        await plant.start_function("gps", {"FIRESTORE_EMULATOR_HOST": f"{HOST}:{free_port()}"})
        async with DeadLetters(plant) as dead:
            await plant.publish("gps", event(1))
            assert await dead.next() == event(1)
        assert plant.couriers["gps"].counts.nacked >= 5


async def test_a_message_too_large_for_eventarc_is_refused_and_never_delivered(backend: Backend) -> None:
    large = b'"' + b"x" * MOST_MESSAGE_BYTES + b'"'
    async with Plant(backend, only=["gps"], say=lambda _: None) as plant, DeadLetters(plant) as dead:
        with pytest.raises(EmulatorError, match="at most 512,000"):
            await plant.publish("gps", large)
        await dead.publish("gps", large)  # as a publisher that knows no limits would
        assert await dead.next() == large
        assert "gps" not in (plant.logs / "gps.log").read_text()


class DeadLetters:
    """A subscription to the dead letters of gps, and a publisher without our publisher's checks."""

    def __init__(self, plant: Plant) -> None:
        self._project = plant.project
        self._host = plant.backend.pubsub

    async def __aenter__(self) -> "DeadLetters":
        options = [(f"grpc.max_{way}_message_length", -1) for way in ("send", "receive")]
        self._channel = grpc.aio.insecure_channel(self._host, options=options)
        topic = f"projects/{self._project}/topics/{dead_letter_topic('gps')}"
        self._name = f"projects/{self._project}/subscriptions/dead"
        subscription: Any = types.Subscription.pb()
        create = unary(self._channel, "/google.pubsub.v1.Subscriber/CreateSubscription", subscription)
        await create(subscription(name=self._name, topic=topic), timeout=10)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    async def publish(self, topic: str, payload: bytes) -> None:
        request: Any = types.PublishRequest.pb()
        publish = unary(self._channel, "/google.pubsub.v1.Publisher/Publish", types.PublishResponse.pb())
        message = {"topic": f"projects/{self._project}/topics/{topic}", "messages": [{"data": payload}]}
        await publish(request(**message), timeout=10)

    async def next(self) -> bytes:
        """The next dead letter."""
        request: Any = types.PullRequest.pb()
        pull = unary(self._channel, "/google.pubsub.v1.Subscriber/Pull", types.PullResponse.pb())
        for _ in range(30):
            try:
                reply = await pull(request(subscription=self._name, max_messages=1), timeout=2)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED:
                    raise
                continue
            if reply.received_messages:
                payload: bytes = reply.received_messages[0].message.data
                return payload
        raise AssertionError("no dead letter came")
