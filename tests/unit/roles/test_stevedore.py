"""The stevedore: nothing is answered before it is in a crate, and a failure is nobody's but its own."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from functions.adapters.firestore import Firestore
from functions.core.ports import Write
from functions.errors import Overloaded, Refused, Unavailable
from functions.roles.stevedore import Limits, Stevedore
from tests.memory import MemoryStore
from tests.warehouse import crates_in, message, product


def rows(store: MemoryStore) -> int:
    return sum(crate["rows"] for crate in crates_in(store))


class SlowStore(MemoryStore):
    """Writes wait until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def write(self, writes: Sequence[Write]) -> list[object]:  # type: ignore[override]
        self.begun.set()
        await self.go.wait()
        return await super().write(writes)  # type: ignore[return-value]


async def test_a_message_is_answered_when_its_rows_are_in_a_crate() -> None:
    store = SlowStore()
    taken = asyncio.create_task(Stevedore(store).take(message([product(1), product(2)])))
    await store.begun.wait()
    assert not taken.done()
    store.go.set()
    await taken
    assert rows(store) == 2


async def test_messages_that_come_during_a_write_share_the_next_crate() -> None:
    store = SlowStore()
    stevedore = Stevedore(store)
    first = asyncio.create_task(stevedore.take(message([product(0)])))
    await store.begun.wait()
    others = [asyncio.create_task(stevedore.take(message([product(number)]))) for number in range(1, 50)]
    await asyncio.sleep(0)
    store.go.set()
    await asyncio.gather(first, *others)
    assert sorted(crate["rows"] for crate in crates_in(store)) == [1, 49]


async def test_a_message_again_makes_no_second_crate() -> None:
    store = MemoryStore()
    for _ in range(2):
        await Stevedore(store).take(message([product(1)]))
    assert rows(store) == 1


async def test_a_message_without_rows_is_answered_and_leaves_nothing() -> None:
    store = MemoryStore()
    await Stevedore(store).take(message([]))
    assert store.documents == {}


async def test_a_message_that_cannot_be_read_is_answered_and_kept() -> None:
    store = MemoryStore()
    await Stevedore(store).take(message(b"\x00"))
    assert [crate["pclass"] for crate in crates_in(store)] == ["quarantined"]


async def test_a_store_that_is_away_fails_the_message_and_a_redelivery_mends_it() -> None:
    store = MemoryStore()
    stevedore = Stevedore(store)
    store.fault = lambda _: Unavailable("away")
    with pytest.raises(Unavailable):
        await stevedore.take(message([product(1)]))
    store.fault = lambda _: None
    await stevedore.take(message([product(1)]))
    assert rows(store) == 1


async def test_a_write_without_an_answer_is_done_once_after_redelivery() -> None:
    store = MemoryStore()
    stevedore = Stevedore(store)
    store.lost_answer = True
    with pytest.raises(Unavailable):
        await stevedore.take(message([product(1)]))
    store.lost_answer = False
    await stevedore.take(message([product(1)]))
    assert rows(store) == 1


async def test_a_refused_crate_fails_only_the_messages_in_it() -> None:
    store = MemoryStore()
    store.fault = lambda writes: (
        Refused("trips") if any(write.fields and write.fields["pclass"] == "trips" for write in writes) else None
    )
    stevedore = Stevedore(store)
    messages = [
        message([product(number, pclass=pclass)]) for number, pclass in enumerate(["positions", "trips", "stops"])
    ]
    answers = await asyncio.gather(*(stevedore.take(each) for each in messages), return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), Refused, type(None)]
    assert sorted(crate["pclass"] for crate in crates_in(store)) == ["positions", "stops"]


async def test_a_request_that_goes_away_takes_nobody_along() -> None:
    store = SlowStore()
    stevedore = Stevedore(store)
    first = asyncio.create_task(stevedore.take(message([product(0)])))
    await store.begun.wait()
    second = asyncio.create_task(stevedore.take(message([product(1)])))
    await asyncio.sleep(0)
    first.cancel()
    store.go.set()
    await second
    assert product(1)["product_id"] in str(crates_in(store))
    with pytest.raises(asyncio.CancelledError):
        await first


@pytest.mark.parametrize("limits", [Limits(messages=2), Limits(bytes=700)])
async def test_above_its_bounds_a_message_is_to_come_again_later(limits: Limits) -> None:
    store = MemoryStore()
    stevedore = Stevedore(store, limits)
    answers = await asyncio.gather(
        *(stevedore.take(message([product(number)])) for number in range(4)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [type(None)] * 2 + [Overloaded] * 2
    await stevedore.take(message([product(number) for number in range(100)]))
    assert rows(store) == 102


async def test_a_load_is_bounded_and_its_crates_go_in_several_writes() -> None:
    store = MemoryStore()
    stevedore = Stevedore(store, Limits(load_bytes=1_000))
    await asyncio.gather(*(stevedore.take(message([product(number)])) for number in range(10)))
    assert rows(store) == 10
    assert len(store.writes) == 4


async def test_crates_reach_the_real_firestore_whatever_their_size(firestore_host: str) -> None:
    store = Firestore("stevedore", emulator=firestore_host)
    stevedore = Stevedore(store)
    noise = random.Random(1).randbytes
    messages = [
        message([product(number * 1_000 + row, note=noise(2_000).hex()) for row in range(60)]) for number in range(40)
    ]
    for _ in range(2):
        await asyncio.gather(*(stevedore.take(each) for each in messages))
    found = await store.query("crates", only=["rows", "id"])
    assert sum(crate.fields["rows"] for crate in found) == 2_400
    await store.close()
