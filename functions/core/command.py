"""Commands: what an alert makes somebody do. One per alert that asks for one; ordered → acknowledged → done or refused.

`inspect` is done when the maintenance line hears of the vehicle's inspection, `reroute` when the deviation is over. An
alert that is withdrawn recalls its command.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from functions.core.alert import KEPT, AlertRecord
from functions.core.ids import digest
from functions.core.row import Row

COMMANDS = "commands"
"""The topic vehicles and workshops listen to, and the collection the commands stand in."""
INSPECT, REROUTE = "inspect", "reroute"
ORDERED, ACKNOWLEDGED, DONE, REFUSED, RECALLED = "ordered", "acknowledged", "done", "refused", "recalled"
OPEN = (ORDERED, ACKNOWLEDGED)
MOST_STEPS = 50

Text = Annotated[str, Meta(max_length=500)]


class Reply(msgspec.Struct, frozen=True):
    """What a vehicle or workshop answers, on topic replies."""

    command_id: Annotated[str, Meta(pattern=r"^[0-9a-f]{24}\Z", description="24 digits 0-9 or a-f")]
    state: Literal["acknowledged", "done", "refused"]
    by: Annotated[str, Meta(max_length=128)] = ""
    notes: Text = ""


class Step(msgspec.Struct, frozen=True):
    """One change of a command's state."""

    at: datetime
    state: str
    by: str
    notes: str = ""


def asked_for(alert: AlertRecord) -> str | None:
    """The command this alert asks for, if any."""
    command = alert.details.get("command")
    return command if command in (INSPECT, REROUTE) else None


def command_id(alert_id: str) -> str:
    return digest("command", alert_id).hex()


def command_path(known_id: str) -> str:
    return f"{COMMANDS}/{known_id}"


def ordered(alert: AlertRecord, now: datetime, there: Row | None) -> Row | None:
    """The command's document for an alert as it now stands: made, ended, recalled, or left as it is (None)."""
    command = asked_for(alert)
    if command is None:
        return None
    if there is not None:
        outcome = _outcome(alert, command)
        return _stepped(there, Step(now, *outcome), alert.ended_at) if outcome else None
    if alert.status == "withdrawn":
        return None
    made: Row = {
        "command_id": command_id(alert.alert_id),
        "command": command,
        "vehicle_id": alert.vehicle_id,
        "alert_id": alert.alert_id,
        "kind": alert.kind,
        "subject": alert.subject,
        "ordered_at": alert.started_at,
        "ended_at": None,
        "forget_at": None,
        "announced": "",
        **_taken_in([], Step(now, ORDERED, "fleetline")),
    }
    outcome = _outcome(alert, command)
    return {**made, **(_stepped(made, Step(now, *outcome), alert.ended_at) or {})} if outcome else made


def replied(reply: Reply, now: datetime, there: Row | None) -> Row | None:
    """The fields a reply changes; None when the command is over, or knows that already."""
    return _stepped(there, Step(now, reply.state, reply.by, reply.notes), now) if there else None


def announcement(command: Row) -> Row | None:
    """What has to be published of a command, if anything: that it is ordered, and that an order is recalled."""
    told, state = command["announced"], command["state"]
    if (state == ORDERED and not told) or (state == RECALLED and told == ORDERED):
        names = ("command_id", "command", "vehicle_id", "alert_id", "kind", "subject", "ordered_at", "state")
        return {name: command[name] for name in names}
    return None


def _outcome(alert: AlertRecord, command: str) -> tuple[str, str, str] | None:
    """(state, by, notes) that the alert itself gives its command."""
    if alert.status == "withdrawn":
        return RECALLED, "fleetline", "the alert was withdrawn"
    if command == INSPECT and (result := alert.details.get("inspection")):
        return DONE, "maintenance", str(result)
    if alert.status == "closed" and command == REROUTE:
        unknown = alert.details.get("outcome") == "unknown"
        return DONE, "fleetline", "nobody saw how it went on" if unknown else "back on the route"
    return None


def _stepped(there: Row, step: Step, ended_at: datetime | None) -> Row | None:
    """A command moves forward only: what is over stays as it is, and nothing is acknowledged twice."""
    if there["state"] not in OPEN or there["state"] == step.state:
        return None
    ended = step.state not in OPEN
    end = (ended_at or step.at) if ended else None
    return {**_taken_in(there["steps"], step), "ended_at": end, "forget_at": end + KEPT if end else None}


def _taken_in(steps: list[Row], step: Step) -> Row:
    return {"state": step.state, "steps": [*steps[: MOST_STEPS - 1], msgspec.structs.asdict(step)]}
