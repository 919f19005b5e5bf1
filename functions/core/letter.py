"""What people read: one letter per alert and contact, or a digest of many. Its key is derived, so a repeat is known."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from functions.core.alert import AlertRecord
from functions.core.ids import digest
from functions.core.plural import plural

MOST_LISTED = 50
"""Alerts a digest lists; of the others it says how many there are."""


class Letter(NamedTuple):
    """`key` becomes Message-ID and Idempotency-Key; `answers` is the key of the letter that opened the same thread."""

    key: str
    title: str
    body: str
    severity: str
    written_at: datetime
    answers: str | None = None


def letter(alert: AlertRecord, what: str, contact: str, now: datetime) -> Letter:
    """What one contact is told of one alert."""
    lines = [f"{name}: {value}" for name, value in _facts(alert, now) if value]
    opening = letter_key(alert.alert_id, "opened", contact)
    key = letter_key(alert.alert_id, what, contact)
    return Letter(
        key, _title(alert, what), "\n".join(lines), alert.severity.name, now, None if key == opening else opening
    )


def letter_key(alert_id: str, what: str, contact: str) -> str:
    return digest("letter", alert_id, what, contact).hex()


def digest_letter(told: Sequence[tuple[AlertRecord, str]], contact: str, now: datetime) -> Letter:
    """Many alerts in one letter: (alert, what) pairs. The same ones give the same key in any order."""
    ordered = sorted(told, key=lambda one: (-one[0].severity, one[0].started_at, one[0].alert_id, one[1]))
    keys = sorted(letter_key(alert.alert_id, what, contact) for alert, what in told)
    kinds = Counter(alert.kind for alert in {alert.alert_id: alert for alert, _ in told}.values())
    counted = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    lines = [f"{_clock(alert.started_at)} {_title(alert, what)}{_over(alert)}" for alert, what in ordered[:MOST_LISTED]]
    if len(ordered) > MOST_LISTED:
        lines.append(f"… and {len(ordered) - MOST_LISTED} more")
    return Letter(
        digest("digest", contact, keys).hex(),
        f"Digest of {plural(sum(kinds.values()), 'alert')}: {counted}",
        "\n".join(lines),
        ordered[0][0].severity.name,
        now,
    )


def _title(alert: AlertRecord, what: str) -> str:
    where = " ".join(filter(None, (alert.vehicle_id, alert.subject)))
    return f"{alert.severity.name.upper()} {alert.kind.replace('_', ' ')} {what}: {where}"


def _facts(alert: AlertRecord, now: datetime) -> list[tuple[str, str]]:
    peak = "" if alert.peak is None else f"{alert.peak:.6g}"
    details = ", ".join(f"{name} {value}" for name, value in sorted(alert.details.items()))
    end = alert.ended_at or now
    return [
        ("kind", alert.kind),
        ("vehicle", alert.vehicle_id),
        ("subject", alert.subject),
        ("line", alert.line),
        ("severity", alert.severity.name),
        ("started", _clock(alert.started_at)),
        ("ended", _clock(alert.ended_at) if alert.ended_at else ""),
        ("lasted" if alert.ended_at else "open for", duration((end - alert.started_at).total_seconds())),
        ("peak", peak),
        ("details", details),
        ("acknowledged by", alert.handling.acknowledged_by or ""),
        ("alert", alert.alert_id),
    ]


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    minutes, rest = divmod(round(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _over(alert: AlertRecord) -> str:
    return f", lasted {duration((alert.ended_at - alert.started_at).total_seconds())}" if alert.ended_at else ""


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
