"""Profiles as people write them into `vehicles/{vehicle_id}`, kept in memory until somebody says they have changed."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from functions.core.ports import Clock, Document, Known, Store, Version
from functions.core.profile import DEFAULTS
from functions.core.profile_fields import profile_of
from functions.errors import Malformed

SETTINGS = "fleet/settings"
"""Its `profiles_version` is raised by whoever writes a profile: loader, dashboard, or a person by hand."""
LOOK_EVERY = timedelta(seconds=30)
KEEP = timedelta(hours=1)
MOST_HELD = 20_000

_log = logging.getLogger(__name__)


class _Kept(NamedTuple):
    known: Known
    read_at: datetime
    edition: object


class ProfileShelf:
    """Profiles of vehicles; one read of the settings every 30 s, one of each profile an hour and after a change."""

    def __init__(self, store: Store, now: Clock) -> None:
        self._store = store
        self._now = now
        self._kept: dict[str, _Kept] = {}
        self._edition: object = None
        self._looked_at: datetime | None = None
        self._reported: dict[str, Version] = {}

    async def of(self, vehicle_ids: Sequence[str]) -> dict[str, Known]:
        """The profile of each vehicle; the defaults where there is none, or none that can be read."""
        now = self._now()
        await self._look(now)
        stale = [vehicle_id for vehicle_id in vehicle_ids if not self._fresh(vehicle_id, now)]
        if stale:
            found = await self._store.get([f"vehicles/{vehicle_id}" for vehicle_id in stale])
            for vehicle_id in stale:
                document = found.get(f"vehicles/{vehicle_id}")
                self._kept.pop(vehicle_id, None)
                self._kept[vehicle_id] = _Kept(self._read(vehicle_id, document), now, self._edition)
        known = {vehicle_id: self._kept[vehicle_id].known for vehicle_id in vehicle_ids}
        while len(self._kept) > MOST_HELD:
            del self._kept[next(iter(self._kept))]
        return known

    async def _look(self, now: datetime) -> None:
        if self._looked_at is not None and now - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = now
        settings = (await self._store.get([SETTINGS], only=["profiles_version"])).get(SETTINGS)
        self._edition = settings.fields.get("profiles_version") if settings else None

    def _fresh(self, vehicle_id: str, now: datetime) -> bool:
        kept = self._kept.get(vehicle_id)
        return kept is not None and kept.edition == self._edition and now - kept.read_at < KEEP

    def _read(self, vehicle_id: str, document: Document | None) -> Known:
        if document is None:
            return Known(DEFAULTS, exists=False)
        try:
            return Known(profile_of(document.fields), exists=True)
        except Malformed as error:
            if self._reported.get(vehicle_id) != document.version:
                _log.warning("profile not used, the defaults hold: %s", error, extra={"vehicle_id": vehicle_id})
                self._reported[vehicle_id] = document.version
            return Known(DEFAULTS, exists=True)
