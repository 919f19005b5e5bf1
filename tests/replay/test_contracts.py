"""A recorded day told as it happened: contracts end when buses fall silent, and every count still adds up."""

from datetime import timedelta

import pandas as pd
import pytest

from functions.core.profile import Profile
from tests.replay import oracle
from tests.replay.compare import assert_faces, assert_rows
from tests.replay.feed import Hall, in_time_order
from tests.replay.recorded import needs_recordings
from tests.replay.sources import SOURCES

pytestmark = needs_recordings

HEARD_AFTER = timedelta(seconds=30)
CONTRACT = timedelta(minutes=4)
"""Buses were heard every two minutes, but for gaps: 58 of 2015's contracts end, 21 of 2017's; the default for a bus
that stands, 26 h, would end hardly any."""


@pytest.mark.parametrize("name", ["buses-2015-03-08", pytest.param("buses-2017-04-18", marks=pytest.mark.full)])
async def test_contracts_that_end_in_a_recorded_day_change_no_total_and_their_shifts_add_up(name: str) -> None:
    events = in_time_order(SOURCES[name].events())
    profile = Profile(contract_s=CONTRACT.total_seconds())
    hall = Hall(HEARD_AFTER, dict.fromkeys((event["vehicle_id"] for event in events), profile))
    await hall.take(events)
    fixes = oracle.distinct(events, "gps")
    assert_rows("gps", hall.rows("positions"), fixes, pd.Series(False, index=fixes.index))
    faces, shifts = hall.faces("gps"), hall.rows("shifts")
    assert_faces("gps", faces, fixes)

    assert len(shifts) >= 20
    for column in ("hired_at", "ended_at", "received_at"):
        shifts[column] = pd.to_datetime(shifts[column], format="ISO8601", utc=True)
    assert set(shifts["ended_at"] - shifts["received_at"]) == {CONTRACT}
    assert_shifts_add_up(fixes, faces, shifts)


def assert_shifts_add_up(fixes: pd.DataFrame, faces: pd.DataFrame, shifts: pd.DataFrame) -> None:
    """What was heard before the present contract began is what all earlier shifts reported, reading by reading and
    metre by metre; and each shift began with the first fix heard after the one before it had ended."""
    before = fixes["at"] + HEARD_AFTER < fixes["vehicle_id"].map(faces["hired_at"])
    earlier = oracle.gps_faces(oracle.in_order(fixes[before]))
    reported = shifts.groupby("vehicle_id")[["readings", "distance_km"]].sum()
    assert dict(reported["readings"]) == dict(earlier["readings"])
    assert (reported["distance_km"] - earlier["distance_km"]).abs().max() < 1e-6
    heard = fixes.assign(heard=fixes["at"] + HEARD_AFTER)
    for vehicle_id, worked in shifts.sort_values("hired_at").groupby("vehicle_id"):
        its_own = heard.loc[heard["vehicle_id"] == vehicle_id, "heard"]
        began = [*worked["hired_at"][1:], faces.loc[vehicle_id, "hired_at"]]
        assert began == [its_own[its_own > ended].min() for ended in worked["ended_at"]]
