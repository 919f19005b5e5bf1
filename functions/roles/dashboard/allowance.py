"""How many documents may be read in any minute, however many pages are open."""

from collections import deque
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)


class Allowance:
    """So many documents in any sixty seconds; whoever reads asks first how many are left."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._spent: deque[tuple[datetime, int]] = deque()

    def left(self, now: datetime) -> int:
        while self._spent and now - self._spent[0][0] >= MINUTE:
            self._spent.popleft()
        return self.per_minute - sum(documents for _, documents in self._spent)

    def spend(self, documents: int, now: datetime) -> None:
        """A query costs a document even when it finds none."""
        self._spent.append((now, max(1, documents)))

    def pause(self, documents: int, share: float) -> timedelta:
        """How long to wait after reading so many, to use no more than this share of the allowance."""
        return MINUTE * documents / (self.per_minute * share)
