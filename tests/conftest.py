"""What every test may use: a running backend, and a project nobody else has."""

import asyncio
import secrets
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from hypothesis import settings

from emulator import backends
from emulator.backends import BACKENDS, Backend
from emulator.errors import EmulatorError
from emulator.processes import Processes

T = TypeVar("T")

settings.register_profile("fleetline", deadline=None)  # machines are shared: a slow example is no failure
settings.load_profile("fleetline")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--backend", choices=BACKENDS, default="auto", help="what Pub/Sub and Firestore are tested against"
    )
    parser.addoption("--full", action="store_true", help="run tests marked full too: minutes, not seconds")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: takes minutes; runs with --full only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--full"):
        for item in items:
            if item.get_closest_marker("full"):
                item.add_marker(pytest.mark.skip(reason="takes minutes: run with --full"))


@pytest.fixture(scope="session", autouse=True)
def _state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither meet a plant of the person who runs them nor clear away their runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLEETLINE_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Pub/Sub and Firestore, started once for all tests; skips, saying why, where they cannot run."""
    processes = Processes(tmp_path_factory.mktemp("backend"), print)
    with _loop_of_its_own() as run:
        run(processes.__aenter__())
        try:
            started = run(backends.start(request.config.getoption("--backend"), processes, print))
        except EmulatorError as missing:
            pytest.skip(str(missing))
        else:
            yield started
        finally:
            run(processes.__aexit__(None, None, None))


@pytest.fixture
def pubsub_host(backend: Backend) -> str:
    """host:port, as PUBSUB_EMULATOR_HOST takes it."""
    return backend.pubsub


@pytest.fixture
def firestore_host(backend: Backend) -> str:
    """host:port, as FIRESTORE_EMULATOR_HOST takes it."""
    return backend.firestore


@pytest.fixture
def project() -> str:
    """A project that is empty, because nobody else has its name."""
    return f"test-{secrets.token_hex(6)}"


@contextmanager
def _loop_of_its_own() -> Iterator[Callable[[Coroutine[Any, Any, T]], T]]:
    """Run coroutines on a loop that outlives those of single tests: children belong to the loop that started them."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="backend")
    thread.start()
    try:
        yield lambda work: asyncio.run_coroutine_threadsafe(work, loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
