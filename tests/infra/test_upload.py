"""What was uploaded, unpacked somewhere else and run as Google runs it: functions-framework, one process a function."""

import base64
import http.server
import io
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import venv
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emulator import pubsub_admin
from emulator.backends import Backend
from emulator.cloud_event import Envelope
from emulator.ports import free_port
from functions.adapters.pubsub import PubSub
from infra import plant
from infra.records import Function
from tests.infra.story import Story

STARTED_S = 60.0
EVENT = {"vehicle_id": "van-1", "event_time": "2026-01-01T00:00:00Z"}
PAYLOADS: Mapping[str, Any] = {
    "gps": {**EVENT, "latitude": 52.5, "longitude": 13.4},
    "temperature": {**EVENT, "temperature_c": 4.5},
    "maintenance": {**EVENT, "battery_v": 12.5},
    "inventory": {**EVENT, "sku": "milk", "quantity": 3},
    "transportation": [{**EVENT, "pclass": "positions", "product_id": "p", "event_id": "e"}],
}
"""A message for each topic; the others get one that their role has nothing to do about."""


@pytest.fixture(scope="package")
def unpacked(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("upload")
    zipfile.ZipFile(io.BytesIO(story.cloud.uploads[-1])).extractall(folder)
    return folder


@pytest.fixture(scope="package")
def clean_python(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with what requirements.txt names, and nothing else."""
    folder = tmp_path_factory.mktemp("clean") / "env"
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    install = [python, "-m", "pip", "install", "--quiet", "--requirement", unpacked / "requirements.txt"]
    subprocess.run(install, check=True)
    return python


@contextmanager
def board() -> Iterator[str]:
    """Says that no line is behind, as the courier of the laptop does."""

    class Nothing(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class names it so
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nothing)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def running(python: Path, source: Path, function: Function, environment: Mapping[str, str]) -> Iterator[str]:
    """One instance of a function, as the buildpack starts it; its address."""
    port, kind = free_port(), "cloudevent" if function.topic else "http"
    command = [python, "-m", "functions_framework", "--source", "main.py", "--target", function.name]
    command += ["--signature-type", kind, "--host", "127.0.0.1", "--port", str(port)]
    # exactly what an instance sees: nothing of this process's environment but where programs are
    variables = {"PATH": os.environ["PATH"], "FUNCTION_TARGET": function.name, "WORKERS": "1", **environment}
    with (source / f"{function.name}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=source, env=variables, stdout=log, stderr=log)
        try:
            _until_answering(process, port, source / f"{function.name}.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def _until_answering(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline_s = time.monotonic() + STARTED_S
    while time.monotonic() < deadline_s:
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/robots.txt", timeout=5).close()
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"no answer after {STARTED_S} s: {log.read_text()}")


def deliver(url: str, topic: str, project: str, message: Mapping[str, str]) -> int:
    """A message as Eventarc posts it; the status."""
    subscription = pubsub_admin.subscription_name(project, topic)
    envelope = Envelope(project, topic, subscription, counts_attempts=True)
    lines = envelope.headers(message["messageId"], message["publishTime"]).decode().splitlines()
    headers = dict(line.split(": ", 1) for line in lines)
    body = json.dumps({"deliveryAttempt": 1, "message": message, "subscription": subscription}).encode()
    return post(url + envelope.path.decode(), body, headers)


def get(url: str) -> int:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return int(answer.status)


def post(url: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> int:
    request = urllib.request.Request(url, body, dict(headers or {}), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


async def pulled(backend: Backend, project: str, topic: str, payload: Any) -> dict[str, str]:
    """Publish a message and take it off the subscription of the function it triggers."""
    bus = PubSub(project, backend.pubsub)
    try:
        await bus.publish(topic, [json.dumps(payload).encode()])
    finally:
        await bus.close()
    message = taken(backend, pubsub_admin.subscription_name(project, topic))
    assert base64.b64decode(message["data"]) == json.dumps(payload).encode()
    return message


def taken(backend: Backend, subscription: str) -> dict[str, str]:
    """The next message of a subscription, over REST."""
    where, body = f"http://{backend.pubsub}/v1/{subscription}:pull", b'{"maxMessages": 1}'
    request = urllib.request.Request(where, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        message = json.load(answer)["receivedMessages"][0]["message"]
    return {name: message[name] for name in ("messageId", "publishTime", "data")}


def stored(backend: Backend, project: str, path: str) -> Any:
    """The fields of a document, over REST."""
    documents = f"http://{backend.firestore}/v1/projects/{project}/databases/(default)/documents"
    with urllib.request.urlopen(f"{documents}/{path}", timeout=10) as answer:
        return json.load(answer)["fields"]


def variables(backend: Backend, project: str, exports: Path, backlog: str) -> dict[str, str]:
    return {
        "GOOGLE_CLOUD_PROJECT": project,
        "PUBSUB_EMULATOR_HOST": backend.pubsub,
        "FIRESTORE_EMULATOR_HOST": backend.firestore,
        "EXPORT_URL": str(exports),
        "BACKLOG_URL": backlog,
    }


async def test_the_uploaded_line_takes_an_event_and_answers_when_it_is_stored(
    unpacked: Path, backend: Backend, project: str, tmp_path: Path
) -> None:
    gps = next(one for one in plant.FUNCTIONS if one.name == "gps")
    await pubsub_admin.create(project, backend.pubsub, plant.TOPICS, plant.FUNCTIONS)
    message = await pulled(backend, project, "gps", PAYLOADS["gps"])
    with running(Path(sys.executable), unpacked, gps, variables(backend, project, tmp_path, "")) as url:
        assert deliver(url, "gps", project, message) == 200
    assert stored(backend, project, "vehicles/van-1/workers/gps")["readings"] == {"integerValue": "1"}


@pytest.mark.full
@pytest.mark.parametrize("function", plant.FUNCTIONS, ids=lambda function: function.name)
async def test_every_uploaded_function_works_with_its_own_requirements_alone(
    function: Function, unpacked: Path, clean_python: Path, backend: Backend, project: str, tmp_path: Path
) -> None:
    await pubsub_admin.create(project, backend.pubsub, plant.TOPICS, plant.FUNCTIONS)
    with board() as url_of_backlog:
        environment = variables(backend, project, tmp_path / "exports", url_of_backlog)
        with running(clean_python, unpacked, function, environment) as url:
            if function.callers == "members":
                assert [get(url + path) for path in ("/", "/leaflet/leaflet.js", "/api/fleet")] == [200, 200, 200]
            elif function.topic is None:
                assert post(url) == 200
            else:
                payload = PAYLOADS.get(function.topic, {"started": datetime.now(UTC).isoformat()})
                message = await pulled(backend, project, function.topic, payload)
                assert deliver(url, function.topic, project, message) == 200
