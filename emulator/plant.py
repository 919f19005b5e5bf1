"""The plant: backend, topics, one process per function instance, couriers and timekeepers, up and down as one thing."""

import json
import os
import secrets
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from emulator import backends, line_table, pubsub_admin, runs, telling
from emulator.backends import Backend
from emulator.background import Background
from emulator.cloud_event import Envelope
from emulator.courier import Courier
from emulator.errors import EmulatorError
from emulator.mail_sink import MailSink
from emulator.notice_board import NoticeBoard
from emulator.processes import Processes, Say
from emulator.profiles import read as read_profiles
from emulator.profiles import write as write_profiles
from emulator.publisher import Publisher
from emulator.staff import Hired, Staff
from emulator.timekeeper import Timekeeper
from functions.adapters.channel import open_channel
from functions.adapters.firestore import Firestore
from functions.adapters.pubsub import PubSub
from functions.core.plural import plural
from infra.plant import FUNCTIONS, TOPICS, Function, dead_letter_topic

TELLING = {"digest_every_s": 20, "storm_digest_s": 10, "retry_s": 2}
"""How people are told, with laptop-sized delays: nobody wants to wait a quarter of an hour for a digest."""
READS_PER_MINUTE = 6_000
"""What the dashboard may read: here it costs nothing."""


class Plant:
    """Everything up between `async with` and its end.

    `backend` is a name (auto, google, embedded) or one that runs already. Nothing of an earlier run is met: a backend
    that is started here is new, and one that is not is met under a project of this run's own. `only` names the
    functions that run where not all shall; without `deliver` they get neither messages nor calls. `instances` is how
    many of a function run side by side, `environment` what one function sees on top of the usual, `streams` how many
    StreamingPull streams feed each function (2,000 messages/s each; several overtake one another).
    """

    def __init__(
        self,
        backend: str | Backend = "auto",
        *,
        project: str | None = None,
        only: Collection[str] | None = None,
        deliver: bool = True,
        instances: Mapping[str, int] | None = None,
        environment: Mapping[str, Mapping[str, str]] | None = None,
        exports: Path | None = None,
        profiles: Path | None = None,
        streams: int = 2,
        say: Say = print,
    ) -> None:
        line_table.check()
        telling.check(os.environ)
        run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
        self.project = project or ("fleetline" if isinstance(backend, str) else f"fleetline-{secrets.token_hex(4)}")
        self.folder = runs.state_folder() / f"run-{run_id}"
        self.exports = (exports or self.folder / "exports").resolve()
        self.say = say
        self._profiles = read_profiles(profiles) if profiles else {}
        self.couriers: dict[str, Courier] = {}
        self.timekeepers: dict[str, Timekeeper] = {}
        self.listeners: list[Callable[[str], None]] = []
        self._choice = backend
        self._instances = dict(instances or {})
        self._environment = {name: dict(own) for name, own in (environment or {}).items()}
        self._streams = streams
        self._board = NoticeBoard(self.couriers, self.logs)
        self.mail = MailSink(self.folder / "mail")
        self._stack = AsyncExitStack()
        self._background = Background()
        self._functions = [function for function in FUNCTIONS if only is None or function.name in only]
        self._delivers = deliver
        unknown = {*self._instances, *self._environment, *(only or ())} - {function.name for function in FUNCTIONS}
        if unknown:
            raise EmulatorError(f"no such function: {', '.join(sorted(unknown))}")

    async def __aenter__(self) -> "Plant":
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def addresses(self) -> dict[str, Any]:
        """Where everything is, as `up` writes it."""
        return {
            "project": self.project,
            "pubsub": self.backend.pubsub,
            "firestore": self.backend.firestore,
            "dashboard": self._staff.urls().get("dashboard"),
            "functions": self._staff.urls(),
            "exports": str(self.exports),
            "backlog": self._board.url,
            "logs": str(self.logs),
            "mail": str(self.mail.folder),
        }

    def hired(self, name: str) -> Hired:
        """The first instance of a function."""
        return self._staff.hired(name)[0]

    def check(self) -> None:
        """Raise what a courier or timekeeper died of, if one did."""
        self._background.check()

    async def publish(self, line: str, *payloads: bytes) -> list[str]:
        """Publish messages to a line; their ids."""
        return await self.publisher.publish(line, payloads)

    def kill(self, name: str, index: int = 0) -> None:
        """kill -9 one instance of a function; it is started again, as Cloud Run would."""
        self._staff.kill(name, index)

    async def start_function(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        """Stop a function and start it again where it was, with these variables on top of its own."""
        await self._staff.restart(name, environment or {})

    async def stop_function(self, name: str) -> None:
        """Stop a function (SIGTERM, then SIGKILL); its messages wait."""
        await self._staff.stop(name)

    async def _start(self) -> None:
        _raise_file_limit()
        self._stack.enter_context(runs.begun(self.folder, self.exports, self.say))
        processes = await self._stack.enter_async_context(Processes(self.logs, self.say))
        started = self._choice if isinstance(self._choice, Backend) else None
        self.backend = started or await backends.start(str(self._choice), processes, self.say)
        self.say(f"logs: {self.logs}")
        await pubsub_admin.create(self.project, self.backend.pubsub, TOPICS, FUNCTIONS)
        self._open_clients()
        if self._profiles:
            await write_profiles(self.firestore, self._profiles)
            self.say(f"profiles: {plural(len(self._profiles), 'vehicle')}")
        await self._board.start()
        self._stack.push_async_callback(self._board.close)
        await self.mail.start()
        self._stack.push_async_callback(self.mail.close)
        self.say(f"mail: smtp://{self.mail.address}, kept in {self.mail.folder}")
        self._staff = Staff(processes, self._variables())
        self._stack.callback(self._staff.close)
        for function in self._functions:
            name = function.name
            await self._staff.hire(function, self._instances.get(name, 1), self._environment.get(name, {}))
        await self._staff.until_ready()
        if dashboard := self.addresses()["dashboard"]:
            self.say(f"dashboard: {dashboard}")
        urls = self._staff.urls()
        self.say("functions:\n" + "\n".join(f"  {name:{max(map(len, urls))}}  {url}" for name, url in urls.items()))
        self._stack.push_async_callback(self._background.close)
        for function in self._functions if self._delivers else ():
            self._send_courier(function)
            self._set_timekeeper(function)

    def _open_clients(self) -> None:
        self.publisher = Publisher(self.project, self.backend.pubsub)
        self.firestore = Firestore(self.project, emulator=self.backend.firestore)
        self._bus = PubSub(self.project, self.backend.pubsub)
        self._channel = open_channel("pubsub.googleapis.com:443", self.backend.pubsub)
        for client in (self.publisher, self.firestore, self._bus, self._channel):
            self._stack.push_async_callback(client.close)

    def _variables(self) -> dict[str, str]:
        return {
            "GOOGLE_CLOUD_PROJECT": self.project,
            "PUBSUB_EMULATOR_HOST": self.backend.pubsub,
            "FIRESTORE_EMULATOR_HOST": self.backend.firestore,
            "EXPORT_URL": str(self.exports),
            "BACKLOG_URL": self._board.url,
            "CONTACTS": os.environ.get("CONTACTS") or self.mail.contacts,
            "READS_PER_MINUTE": os.environ.get("READS_PER_MINUTE") or str(READS_PER_MINUTE),
            "TELLING": os.environ.get("TELLING") or json.dumps(TELLING),
        }

    def _send_courier(self, function: Function) -> None:
        topic = function.topic
        if topic is None:
            return
        subscription = pubsub_admin.subscription_name(self.project, topic)
        instances = self._staff.instances(function.name)
        courier = Courier(
            subscription,
            self._channel,
            Envelope(self.project, topic, subscription, counts_attempts=True),
            instances,
            most_in_flight=function.concurrency * len(instances),
            timeout_s=function.timeout_s,
            streams=self._streams,
            dead_letter=lambda data: self._bus.publish(dead_letter_topic(topic), [data]),
            answered=self._tell,
            say=self.say,
        )
        self.couriers[topic] = courier
        self._background.start(courier.run(), f"courier of {topic}")

    def _set_timekeeper(self, function: Function) -> None:
        if function.laptop_interval_s is None:
            return
        instance = self._staff.instances(function.name)[0]
        timekeeper = Timekeeper(function.name, instance, function.laptop_interval_s, function.timeout_s, self.say)
        self.timekeepers[function.name] = timekeeper
        self._background.start(timekeeper.run(), f"timekeeper of {function.name}")

    def _tell(self, message_id: str) -> None:
        for listener in self.listeners:
            listener(message_id)


def _raise_file_limit() -> None:
    """A courier holds a connection per request in flight, 500 a function: more files than macOS gives by default."""
    if os.name != "posix":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 10_000 if hard == resource.RLIM_INFINITY else min(hard, 10_000)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
