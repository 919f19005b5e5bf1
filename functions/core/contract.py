"""Contracts: a worker is employed until `expires_at`; every new reading signs or renews, silence ends."""

from datetime import datetime, timedelta

import msgspec

FORGET_AFTER = timedelta(days=7)
"""How long an ended worker is remembered: its watermark and event keys still tell a repeat from something new."""


class Contract(msgspec.Struct, frozen=True, array_like=True):
    """Aware UTC times. `seen_at` is the newest publish time heard, which is what liveness is measured by.

    `readings_before` and `totals_before` are the worker's counts when it was hired, so that a shift is a difference.
    """

    hired_at: datetime
    seen_at: datetime
    expires_at: datetime
    ended: bool
    readings_before: int
    totals_before: dict[str, float]

    @property
    def forget_at(self) -> datetime | None:
        """When an ended worker may be forgotten; None while it is employed."""
        return self.expires_at + FORGET_AFTER if self.ended else None


def signed(published_at: datetime, length_s: float, readings_before: int, totals_before: dict[str, float]) -> Contract:
    """The contract of a worker hired by a message of this time."""
    expires_at = published_at + timedelta(seconds=length_s)
    return Contract(published_at, published_at, expires_at, False, readings_before, totals_before)


def renewed(contract: Contract, published_at: datetime, length_s: float) -> Contract:
    """The contract after a new reading. Messages come in any order: an older one never shortens it."""
    if published_at < contract.seen_at:
        return contract
    expires_at = published_at + timedelta(seconds=length_s)
    return msgspec.structs.replace(contract, seen_at=published_at, expires_at=expires_at)
