"""What an inspector finds wrong with a worker, from its face alone: silent, stuck, or with its clock ahead."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from functions.core.alert import AlertRecord, Snapshot
from functions.core.episode import Episode, told
from functions.core.profile import Profile
from functions.core.row import Emission, Row

SILENT, STUCK, CLOCK_AHEAD, STALE = "silent", "stuck", "clock_ahead", "stale_episode"
KINDS = (SILENT, STUCK, CLOCK_AHEAD, STALE)
FACE = ("line", "vehicle_id", "status", "seen_at", "event_at", "expires_at", "moving", "position_at")
"""The fields of a worker that are looked at."""
SILENT_INTERVALS = 2.0
CONTRACT_INTERVALS = 4.0
"""Where a profile does not say how far apart readings are: a contract is meant for four of them."""
STUCK_AFTER = timedelta(minutes=10)
AHEAD = timedelta(seconds=60)
"""From five minutes on a reading is refused (`clock_ahead`), so a clock is reported before it gets there."""


def findings(face: Row, profile: Profile, until: datetime) -> Iterator[Episode]:
    """What is wrong with a worker as everything published until then has left it. A parked vehicle may be silent."""
    line, seen_at = face["line"], face["seen_at"]
    contract_s = (face["expires_at"] - seen_at).total_seconds()
    expected_s = profile.interval_for(line, contract_s / CONTRACT_INTERVALS)
    quiet_s = (until - seen_at).total_seconds()
    if quiet_s > SILENT_INTERVALS * expected_s and face.get("moving") is not False:
        yield Episode(SILENT, line, seen_at, None, None, {"expected_interval_s": expected_s})
    event_at, position_at = face.get("event_at"), face.get("position_at")
    if event_at and position_at and event_at - position_at > STUCK_AFTER:
        yield Episode(STUCK, line, position_at, None, None, {"says": "it is heard, but no position can be believed"})
    if event_at and event_at - seen_at > AHEAD:
        yield Episode(CLOCK_AHEAD, line, seen_at, None, round((event_at - seen_at).total_seconds(), 1))


def opened(episode: Episode, line: str, vehicle_id: str, now: datetime) -> Emission:
    """The first snapshot of a finding; finding it again makes the same one."""
    return told([], [episode], line, vehicle_id, now)[1][0]


def over(alert: AlertRecord, ended_at: datetime) -> Emission:
    """The snapshot that ends a finding. It never ends before it began."""
    end = max(ended_at, alert.started_at)
    names = Snapshot.__struct_fields__
    row: Row = {name: getattr(alert, name) for name in names}
    return "alerts", {**row, "version": alert.version + 1, "status": "closed", "ended_at": end, "event_at": end}


def is_stale(alert: AlertRecord, worker: Row | None) -> bool:
    """An open episode whose worker is gone: an ending closes what is open, so its last word was lost."""
    if alert.kind in ("offline", *KINDS) or not alert.vehicle_id:
        return False
    return worker is None or worker["status"] == "ended"
