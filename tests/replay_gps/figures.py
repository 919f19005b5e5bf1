"""The figures as Markdown tables, each as it becomes known (some minutes in all)."""

from collections.abc import Iterator, Sequence
from statistics import median
from time import perf_counter_ns
from typing import Any

from functions.core.profile import DEFAULTS, Profile
from functions.core.worker import WorkerCodec
from functions.lines.gps import LINE
from tests.replay_gps import cars, drivers, fleets

BIG = "buses-2017-04-18"


def figures() -> Iterator[str]:
    yield from _table("driving (GOAL)", ("points", "all", "in a trip", "share"), _driving())
    yield from _table(
        "overspeed (Twizy)", ("log", "runs in the columns", "episodes", "equal", "equal if good"), _speed()
    )
    yield from _table("bus days", ("day", *fleets.Day._fields), _days())
    yield from _table("distance", ("recording", "rows km", "geodesic km", "off"), _distances())
    yield from _table("order", ("day", "disorder", "trips", "stops", "events", "episodes", "same"), _orders())
    yield from _table("fold", ("fences", "median µs", "99 % µs", "median memory B", "most B"), _folds())


def _table(title: str, columns: Sequence[str], rows: Iterator[Sequence[object]]) -> Iterator[str]:
    yield f"\n**{title}**\n"
    yield "| " + " | ".join(columns) + " |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row) + " |"


def _driving() -> Iterator[Sequence[object]]:
    found = drivers.agreement(list(drivers.traces().values()))
    yield "driving that the definition lets be in a trip", found.able, found.able_in_trips, _share(*found[4:6])
    yield "all driving", found.driving, found.driving_in_trips, _share(*found[2:4])
    yield "on foot", found.on_foot, found.on_foot_in_trips, _share(*found[6:8])


def _share(every: int, those: int) -> str:
    return f"{those / every:.1%}"


def _speed() -> Iterator[Sequence[object]]:
    for name in cars.LOGS:
        rows = cars.log(name)
        found, every = cars.found(rows), cars.expected(rows)
        same = sum(one in every for one in found)
        yield name, len(every), len(found), same, str(found == cars.expected(cars.good(rows)))


def _days() -> Iterator[Sequence[object]]:
    for name in ("buses-2015-12-30", "buses-2016-05-30", BIG):
        yield name, *fleets.timetable(name, _ordered(name, DEFAULTS))


def _distances() -> Iterator[Sequence[object]]:
    for name in ("buses-2015-12-30", BIG, "limerick", "visnjan", "trucks-distinct"):
        said_m, exact_m = fleets.geodesic_m(_ordered(name, DEFAULTS))
        yield name, f"{said_m / 1000:,.1f}", f"{exact_m / 1000:,.1f}", f"{said_m / exact_m - 1:+.3%}"


def _orders() -> Iterator[Sequence[object]]:
    for name in ("buses-2016-05-30", BIG):
        expected = _ordered(name, fleets.city_profile()).outcome()
        counts = [len(made) for made in expected[:4]]
        for disorder, order in fleets.DISORDERS.items():
            found = fleets.told(order(fleets.in_order(name), 1), fleets.city_profile()).close().outcome()
            yield name, disorder, *counts, str(found == expected)


def _folds() -> Iterator[Sequence[object]]:
    for fences in (0, 100):
        profile = fleets.city_profile(fences) if fences else DEFAULTS
        took = sorted(_fold_ns(profile))
        sizes = sorted(_sizes(profile))
        yield (
            fences,
            f"{median(took) / 1000:.1f}",
            f"{took[len(took) * 99 // 100] / 1000:.1f}",
            round(median(sizes)),
            sizes[-1],
        )


def _fold_ns(profile: Profile) -> Iterator[int]:
    states: dict[str, Any] = {}
    for vehicle_id, reading in fleets.in_order(BIG):
        state = states.get(vehicle_id) or LINE.start()
        begun = perf_counter_ns()
        states[vehicle_id] = LINE.step(state, reading, profile).state
        yield perf_counter_ns() - begun


def _sizes(profile: Profile) -> Iterator[int]:
    codec = WorkerCodec(LINE)
    for worker in fleets.told(fleets.one_by_one(fleets.in_order(BIG)), profile).workers.values():
        yield len(codec.pack(worker))


def _ordered(name: str, profile: Profile) -> fleets.Yard:
    return fleets.told(fleets.one_by_one(fleets.in_order(name)), profile).close()
