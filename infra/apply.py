"""Carries changes out, a few at once, wave by wave; says what each did and how long the rest will take."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from infra.gcloud import MOST_AT_ONCE, CommandFailed, Gcloud
from infra.plan import Change, Say
from infra.resource import Command

_USUAL_S = {"function": 150.0, "database": 30.0, "index": 60.0, "services": 40.0, "ttl": 20.0, "exemption": 20.0}
_OTHERWISE_S = 3.0
"""What making a thing takes as long as none of its kind has been seen in this run; deleting is _OTHERWISE_S."""


class Failure(NamedTuple):
    change: Change
    error: CommandFailed


class Progress:
    """Numbers the changes, and learns how long each kind takes."""

    def __init__(self, changes: Sequence[Change], say: Say, clock: Callable[[], float] = time.monotonic) -> None:
        self._left = [_kind(change) for change in changes]
        self._total = len(changes)
        self._took_s: dict[tuple[str, bool], list[float]] = defaultdict(list)
        self._say = say
        self._lock = threading.Lock()
        self.clock = clock

    def done(self, change: Change, verb: str, took_s: float) -> None:
        with self._lock:
            self._left.remove(_kind(change))
            self._took_s[_kind(change)].append(took_s)
            number = self._total - len(self._left)
            why = "; ".join(f"{name}: {old} → {new}" for name, (old, new) in change.differs.items())
            what = f"{change.resource.kind} {change.resource.name}" + (f" ({why})" if why and verb == "updated" else "")
            self._say(f"[{number:>3}/{self._total}] {verb:<8} {what}  {took_s:.1f} s{self._time_left()}")

    def _time_left(self) -> str:
        seconds = sum(self._usual_s(kind) for kind in self._left) / MOST_AT_ONCE
        if not self._left:
            return ""
        return f", about {seconds:.0f} s left" if seconds < 90 else f", about {seconds / 60:.0f} min left"

    def _usual_s(self, kind: tuple[str, bool]) -> float:
        seen = self._took_s[kind]
        if seen:
            return sum(seen) / len(seen)
        name, made = kind
        return _USUAL_S.get(name, _OTHERWISE_S) if made else _OTHERWISE_S


def _kind(change: Change) -> tuple[str, bool]:
    """Of what kind its thing is, and whether it is made or changed (not deleted)."""
    return change.resource.kind, change.action != "deleted"


def apply(gcloud: Gcloud, waves: Sequence[Sequence[Change]], say: Say) -> list[Failure]:
    """Carry out the changes of each wave; after a wave with failures no other is begun."""
    waves = [[change for change in wave if change.commands] for wave in waves]
    progress = Progress([change for wave in waves for change in wave], say)
    for wave in waves:
        failures: list[Failure] = []
        with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
            for failed in pool.map(lambda chain: _carry_out(gcloud, chain, progress), _chains(wave)):
                failures += failed
        if failures:
            return failures
    return []


def _chains(wave: Sequence[Change]) -> list[list[Change]]:
    """Changes of the same lock stand in one chain; the others each in their own."""
    chains: dict[object, list[Change]] = defaultdict(list)
    for change in wave:
        chains[change.resource.lock or (change.resource.kind, change.resource.name)].append(change)
    return list(chains.values())


def _run(gcloud: Gcloud, command: Command, deletes: bool) -> None:
    """What is to be deleted may be gone: listings of rights lag, and an earlier run may have come this far."""
    try:
        gcloud.run(command)
    except CommandFailed as error:
        if not (deletes and error.says_it_is_gone):
            raise


def _carry_out(gcloud: Gcloud, chain: Sequence[Change], progress: Progress) -> list[Failure]:
    failures = []
    for change in chain:
        started_s = progress.clock()
        try:
            for command in change.commands:
                _run(gcloud, command, change.action == "deleted")
        except CommandFailed as error:
            failures.append(Failure(change, error))
            progress.done(change, "FAILED", progress.clock() - started_s)
        else:
            progress.done(change, change.action, progress.clock() - started_s)
    return failures
