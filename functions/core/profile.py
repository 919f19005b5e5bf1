"""What people set for one vehicle; every field is optional and its absence means the line's default."""

from typing import Annotated

import msgspec
from msgspec import Meta

from functions.core.cargo import CargoName, TemperatureLimits
from functions.core.contact import Hours, Zone
from functions.core.delivery import Stop
from functions.core.fence import Fences
from functions.core.gauge import FUEL_LOW_PCT
from functions.core.reading import Label
from functions.core.route import Route
from functions.core.service import ServicePlan
from functions.core.stock import StockRule
from functions.core.window import AlertWindow, Instant

Seconds = Annotated[float, Meta(gt=0, le=366 * 86_400)]


class Profile(msgspec.Struct, frozen=True):
    """A vehicle's settings. Lengths of time are in seconds.

    `contract_s` is how long the vehicle may be silent: one number for all lines, or one by line. A speed limit holds
    where neither fence nor route sets one, and over it is over it once held for `speed_hold_s`.

    `expected_interval_s` is how far apart readings normally are, for all lines or by line: twice that without any is
    unknown time. Limits of a vehicle's own win over its `cargo_profile`. What is counted of a shipment counts from
    `shipment_started_at`: set it when one begins, and after a service. A battery's limit is that of its 12 V or 24 V
    system unless `battery_low_v` says otherwise. `stock` is by sku.

    `contacts` are names of the address book or notification URLs; they and nobody else hear of the vehicle's alerts.
    """

    contract_s: Seconds | dict[str, Seconds] | None = None
    speed_limit_kph: Annotated[float, Meta(gt=0, le=500)] | None = None
    speed_hold_s: Annotated[float, Meta(ge=0, le=3_600)] = 0.0
    geofences: Fences = Fences()
    route: Route | None = None
    stops: Annotated[list[Stop], Meta(max_length=200)] = []
    expected_interval_s: Seconds | dict[str, Seconds] | None = None
    cargo_profile: CargoName | None = None
    temperature_limits: TemperatureLimits | None = None
    alert_windows: Annotated[list[AlertWindow], Meta(max_length=50)] = []
    startup_s: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    shipment_started_at: Instant | None = None
    service_plans: Annotated[list[ServicePlan], Meta(max_length=16)] = []
    battery_low_v: Annotated[float, Meta(gt=0, le=1_000)] | None = None
    fuel_low_pct: Annotated[float, Meta(ge=0, le=100)] = FUEL_LOW_PCT
    stock: dict[Label, StockRule] = {}

    contacts: Annotated[list[Label], Meta(max_length=20)] = []
    quiet_hours: Hours | None = None
    timezone: Zone | None = None

    def contract_for(self, line: str, default_s: float) -> float:
        if isinstance(self.contract_s, dict):
            return self.contract_s.get(line, default_s)
        return default_s if self.contract_s is None else self.contract_s

    def interval_for(self, line: str, default_s: float) -> float:
        """How far apart readings of a line normally are, in seconds."""
        if isinstance(self.expected_interval_s, dict):
            return self.expected_interval_s.get(line, default_s)
        return default_s if self.expected_interval_s is None else self.expected_interval_s


DEFAULTS = Profile()
