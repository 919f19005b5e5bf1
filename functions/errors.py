"""The errors that decide how a message is answered: quarantined and 200, or 500 and delivered again."""


class FleetlineError(Exception):
    """Root of every error this package raises on purpose."""


NOT_SENT = object()
"""The value of a field that was not sent."""


class Malformed(FleetlineError):
    """What can never be read: an event goes to quarantine and its message is answered 200.

    `field` names what is wrong ("" = the event as a whole), `value` is a short text of what was sent.
    """

    def __init__(self, field: str, value: object, reason: str) -> None:
        self.field = field
        self.value = shortened(value)
        self.reason = reason
        said = "" if value is NOT_SENT else self.value
        super().__init__(": ".join(part for part in (field, said, reason) if part))


class Unavailable(FleetlineError):
    """Firestore, Pub/Sub or the bucket did not answer in time: answered 500, delivered again."""


class Refused(FleetlineError):
    """A whole request was refused as invalid; sending it again unchanged cannot help."""


class Conflict(FleetlineError):
    """A document is not what its writer expected: somebody else wrote first, load it again."""


class Overloaded(FleetlineError):
    """More is in flight than this instance may hold: answered 429, delivered again later."""


class UnreadableMemory(FleetlineError):
    """A worker's memory was written by a newer release, or is broken: answered 500, never reset."""


def shortened(value: object, limit: int = 80) -> str:
    """A value as it may stand in a message, at most `limit` characters: text in quotes, the rest as JSON has it."""
    if isinstance(value, bytes):
        value = value[:limit].decode("utf-8", "replace")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value[:limit]) if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
