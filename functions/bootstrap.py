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
    from functions.roles.director import Director
    from functions.roles.driver import Driver
    from functions.roles.monitor import Monitor
    from functions.roles.notifier import Notifier
    from functions.roles.stevedore import Stevedore


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
    """Give the notifier one message of alerts; returns when each is recorded."""
    with _answered():
        await _notifier().take(opened(event, clock.now()))


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
def _monitor() -> "Monitor":
    from functions.adapters.backlog import CourierBacklog, MonitoredBacklog
    from functions.lines import LINES
    from functions.roles.monitor import Monitor

    url = _settings().backlog_url
    backlog = CourierBacklog(url) if url else MonitoredBacklog(_settings().project, clock.now)
    return Monitor(LINES.values(), _firestore(), _pubsub(), _profiles(), backlog, clock.now)


@cache
def _notifier() -> "Notifier":
    from functions.roles.notifier import Notifier

    return Notifier(_firestore())


@cache
def _stevedore() -> "Stevedore":
    from functions.roles.stevedore import Stevedore

    return Stevedore(_firestore())


@cache
def _driver() -> "Driver":
    from functions.adapters.bucket import Bucket
    from functions.roles.driver import Driver

    return Driver(_firestore(), Bucket(_settings().export_url), clock.now)
