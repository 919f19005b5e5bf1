"""The fixtures: a backend, and the official clients that speak to it, each test in a project of its own."""

import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.cloud import firestore, pubsub_v1
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

from .backends import STARTERS, Backend, Missing
from .speech import Documents, Plumbing

_projects = (f"conformance-{number}" for number in itertools.count(1))


@pytest.fixture(scope="session")
def running() -> Iterator[Callable[[str], Backend]]:
    """Starts a backend when the first test asks for it and keeps it for the session."""
    started: dict[str, Backend | str] = {}
    with ExitStack() as stack:

        def start(name: str) -> Backend:
            if name not in started:
                try:
                    started[name] = stack.enter_context(STARTERS[name]())
                except Missing as missing:
                    started[name] = str(missing)
            backend = started[name]
            if isinstance(backend, str):
                pytest.skip(backend)
            return backend

        yield start


@pytest.fixture(scope="session", params=["google", "embedded"])
def backend(request: pytest.FixtureRequest, running: Callable[[str], Backend]) -> Backend:
    return running(request.param)


@pytest.fixture
def project() -> str:
    return next(_projects)


@pytest.fixture(scope="session")
def publisher(backend: Backend) -> Iterator[pubsub_v1.PublisherClient]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PUBSUB_EMULATOR_HOST", backend.pubsub)
        client = pubsub_v1.PublisherClient()
    yield client
    client.transport.close()


@pytest.fixture(scope="session")
def subscriber(backend: Backend) -> Iterator[pubsub_v1.SubscriberClient]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PUBSUB_EMULATOR_HOST", backend.pubsub)
        client = pubsub_v1.SubscriberClient()
    with client:
        yield client


@pytest.fixture
def plumbing(publisher: pubsub_v1.PublisherClient, subscriber: pubsub_v1.SubscriberClient, project: str) -> Plumbing:
    """Topics and subscriptions of this test's project, in few words."""
    return Plumbing(publisher, subscriber, project)


@pytest.fixture
def database(backend: Backend, project: str) -> Iterator[firestore.Client]:
    """The client an application uses."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FIRESTORE_EMULATOR_HOST", backend.firestore)
        client = firestore.Client(project=project)
        _ = client._firestore_api
    yield client
    client.close()


@pytest.fixture(scope="session")
def firestore_rpc(backend: Backend) -> Iterator[FirestoreClient]:
    """The generated client: one method per RPC."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(backend.firestore, options=options) as channel:
        yield FirestoreClient(transport=FirestoreGrpcTransport(channel=channel))


@pytest.fixture
def documents(firestore_rpc: FirestoreClient, project: str) -> Documents:
    """Documents of this test's project, in few words."""
    return Documents(firestore_rpc, f"projects/{project}/databases/(default)")


@dataclass(frozen=True)
class Curl:
    """HTTP as curl sends it."""

    address: str

    def __call__(self, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the JSON of the answer."""
        status, answer = self._send(verb, path, None if body is None else json.dumps(body).encode())
        return status, json.loads(answer or b"null")

    def text(self, path: str) -> str:
        return self._send("GET", path)[1].decode()

    def status(self, path: str) -> int:
        return self._send("GET", path)[0]

    def _send(self, verb: str, path: str, content: bytes | None = None) -> tuple[int, bytes]:
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"http://{self.address}{path}", content, headers, method=verb)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


@pytest.fixture
def curl_pubsub(backend: Backend) -> Curl:
    return Curl(backend.pubsub)


@pytest.fixture
def curl_firestore(backend: Backend) -> Curl:
    return Curl(backend.firestore)
