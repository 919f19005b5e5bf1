"""Forgetting a vehicle: nothing of it is left in documents or files, everything else stays, and the chain holds."""

from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from functions.adapters.bucket import Bucket
from functions.core.ports import Write
from functions.roles.driver import Driver
from functions.roles.stevedore import Stevedore
from tests.memory import MemoryStore
from tests.warehouse import Interrupted, at_call, message, product, rows_of, verdict_on


class Died(Exception):
    """The process is gone."""


def now() -> datetime:
    return datetime(2026, 3, 5, tzinfo=UTC)


def driver(store: Any, folder: Path, files: Any = None) -> Driver:
    return Driver(store, files or Bucket(str(folder)), now)


async def stocked(folder: Path) -> MemoryStore:
    """Two exports of seven vehicles over two days, rows of van-3 among them, and some more still in the warehouse."""
    store = MemoryStore()
    for numbers in (range(20), range(1440, 1460)):
        await Stevedore(store).take(message([product(number) for number in numbers]))
        await driver(store, folder).run()
    await Stevedore(store).take(message([product(number) for number in range(30, 40)]))
    for path in ("vehicles/van-3", "vehicles/van-3/workers/gps", "vehicles/van-2/workers/gps"):
        await store.write_one(Write(path, {"line": "gps"}))
    await store.write_one(Write("alerts/a", {"vehicle_id": "van-3"}))
    await store.write_one(Write("alerts/b", {"vehicle_id": "van-2"}))
    return store


def assert_forgotten(store: MemoryStore, folder: Path) -> None:
    assert set(rows_of(folder)["vehicle_id"]) == {f"van-{n}" for n in range(7)} - {"van-3"}
    assert len(rows_of(folder)) == 50 - 8
    assert not [path for path in store.documents if "van-3" in path]
    assert [path for path in store.documents if path.startswith("alerts/")] == ["alerts/b"]
    assert "vehicles/van-2/workers/gps" in store.documents
    verdict = verdict_on(folder, store)
    assert (verdict.faults, verdict.duplicated, verdict.rows) == ([], 0, {"positions": 42})


async def test_a_forgotten_vehicle_is_in_no_document_and_no_file(tmp_path: Path) -> None:
    store = await stocked(tmp_path)
    answer = await driver(store, tmp_path).forget("van-3")
    assert answer == {"vehicle_id": "van-3", "documents": 2, "files": 3}
    assert_forgotten(store, tmp_path)


async def test_forgetting_a_vehicle_nobody_knows_changes_no_file(tmp_path: Path) -> None:
    store = await stocked(tmp_path)
    answer = await driver(store, tmp_path).forget("ship-1")
    assert answer == {"vehicle_id": "ship-1", "documents": 0, "files": 0}
    assert verdict_on(tmp_path, store).faults == []


async def test_wherever_it_dies_asking_again_forgets_all_of_it(tmp_path: Path) -> None:
    async def die() -> None:
        raise Died

    for call in count(1):
        folder = tmp_path / str(call)
        store = await stocked(folder)
        point = at_call(call, die)
        files = Interrupted(Bucket(str(folder)), point)
        try:
            await driver(Interrupted(store, point), folder, files).forget("van-3")
        except Died:
            await driver(store, folder).run()
            await driver(store, folder).forget("van-3")
            assert_forgotten(store, folder)
        else:
            assert call > 30
            return
