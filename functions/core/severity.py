"""How much each kind of alert matters, which decides who is woken and what waits for the digest."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Literal

SeverityName = Literal["info", "warning", "critical"]


class Severity(IntEnum):
    """`info` waits for the digest, `warning` is told at once outside quiet hours, `critical` at any hour."""

    info = 0
    warning = 1
    critical = 2


_CRITICAL = ("temperature_high", "temperature_low", "line_backlog", "line_failures")
_INFO = ("overspeed", "service_due", "fuel_low", "odometer_fault", "clock_ahead", "stale_episode")
_SAID = {"severe": Severity.critical, "major": Severity.warning, "minor": Severity.info}
"""How trouble codes put it."""
BY_KIND = dict.fromkeys(_CRITICAL, Severity.critical) | dict.fromkeys(_INFO, Severity.info)


def severity_of(kind: str, details: Mapping[str, Any]) -> Severity:
    """What the line says of this very episode (`details.severity`), else what its kind usually is, else a warning."""
    said = details.get("severity")
    usual = BY_KIND.get(kind, Severity.warning)
    return _SAID.get(said, usual) if isinstance(said, str) else usual
