"""What people set for one vehicle; every field is optional and its absence means the line's default."""

from typing import Annotated

import msgspec
from msgspec import Meta

from functions.core.delivery import Stop
from functions.core.fence import Fences
from functions.core.route import Route

Seconds = Annotated[float, Meta(gt=0, le=366 * 86_400)]


class Profile(msgspec.Struct, frozen=True):
    """A vehicle's settings. Lengths of time are in seconds.

    `contract_s` is how long the vehicle may be silent: one number for all lines, or one by line. A speed limit holds
    where neither fence nor route sets one, and over it is over it once held for `speed_hold_s`.
    """

    contract_s: Seconds | dict[str, Seconds] | None = None
    speed_limit_kph: Annotated[float, Meta(gt=0, le=500)] | None = None
    speed_hold_s: Annotated[float, Meta(ge=0, le=3_600)] = 0.0
    geofences: Fences = Fences()
    route: Route | None = None
    stops: Annotated[list[Stop], Meta(max_length=200)] = []

    def contract_for(self, line: str, default_s: float) -> float:
        if isinstance(self.contract_s, dict):
            return self.contract_s.get(line, default_s)
        return default_s if self.contract_s is None else self.contract_s


DEFAULTS = Profile()
