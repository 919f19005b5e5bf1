"""Recordings that say what is true: who drives, and what the limit is."""

import pandas as pd
import pytest

from tests.replay import oracle
from tests.replay.recorded import needs_recordings
from tests.replay_gps import cars, drivers

pytestmark = needs_recordings


def test_nine_tenths_of_the_driving_that_can_be_in_a_trip_is_in_one() -> None:
    found = drivers.agreement(list(drivers.traces().values()))
    assert (found.traces, found.driving, found.on_foot) == (805, 25_352, 32_608)
    assert found.able_in_trips >= 0.9 * found.able
    assert found.driving_in_trips >= 0.6 * found.driving
    assert found.on_foot_in_trips <= 0.2 * found.on_foot


@pytest.mark.parametrize("name", cars.LOGS)
def test_overspeed_episodes_are_the_runs_over_the_limit_column(name: str) -> None:
    """Exactly so over the fixes that are good: a receiver that stood still for ten seconds catches up by a jump, and
    that fix's speed does not count. Over all rows the same episodes begin or end up to five seconds apart."""
    rows = cars.log(name)
    found = cars.found(rows)
    assert found == cars.expected(cars.good(rows))
    every = cars.expected(rows)
    assert len(found) == len(every)
    for (start, end, peak), (true_start, true_end, true_peak) in zip(found, every, strict=True):
        assert abs(start - true_start) <= pd.Timedelta(seconds=5)
        assert end is not None
        assert true_end is not None
        assert abs(end - true_end) <= pd.Timedelta(seconds=5)
        assert peak <= true_peak
    assert oracle.JUMP_KPH == 300
