"""What people set for one vehicle; every field is optional and its absence means the line's default."""

import msgspec


class Profile(msgspec.Struct, frozen=True):
    """A vehicle's settings. Lengths of time are in seconds."""

    contract_s: float | None = None


DEFAULTS = Profile()
