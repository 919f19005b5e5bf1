"""The driver: every product once, whatever dies or overlaps, and never more in memory than one export."""

import asyncio
from copy import deepcopy
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from functions.adapters.bucket import Bucket
from functions.adapters.firestore import Firestore
from functions.core.chain import verified
from functions.errors import FleetlineError
from functions.roles.driver import BUDGET, Driver, Limits
from functions.roles.stevedore import Stevedore
from tests.memory import MemoryStore
from tests.warehouse import START, Interrupted, at_call, crates_in, message, product, rows_of, verdict_on, visible

SMALL = Limits(crates=3)
ONE_DAY = 24 * 60


class Died(Exception):
    """The process is gone."""


def now() -> datetime:
    return datetime(2026, 3, 5, tzinfo=UTC)


def driver(store: Any, folder: Path, limits: Limits = SMALL) -> Driver:
    return Driver(store, Bucket(str(folder)), now, limits)


async def stow(store: Any, *rows: dict[str, Any]) -> None:
    await Stevedore(store).take(message(list(rows)))


async def stocked() -> MemoryStore:
    """Seven crates of two classes over three days; product 3 comes in three of them, product 50 twice in one."""
    store = MemoryStore()
    await stow(store, *(product(number) for number in range(10)))
    await stow(store, product(3, 0), *(product(number) for number in (ONE_DAY, 50, 50, 2 * ONE_DAY)))
    await stow(store, *(product(number, pclass="trips", distance_km=1.5) for number in range(5)))
    await stow(store, product(3, 2), product(4), product(ONE_DAY))
    await stow(store, product(1, pclass="trips", distance_km=1.5), product(60))
    await stow(store, product(61))
    return store


EVERY = {"positions": {*range(10), 50, 60, 61, ONE_DAY, 2 * ONE_DAY}, "trips": set(range(5))}


def ids(pclass: str) -> list[str]:
    return sorted(product(number, pclass=pclass)["product_id"] for number in EVERY[pclass])


def assert_every_product_once(folder: Path, store: MemoryStore) -> None:
    for pclass in EVERY:
        assert sorted(rows_of(folder, pclass)["product_id"]) == ids(pclass)
    verdict = verdict_on(folder, store)
    assert (verdict.faults, verdict.duplicated) == ([], 0)
    assert crates_in(store) == []


async def test_what_is_in_the_warehouse_is_exported_once_and_the_warehouse_is_empty(tmp_path: Path) -> None:
    store = await stocked()
    made = await driver(store, tmp_path).run()
    assert_every_product_once(tmp_path, store)
    assert made["rows"] == {"positions": len(EVERY["positions"]), "trips": 5}
    assert made["exports"] == [1, 2, 3]
    assert made["repeats"] == 6
    assert made["files"] == sum(path.endswith(".parquet") for path in visible(tmp_path))


async def test_a_row_stands_in_the_folder_of_its_class_and_its_day_in_utc(tmp_path: Path) -> None:
    store = MemoryStore()
    await stow(store, product(0, event_at="2026-03-02T01:00:00+03:00"), product(1, pclass="trips"))
    await driver(store, tmp_path).run()
    assert set(visible(tmp_path)) == {
        "pclass=positions/date=2026-03-01/export-00000001.parquet",
        "pclass=trips/date=2026-03-01/export-00000001.parquet",
        "_manifests/00000001.json",
    }


async def test_an_empty_warehouse_makes_no_export(tmp_path: Path) -> None:
    store = MemoryStore()
    made = await driver(store, tmp_path).run()
    assert made == {"exports": [], "rows": {}, "files": 0, "repeats": 0, "seconds": 0.0}
    assert (store.documents, visible(tmp_path)) == ({}, {})


async def test_a_run_that_dies_anywhere_is_finished_by_the_next_with_the_same_files(tmp_path: Path) -> None:
    stock = await stocked()
    await driver(deepcopy(stock), tmp_path / "undisturbed").run()
    undisturbed = visible(tmp_path / "undisturbed")

    async def die() -> None:
        raise Died

    for call in count(1):
        folder, store = tmp_path / str(call), deepcopy(stock)
        point = at_call(call, die)
        dying = Driver(Interrupted(store, point), Interrupted(Bucket(str(folder)), point), now, SMALL)  # type: ignore[arg-type]
        try:
            await dying.run()
        except Died:
            left_behind = visible(folder)
        else:
            break
        assert left_behind.items() <= undisturbed.items()  # whole files only, and none that does not belong there
        await driver(store, folder).run()
        assert visible(folder) == undisturbed
        assert_every_product_once(folder, store)
    assert call > 80


async def test_a_run_may_be_overtaken_by_another_at_any_moment(tmp_path: Path) -> None:
    stock = await stocked()
    for call in count(1):
        folder, store = tmp_path / str(call), deepcopy(stock)
        overtaken = False

        async def another(store: MemoryStore = store, folder: Path = folder) -> None:
            nonlocal overtaken
            overtaken = True
            await driver(store, folder).run()

        point = at_call(call, another)
        slow = Driver(Interrupted(store, point), Interrupted(Bucket(str(folder)), point), now, SMALL)  # type: ignore[arg-type]
        await slow.run()
        assert_every_product_once(folder, store)
        if not overtaken:
            break
    assert call > 80


async def test_products_that_arrive_while_a_run_is_overtaken_are_not_lost(tmp_path: Path) -> None:
    for call in count(1, 3):
        folder, store = tmp_path / str(call), MemoryStore()
        await stow(store, *(product(number) for number in (0, 1, 2)))
        overtaken = False

        async def another(store: MemoryStore = store, folder: Path = folder) -> None:
            nonlocal overtaken
            overtaken = True
            await driver(store, folder).run()
            await stow(store, *(product(number) for number in (0, 1, 2)))  # the very crate, delivered again
            await stow(store, product(2), product(3))

        point = at_call(call, another)
        await Driver(Interrupted(store, point), Interrupted(Bucket(str(folder)), point), now).run()  # type: ignore[arg-type]
        await driver(store, folder).run()
        if not overtaken:
            break
        assert sorted(rows_of(folder)["product_id"]) == sorted(product(number)["product_id"] for number in range(4))
        assert (verdict_on(folder, store).faults, crates_in(store)) == ([], [])


async def test_the_highest_version_wins_within_an_export(tmp_path: Path) -> None:
    store = MemoryStore()
    await stow(store, product(1, 0))
    await stow(store, product(1, 2, quality="ok"))
    await stow(store, product(1, 1))
    await driver(store, tmp_path, Limits()).run()
    assert rows_of(tmp_path)[["version", "quality"]].to_numpy().tolist() == [[2, "ok"]]


async def test_the_first_version_wins_across_exports(tmp_path: Path) -> None:
    store = MemoryStore()
    for version in (0, 2, 1):
        await stow(store, product(1, version))
        await driver(store, tmp_path).run()
    assert rows_of(tmp_path)["version"].tolist() == [0]
    assert verdict_on(tmp_path, store)[:4] == (
        3,
        ["pclass=positions/date=2026-03-01/export-00000001.parquet"],
        {"positions": 1},
        0,
    )


async def test_files_of_a_later_export_are_never_taken_for_repeats(tmp_path: Path) -> None:
    """A driver that is slow meets files that another has made meanwhile of crates of the same products."""
    store = MemoryStore()
    await stow(store, product(1), product(2))
    await driver(store, tmp_path).run()
    later = next(path for path in visible(tmp_path) if path.endswith(".parquet"))
    folder = tmp_path / "slow"
    Bucket(str(folder)).put(later.replace("00000001", "00000002"), (tmp_path / later).read_bytes())
    await stow(other := MemoryStore(), product(1), product(2))
    made = await driver(other, folder).run()
    assert (made["rows"], made["repeats"]) == ({"positions": 2}, 0)


async def test_an_export_whose_crates_are_gone_is_an_error_and_not_a_silent_loss(tmp_path: Path) -> None:
    store = await stocked()

    async def remove() -> None:
        for path in [path for path in store.documents if path.startswith("crates/")]:
            del store.documents[path]

    with pytest.raises(FleetlineError, match="gone"):
        await Driver(Interrupted(store, at_call(7, remove)), Bucket(str(tmp_path)), now).run()  # type: ignore[arg-type]


async def test_an_empty_database_beside_a_folder_continues_its_chain(tmp_path: Path) -> None:
    for numbers in ((1, 2), (2, 3), (3, 4)):
        store = MemoryStore()
        await stow(store, *(product(number) for number in numbers))
        await driver(store, tmp_path).run()
    assert sorted(rows_of(tmp_path)["product_id"]) == sorted(product(number)["product_id"] for number in (1, 2, 3, 4))
    assert verdict_on(tmp_path, store)[0:1] + verdict_on(tmp_path, store)[3:] == (3, 0, [])


async def test_no_export_is_begun_when_the_time_is_up(tmp_path: Path) -> None:
    store = await stocked()
    times = iter([START, START, START, START + BUDGET, START + BUDGET])
    made = await Driver(store, Bucket(str(tmp_path)), lambda: next(times), SMALL).run()
    assert made["exports"] == [1]
    await driver(store, tmp_path).run()
    assert_every_product_once(tmp_path, store)


async def test_exports_with_other_columns_open_as_one_table(tmp_path: Path) -> None:
    store = MemoryStore()
    await stow(store, product(0, speed_kph=None, ignition=None, quality=None, driver=None, tags=["a", 1]))
    await driver(store, tmp_path).run()
    await stow(store, product(1, speed_kph=3, ignition=True, quality="ok", driver="ann", trip_id="t", tags=None))
    await stow(store, product(2, speed_kph=2.5, ignition="on", quality=7, driver=None, started_at=START.isoformat()))
    await driver(store, tmp_path).run()
    frame = rows_of(tmp_path).sort_values("event_at")
    assert frame["speed_kph"].fillna(-1).tolist() == [-1, 3.0, 2.5]
    assert str(frame["event_at"].dtype) == "datetime64[us, UTC]"
    found = duckdb.sql(
        f"select speed_kph, ignition, ignition__text, quality, driver, trip_id, started_at is null, tags, date::text "
        f"from read_parquet('{tmp_path}/pclass=*/**/*.parquet', union_by_name=true) order by event_at"
    ).fetchall()
    assert found == [
        (None, None, None, None, None, None, True, '["a", 1]', "2026-03-01"),
        (3.0, True, None, "ok", "ann", "t", True, None, "2026-03-01"),
        (2.5, None, "on", "7", None, None, False, None, "2026-03-01"),
    ]


async def test_a_hundred_thousand_rows_need_no_more_memory_than_one_export(tmp_path: Path) -> None:
    store = MemoryStore()
    stevedore = Stevedore(store)
    for start in range(0, 100_000, 1_000):
        await stevedore.take(message([product(number) for number in range(start, start + 1_000)]))
    pool, usual = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
    pa.set_memory_pool(pool)
    try:
        made = await driver(store, tmp_path, Limits(rows=10_000)).run()
    finally:
        pa.set_memory_pool(usual)
    assert (made["rows"], len(made["exports"])) == ({"positions": 100_000}, 10)
    assert pool.max_memory() < 24 * 1024 * 1024
    assert verified(Bucket(str(tmp_path)))[2:] == ({"positions": 100_000}, 0, [])


async def test_two_drivers_at_once_over_the_real_firestore(tmp_path: Path, firestore_host: str) -> None:
    store, other = (Firestore("two-drivers", emulator=firestore_host) for _ in range(2))
    for start in range(0, 60, 3):
        await stow(store, *(product(number) for number in range(start, start + 5)))

    answers = await asyncio.gather(driver(store, tmp_path).run(), driver(other, tmp_path).run())
    exports = await store.query("exports", order_by=["n"])
    assert [export.fields["state"] for export in exports] == ["swept"] * 7
    assert sorted(number for answer in answers for number in answer["exports"]) == list(range(1, 8))
    verdict = verified(
        Bucket(str(tmp_path)), {export.fields["n"]: export.fields["manifest_sha256"] for export in exports}
    )
    assert verdict[2:] == ({"positions": 62}, 0, [])
    assert await store.query("crates") == []
    await asyncio.gather(store.close(), other.close())
