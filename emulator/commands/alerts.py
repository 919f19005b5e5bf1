"""`alerts`: what is wrong, who was told and who sees to it; and acknowledge, snooze or close one."""

import argparse
import getpass
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial

from rich.table import Table

from emulator import addresses
from emulator.commands.state import clock, plain, shown
from emulator.errors import EmulatorError
from emulator.terminal import TEXT, WORD, Terminal, listing
from functions.adapters.clock import now
from functions.adapters.firestore import Firestore
from functions.core import handling
from functions.core.alert import AlertRecord, alert_path, handled, read
from functions.core.handling import Handling
from functions.core.letter import duration
from functions.core.plural import plural
from functions.core.ports import Where
from functions.core.revision import revise
from functions.errors import FleetlineError

MOST_SOUGHT = 1_000
"""Alerts among which the beginning of an id is looked up."""
SHORT = 8
COLUMNS = {
    "id": WORD,
    "severity": WORD,
    "kind": WORD,
    "vehicle": TEXT,
    "state": TEXT,
    "started, UTC": TEXT,
    "told": TEXT,
}


async def main(options: argparse.Namespace) -> int:
    plant = await addresses.asked(options)
    store = Firestore(plant.project, emulator=plant.firestore)
    try:
        return await (_change(store, options) if options.action else _list(store, options))
    except FleetlineError as error:
        raise EmulatorError(f"Firestore did not answer: {error}") from error
    finally:
        await store.close()


async def _list(store: Firestore, options: argparse.Namespace) -> int:
    asked = {"status": "open" if options.open else None, "kind": options.kind, "vehicle_id": options.vehicle}
    where: list[Where] = [(name, "==", value) for name, value in asked.items() if value is not None]
    found = await store.query("alerts", where, order_by=["-recorded_at"], limit=options.limit)
    alerts = [(document.fields, read(document.fields)) for document in found]
    if options.open:
        alerts = [(fields, alert) for fields, alert in alerts if alert.live]
    if options.json:
        print(json.dumps([fields for fields, _ in alerts], default=plain, indent=2))
    elif alerts:
        Terminal().show(_drawn([alert for _, alert in alerts], now()))
    else:
        Terminal().say(_nothing(options))
    return 0


async def _change(store: Firestore, options: argparse.Namespace) -> int:
    alert_id = await _found(store, options.id)
    at, by = now(), options.by or _you()
    changes: dict[str, Callable[[Handling], Handling]] = {
        "ack": lambda one: handling.acknowledged(one, by, at, options.comment),
        "snooze": lambda one: handling.snoozed(one, by, at, options.minutes, options.comment),
        "close": lambda one: handling.closed(one, by, at, options.reason),
    }
    try:
        await revise(store, {alert_path(alert_id): partial(handled, changes[options.action], at)})
    except handling.Settled as settled:
        raise EmulatorError(f"alert {alert_id[:SHORT]} stays as it is: {settled}") from None
    alert = read((await store.get([alert_path(alert_id)]))[alert_path(alert_id)].fields)
    print(f"{alert_id[:SHORT]} {alert.kind} {alert.vehicle_id}: {stands(alert, at)}")
    return 0


def _you() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may know no user
        raise EmulatorError("this machine does not know your name: say it with --by NAME") from None


async def _found(store: Firestore, beginning: str) -> str:
    recent = await store.query("alerts", order_by=["-recorded_at"], limit=MOST_SOUGHT, only=["alert_id"])
    ids = [one.fields["alert_id"] for one in recent if one.fields["alert_id"].startswith(beginning)]
    if len(ids) != 1:
        which = f"{len(ids)} alerts have ids that begin" if ids else "no alert has an id that begins"
        raise EmulatorError(f"{which} with {beginning}")
    return str(ids[0])


def _nothing(options: argparse.Namespace) -> str:
    """ "no open alerts of kind door_open of van-7", as was asked."""
    return (
        f"no {'open ' if options.open else ''}alerts"
        + (f" of kind {options.kind}" if options.kind else "")
        + (f" of {options.vehicle}" if options.vehicle else "")
    )


def _drawn(alerts: list[AlertRecord], at: datetime) -> Table:
    table = listing(f"{plural(len(alerts), 'alert')} at {at:%H:%M:%S} UTC", COLUMNS)
    for alert in alerts:
        table.add_row(
            alert.alert_id[:SHORT],
            alert.severity.name,
            alert.kind,
            " ".join(filter(None, (alert.vehicle_id, alert.subject))),
            stands(alert, at),
            clock(alert.started_at),
            _told(alert),
        )
    return table


def stands(alert: AlertRecord, at: datetime) -> str:
    """What a person sees as an alert's state: what somebody did about it counts before what its vehicle says."""
    people = _people(alert, at)
    if alert.status == "open" or alert.handling.closed_at is not None:
        return people or "open"
    lasted = f" after {duration((alert.ended_at - alert.started_at).total_seconds())}" if alert.ended_at else ""
    return ", ".join(filter(None, (alert.status + lasted, people)))


def _people(alert: AlertRecord, at: datetime) -> str:
    """What somebody did about it last, and why."""
    one = alert.handling
    if one.closed_at is not None:
        return _because(f"closed by {one.closed_by}", one.reason)
    if one.snoozed_until is not None and one.snoozed_until > at:
        return f"snoozed until {shown(one.snoozed_until)}"
    if one.acknowledged_at is not None:
        return _because(f"acknowledged by {one.acknowledged_by}", one.comment)
    return ""


def _because(did: str, why: str | None) -> str:
    return f"{did}: {why}" if why else did


def _told(alert: AlertRecord) -> str:
    """Receipts, those alike counted together: "opened → fleet-desk delivered"."""
    counts = Counter(
        f"{one.what} → {one.contact} {one.stands}" + (f" ({one.why})" if one.why else "") for one in alert.receipts
    )
    return "\n".join(counts) or "–"
