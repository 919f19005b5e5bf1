"""What was published, and which product each of it must become: the other side of the books from the exported files."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from functions.core.ids import product_id
from functions.core.payload import elements
from functions.core.product import quarantined_row
from functions.errors import Malformed
from functions.lines import LINES

QUARANTINED = "quarantined"
_ANY_TIME = datetime.fromtimestamp(0, UTC)


class Origin(NamedTuple):
    """One sending of an event: where it stood, and what it must become."""

    product_id: str
    line: str
    message_id: str
    position: int | None

    def quarantined_id(self) -> str:
        """What this event becomes when it cannot be kept."""
        return _quarantined_id(self.line, self.message_id, self.position)


class Ledger:
    """Expected products. `expected` is class → product ids; `messages` and `events` count what was sent by line."""

    def __init__(self) -> None:
        self.expected: dict[str, set[str]] = defaultdict(set)
        self.messages: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.repeated = 0
        self.origins: list[Origin] = []

    @property
    def distinct(self) -> int:
        """How many different events were published, unreadable ones included."""
        return sum(len(ids) for ids in self.expected.values())

    def enter(self, line: str, message_ids: Sequence[str], payloads: Sequence[bytes]) -> None:
        """Write down messages that Pub/Sub has confirmed."""
        for message_id, payload in zip(message_ids, payloads, strict=True):
            self.messages[line] += 1
            try:
                found = elements(payload)
            except Malformed:
                self._expect(QUARANTINED, Origin(_quarantined_id(line, message_id, None), line, message_id, None))
                continue
            for position, element in found:
                self._enter_element(line, message_id, position, element)

    def _enter_element(self, line: str, message_id: str, position: int | None, element: object) -> None:
        try:
            _, reading = LINES[line].parse(element)
        except Malformed:
            pclass, expected_id = QUARANTINED, _quarantined_id(line, message_id, position)
        else:
            pclass = LINES[line].pclass
            expected_id = product_id(pclass, reading.key)
        self._expect(pclass, Origin(expected_id, line, message_id, position))

    def _expect(self, pclass: str, origin: Origin) -> None:
        self.events[origin.line] += 1
        self.origins.append(origin)
        if origin.product_id in self.expected[pclass]:
            self.repeated += 1
        self.expected[pclass].add(origin.product_id)


def _quarantined_id(line: str, message_id: str, position: int | None) -> str:
    found: str = quarantined_row(line, message_id, position, b"", "", None, _ANY_TIME)["product_id"]
    return found
