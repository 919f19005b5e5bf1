"""Contracts: a worker is employed until `expires_at`; every new reading signs or renews."""

from datetime import datetime, timedelta

import msgspec


class Contract(msgspec.Struct, frozen=True, array_like=True):
    """Aware UTC times. `seen_at` is the newest publish time heard, which is what liveness is measured by."""

    hired_at: datetime
    seen_at: datetime
    expires_at: datetime


def signed(published_at: datetime, length_s: float) -> Contract:
    """A worker's first contract, or the one it gets when it is hired again."""
    return Contract(published_at, published_at, published_at + timedelta(seconds=length_s))


def renewed(contract: Contract, published_at: datetime, length_s: float) -> Contract:
    """The contract after a new reading. Messages come in any order: an older one never shortens it."""
    if published_at < contract.seen_at:
        return contract
    return Contract(contract.hired_at, published_at, published_at + timedelta(seconds=length_s))
