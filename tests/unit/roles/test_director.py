"""The director: nothing is answered before it is durable, nothing is lost, and repeats change nothing."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.ports import Message, Write
from functions.core.worker import WorkerCodec
from functions.errors import Overloaded, Refused, Unavailable
from functions.lines import LINES
from functions.roles.director import Director, Limits
from functions.tally import Tally
from tests.memory import MemoryBus, MemoryProfiles, MemoryStore

GPS = LINES["gps"]
START = datetime(2024, 5, 1, 8, tzinfo=UTC)


class Plant:
    """A line with its director, and a way to hire another one over the same documents."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.store, self.bus, self.tally = MemoryStore(), MemoryBus(), Tally(lambda: 0.0)
        self.limits = limits
        self.director = self.hired()

    def hired(self) -> Director[Any, Any]:
        return Director(GPS, self.store, self.bus, MemoryProfiles(), self.tally, self.limits)

    def worker(self, vehicle_id: str = "van") -> Any:
        return WorkerCodec(GPS).unpack(self.store.documents[f"vehicles/{vehicle_id}/workers/gps"].fields["memory"])


def event(second: float = 0, vehicle_id: str = "van", **more: object) -> dict[str, Any]:
    at = (START + timedelta(seconds=second)).isoformat()
    return {"vehicle_id": vehicle_id, "event_time": at, "latitude": 50 + second / 10_000, "longitude": 8.0, **more}


def message(payload: object, message_id: str = "m") -> Message:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Message(message_id, data, START + timedelta(hours=1))


async def test_a_reading_is_committed_and_its_row_published_before_the_answer() -> None:
    plant = Plant()
    await plant.director.take(message(event()))
    face = plant.store.documents["vehicles/van/workers/gps"].fields
    assert (face["status"], face["readings"], face["latitude"]) == ("active", 1, 50.0)
    assert face["expires_at"] == START + timedelta(hours=27)
    assert face["forget_at"] is None
    assert [row["pclass"] for row in plant.bus.rows] == ["positions"]


async def test_a_hundred_messages_share_one_write_and_a_held_worker_costs_no_read() -> None:
    plant = Plant()
    for start in (0, 1000):
        await asyncio.gather(*(plant.director.take(message(event(start + n), str(n))) for n in range(100)))
    assert len(plant.store.writes) == 2
    assert plant.store.reads == 1
    assert plant.worker().readings == 200


async def test_a_repeat_is_answered_with_its_row_and_writes_nothing() -> None:
    plant = Plant()
    await plant.director.take(message(event()))
    await plant.director.take(message(event(), "again"))
    assert len(plant.store.writes) == 1
    assert len({row["product_id"] for row in plant.bus.rows}) == 1
    assert len(plant.bus.rows) == 2


async def test_what_cannot_be_read_goes_to_quarantine_and_the_rest_of_its_list_goes_through() -> None:
    plant = Plant()
    await plant.director.take(message([event(0), event(1, latitude=91), 7, event(2)]))
    assert plant.worker().readings == 2
    refused = [row for row in plant.bus.rows if row["pclass"] == "quarantined"]
    assert [(row["position"], row["reason"]) for row in refused] == [
        (1, "latitude: 91: must be a number from -90 to 90"),
        (2, "7: must be a JSON object"),
    ]
    assert refused[0]["vehicle_id"] == "van"


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"[1,", b"[" * 100_000])
async def test_a_message_that_is_no_json_is_quarantined_whole(payload: bytes) -> None:
    plant = Plant()
    await plant.director.take(message(payload))
    (row,) = plant.bus.rows
    assert (row["pclass"], row["position"], row["size"]) == ("quarantined", None, len(payload))
    assert not plant.store.documents


async def test_an_empty_list_is_answered() -> None:
    plant = Plant()
    await plant.director.take(message([]))
    assert not plant.bus.rows


async def test_text_that_no_encoding_can_carry_is_quarantined_too() -> None:
    plant = Plant()
    await plant.director.take(message(b'{"vehicle_id": "\\ud800", "event_time": 0, "latitude": 1, "longitude": 1}'))
    assert plant.bus.rows[0]["vehicle_id"] == "?"


async def test_when_firestore_is_away_nobody_is_answered_and_the_next_delivery_counts_once() -> None:
    plant = Plant()
    plant.store.fault = lambda _writes: Unavailable("UNAVAILABLE")
    with pytest.raises(Unavailable):
        await plant.director.take(message(event()))
    assert not plant.bus.rows
    plant.store.fault = lambda _writes: None
    await plant.director.take(message(event()))
    assert plant.worker().readings == 1


async def test_a_write_whose_answer_was_lost_is_found_again_as_a_repeat() -> None:
    plant = Plant()
    plant.store.lost_answer = True
    with pytest.raises(Unavailable):
        await plant.director.take(message([event(n) for n in range(200)]))
    plant.store.lost_answer = False
    await plant.director.take(message([event(n) for n in range(200)]))
    assert plant.worker().readings == 200
    assert len(plant.bus.rows) == 200
    assert not any(row["late"] for row in plant.bus.rows)


async def test_when_pubsub_is_away_the_redelivery_publishes_what_was_committed() -> None:
    plant = Plant()
    plant.bus.away = True
    with pytest.raises(Unavailable):
        await plant.director.take(message([event(n) for n in range(200)]))
    assert plant.worker().readings == 200
    plant.bus.away = False
    for director in (plant.director, plant.hired()):
        await director.take(message([event(n) for n in range(200)]))
    assert plant.worker().readings == 200
    assert len({row["product_id"] for row in plant.bus.rows}) == 200
    assert not any(row["late"] for row in plant.bus.rows)


async def test_what_an_earlier_instance_owed_is_published_first_and_struck_out_by_the_next_write() -> None:
    plant = Plant()
    await plant.director.take(message(event(0)))
    owing = msgspec.structs.replace(
        plant.worker(), unpublished=[("transportation", {"pclass": "shifts", "product_id": "s1"})]
    )
    fields = {**plant.store.documents["vehicles/van/workers/gps"].fields, "memory": WorkerCodec(GPS).pack(owing)}
    await plant.store.write_one(Write("vehicles/van/workers/gps", fields))
    plant.bus.messages.clear()
    await plant.hired().take(message(event(1), "next"))
    assert [row["pclass"] for row in plant.bus.rows] == ["shifts", "positions"]
    assert plant.worker().unpublished == []


async def test_a_conflict_loads_again_and_loses_nothing() -> None:
    plant = Plant()
    other = plant.hired()
    await plant.director.take(message(event(0)))
    await other.take(message(event(1), "b"))
    await plant.director.take(message(event(2), "c"))
    assert plant.worker().readings == 3


async def test_four_instances_on_the_same_vehicles_lose_no_update_and_learn_to_read_first() -> None:
    plant = Plant()
    directors = [plant.hired() for _ in range(4)]
    sent = [(n, vehicle) for n in range(60) for vehicle in ("a", "b", "c")]
    for start in range(0, len(sent), 12):
        await asyncio.gather(
            *(
                directors[n % 4].take(message(event(n, vehicle), f"{n}{vehicle}"))
                for n, vehicle in sent[start : start + 12]
            )
        )
    assert [plant.worker(vehicle).readings for vehicle in "abc"] == [60, 60, 60]
    assert len({row["product_id"] for row in plant.bus.rows}) == 180


async def test_one_document_that_firestore_refuses_stands_alone_and_goes_to_quarantine() -> None:
    plant = Plant()

    def too_large(writes: Sequence[Write]) -> Exception | None:
        return Refused("over 1 MiB") if any("/v7/" in write.path for write in writes) else None

    plant.store.fault = too_large
    await asyncio.gather(*(plant.director.take(message(event(0, f"v{n}"), str(n))) for n in range(20)))
    assert len(plant.store.documents) == 19
    (refused,) = [row for row in plant.bus.rows if row["pclass"] == "quarantined"]
    assert (refused["vehicle_id"], refused["reason"]) == ("v7", "over 1 MiB")
    assert json.loads(refused["excerpt"])["vehicle_id"] == "v7"


async def test_a_step_that_fails_fails_its_own_vehicle_only(caplog: pytest.LogCaptureFixture) -> None:
    plant = Plant()

    def step(state: Any, reading: Any, profile: Any) -> Any:
        if reading.latitude > 60:
            raise ZeroDivisionError("a user's step")
        return GPS.step(state, reading, profile)

    director = Director(msgspec.structs.replace(GPS, step=step), plant.store, plant.bus, MemoryProfiles(), plant.tally)
    answers = await asyncio.gather(
        *(director.take(message(event(0, f"v{n}", latitude=n * 10), str(n))) for n in range(8)), return_exceptions=True
    )
    assert [isinstance(answer, Unavailable) for answer in answers] == [False] * 7 + [True]
    assert "step failed" in caplog.text


async def test_memory_of_a_newer_release_is_never_reset() -> None:
    plant = Plant()
    newer = {"memory": b"\x92\x09\xc0"}
    await plant.store.write_one(Write("vehicles/van/workers/gps", newer))
    answers = await asyncio.gather(
        plant.director.take(message(event(0))), plant.director.take(message(event(0, "car"))), return_exceptions=True
    )
    assert isinstance(answers[0], Unavailable)
    assert answers[1] is None
    assert plant.store.documents["vehicles/van/workers/gps"].fields == newer


async def test_above_its_bounds_an_instance_says_so_and_one_message_alone_always_fits() -> None:
    plant = Plant(Limits(bytes_in_flight=500, readings_in_flight=3))
    await plant.director.take(message([event(n) for n in range(40)]))
    answers = await asyncio.gather(
        *(plant.director.take(message(event(n), str(n))) for n in range(50, 60)), return_exceptions=True
    )
    assert sum(isinstance(answer, Overloaded) for answer in answers) == 7
    await plant.director.take(message(event(70), "later"))


async def test_a_list_longer_than_one_commit_is_committed_in_steps() -> None:
    plant = Plant()
    await plant.director.take(message([event(n * 3) for n in range(1000)]))
    assert plant.worker().readings == 1000
    assert len(plant.store.writes) == 4
    assert len(plant.bus.rows) == 1000


async def test_products_travel_in_messages_that_eventarc_can_carry() -> None:
    plant = Plant()
    await asyncio.gather(*(plant.director.take(message(b"\xff" * 250_000, str(n))) for n in range(5)))
    assert len(plant.bus.rows) == 5
    assert max(map(len, plant.bus.messages)) <= 512_000


async def test_a_request_that_is_given_up_does_not_hold_the_others() -> None:
    plant = Plant()
    given_up = asyncio.ensure_future(plant.director.take(message(event(0))))
    await asyncio.sleep(0)
    given_up.cancel()
    await plant.director.take(message(event(1), "b"))
    await asyncio.gather(given_up, return_exceptions=True)
    assert plant.worker().readings == 2


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["ok", "write", "answer", "publish"]), max_size=12), st.randoms(use_true_random=False))
def test_whatever_fails_and_however_often_each_event_ends_folded_once_and_exported(
    faults: list[str], random: Any
) -> None:
    async def story() -> None:
        plant = Plant()
        waiting = [message([event(n + k) for k in range(3)], str(n)) for n in range(0, 30, 3)]
        clean = Plant()
        for one in waiting:
            await clean.director.take(one)
        script = list(faults)
        while waiting:
            fault = script.pop() if script else "ok"
            plant.store.fault = lambda _writes, fault=fault: Unavailable("away") if fault == "write" else None
            plant.store.lost_answer = fault == "answer"
            plant.bus.away = fault == "publish"
            random.shuffle(waiting)
            director = plant.hired() if random.random() < 0.3 else plant.director
            answers = await asyncio.gather(*(director.take(one) for one in waiting[:4]), return_exceptions=True)
            waiting = [one for one, answer in zip(waiting, answers, strict=False) if answer is not None] + waiting[4:]
        assert plant.worker() == clean.worker()
        assert {row["product_id"] for row in plant.bus.rows} == {row["product_id"] for row in clean.bus.rows}

    asyncio.run(story())
