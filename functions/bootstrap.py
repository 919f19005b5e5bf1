"""Hires a role: gives it its adapters, once per process and inside the running event loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.exceptions import HTTPException

from functions import logs, settings
from functions.adapters import clock
from functions.adapters.envelope import opened
from functions.adapters.firestore import Firestore
from functions.adapters.profiles import ProfileShelf
from functions.adapters.pubsub import PubSub
from functions.core.reading import VehicleId
from functions.errors import FleetlineError, Overloaded
from functions.tally import Tally

if TYPE_CHECKING:
    from functions.adapters.backlog import CourierBacklog, MonitoredBacklog
    from functions.core.escalation import Policy
    from functions.roles.dashboard.web import Dashboard
    from functions.roles.director import Director
    from functions.roles.dispatcher import Dispatcher
    from functions.roles.driver import Driver
    from functions.roles.inspector import Inspector
    from functions.roles.monitor import Monitor
    from functions.roles.notifier import Notifier
    from functions.roles.stevedore import Stevedore
    from functions.roles.supervisor import Supervisor


class _Order(msgspec.Struct):
    """What a driver may be asked for besides exporting."""

    forget: VehicleId | None = None


async def direct(line: str, event: Any) -> None:
    """Give a line's director one message; returns when all of it is durable."""
    with _answered():
        await _director(line).take(opened(event, clock.now()))


async def stow(event: Any) -> None:
    """Give the stevedore one message of products; returns when they are in a crate."""
    with _answered():
        await _stevedore().take(opened(event, clock.now()))


async def notify(event: Any) -> None:
    """Give the notifier one message of alerts, and the dispatcher those that ask for a command; returns when each is
    recorded and told."""
    with _answered():
        await _dispatcher().order(await _notifier().take(opened(event, clock.now())))


async def dispatch(event: Any) -> None:
    """Give the dispatcher one message of replies; returns when each is in its command."""
    with _answered():
        await _dispatcher().take(opened(event, clock.now()))


async def remind() -> dict[str, Any]:
    """Have the notifier and the dispatcher do what only time brings."""
    return {**await _notifier().run(), **await _dispatcher().run()}


async def inspect() -> dict[str, Any]:
    """Have the inspector look at the next slice of the roster."""
    return await _inspector().run()


async def supervise() -> dict[str, Any]:
    """Have the supervisor look at all lines."""
    return await _supervisor().run()


async def watch() -> dict[str, Any]:
    """Have the monitor end the contracts that ran out."""
    return await _monitor().run()


async def drive(request: Any) -> dict[str, Any]:
    """Have the driver export what is in the warehouse; asked with {"forget": vehicle_id}, erase that vehicle."""
    try:
        vehicle_id = msgspec.json.decode(await request.body() or b"{}", type=_Order).forget
    except msgspec.MsgspecError as error:
        raise HTTPException(400, str(error)) from None
    return await _driver().forget(vehicle_id) if vehicle_id else await _driver().run()


async def show(request: Any) -> Any:
    """Give the dashboard one request; returns the response."""
    return await _dashboard().answer(request)


@contextmanager
def _answered() -> Iterator[None]:
    """What went wrong as a status: 429 when there is too much at once, 500 when it must be delivered again. The role
    has logged why; a fault of the code rises, and is logged with its trace."""
    try:
        yield
    except Overloaded as error:
        raise HTTPException(429, str(error)) from None
    except FleetlineError as error:
        raise HTTPException(500, str(error)) from None


@cache
def _settings() -> settings.Settings:
    found = settings.from_environment()
    logs.configure(found.role, found.project, found.log_level)
    return found


@cache
def _tally() -> Tally:
    tally = Tally(clock.monotonic_s)
    tally.log_at_end()
    return tally


@cache
def _firestore() -> Firestore:
    return Firestore(_settings().project, _settings().database, _settings().firestore_emulator, _tally())


@cache
def _pubsub() -> PubSub:
    return PubSub(_settings().project, _settings().pubsub_emulator)


@cache
def _profiles() -> ProfileShelf:
    return ProfileShelf(_firestore(), clock.now)


@cache
def _director(line: str) -> "Director[Any, Any]":
    from functions.lines import LINES
    from functions.roles.director import Director

    return Director(LINES[line], _firestore(), _pubsub(), _profiles(), _tally())


@cache
def _backlog() -> "CourierBacklog | MonitoredBacklog":
    from functions.adapters.backlog import CourierBacklog, MonitoredBacklog

    url = _settings().backlog_url
    return CourierBacklog(url) if url else MonitoredBacklog(_settings().project, clock.now)


@cache
def _monitor() -> "Monitor":
    from functions.lines import LINES
    from functions.roles.monitor import Monitor

    return Monitor(LINES.values(), _firestore(), _pubsub(), _profiles(), _backlog(), clock.now)


@cache
def _inspector() -> "Inspector":
    from functions.lines import LINES
    from functions.roles.inspector import Inspector

    return Inspector(LINES, _firestore(), _pubsub(), _profiles(), _backlog(), clock.now)


@cache
def _supervisor() -> "Supervisor":
    from functions.lines import LINES
    from functions.roles.supervisor import Supervisor

    return Supervisor(LINES, _firestore(), _pubsub(), _backlog(), clock.now)


@cache
def _policy() -> "Policy":
    from functions.core.escalation import Policy

    return msgspec.json.decode(_settings().telling, type=Policy)


@cache
def _notifier() -> "Notifier":
    from functions.adapters.channels import Channels
    from functions.core.contact import AddressBook
    from functions.roles.notifier import Notifier

    book = msgspec.json.decode(_settings().contacts, type=AddressBook)
    return Notifier(_firestore(), _profiles(), book, Channels(), clock.now, _policy())


@cache
def _dispatcher() -> "Dispatcher":
    from functions.roles.dispatcher import Dispatcher

    return Dispatcher(_firestore(), _pubsub(), clock.now, _policy().notify_within_s)


@cache
def _stevedore() -> "Stevedore":
    from functions.roles.stevedore import Stevedore

    return Stevedore(_firestore())


@cache
def _driver() -> "Driver":
    from functions.adapters.bucket import Bucket
    from functions.roles.driver import Driver

    return Driver(_firestore(), Bucket(_settings().export_url), clock.now)


@cache
def _dashboard() -> "Dashboard":
    from functions.lines import LINES
    from functions.roles.dashboard.allowance import Allowance
    from functions.roles.dashboard.desk import Desk
    from functions.roles.dashboard.fleet import Fleet
    from functions.roles.dashboard.vehicle import Vehicles
    from functions.roles.dashboard.web import Dashboard, Tiles

    reads = _settings().reads_per_minute
    fleet = Fleet(LINES, _firestore(), Allowance(reads * 2 // 3), clock.now)
    vehicles = Vehicles(LINES, _firestore(), _profiles(), Allowance(reads // 3), clock.now)
    url = _settings().tiles_url
    tiles = Tiles(url, _settings().tiles_attribution) if url else None
    return Dashboard(fleet, vehicles, Desk(_firestore(), clock.now), tiles)
