"""Counts of what a role did, logged now and then and at the end, so that a plant can be watched and billed."""

import atexit
import logging
from collections import Counter
from collections.abc import Callable

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
        atexit.register(self.log)

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
