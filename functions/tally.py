"""Counts of what a role did, logged now and then and at the end, so that a plant can be watched and billed."""

import atexit
import logging
import signal
from collections import Counter
from collections.abc import Callable
from types import FrameType

LOG_EVERY_S = 10.0

_log = logging.getLogger(__name__)


class Tally:
    """Counters by name; a log line "totals" carries them all, at most every ten seconds and when the process ends.

    `monotonic_s` gives seconds that only ever grow.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self.counts: Counter[str] = Counter()
        self._monotonic_s = monotonic_s
        self._logged_s = monotonic_s()
        self._logged: Counter[str] = Counter()

    def log_at_end(self) -> None:
        """Log the totals when this process is told to end. uvicorn re-raises SIGTERM once it has served what it holds,
        which ends the process before Python's own exit handlers would run. Call it in the main thread."""
        atexit.register(self.log)
        before = signal.getsignal(signal.SIGTERM)

        def log_first(number: int, frame: FrameType | None) -> None:
            self.log()
            if callable(before):
                before(number, frame)

        if callable(before):
            signal.signal(signal.SIGTERM, log_first)

    def add(self, **counts: int) -> None:
        """Add to counters, and log them all when ten seconds have passed since they were."""
        self.counts.update(counts)
        if self._monotonic_s() - self._logged_s >= LOG_EVERY_S:
            self.log()

    def log(self) -> None:
        """Log the totals if any has changed since they were last logged."""
        if self.counts != self._logged:
            _log.info("totals", extra=dict(self.counts))
            self._logged = self.counts.copy()
        self._logged_s = self._monotonic_s()
