"""What calls functions: the HTTP client, the timekeeper, and the notice board they may read."""

import asyncio
import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.courier import Counts
from emulator.http_client import Down, Instance, Lost
from emulator.notice_board import NoticeBoard
from emulator.ports import HOST, answers, free_port, speaks_grpc
from emulator.timekeeper import Timekeeper
from functions.adapters.backlog import CourierBacklog

from .serving import ERROR, OK, Request, Server


async def ok(_: Request) -> bytes:
    return OK


async def test_a_post_arrives_whole_and_its_answer_comes_back() -> None:
    async with Server(ok) as server:
        answer = await server.instance.post(b"/?mode=x", b"ce-id: 7\r\n", b"body")
        assert (answer.status, answer.body) == (200, b"OK")
    (request,) = server.requests
    assert (request.path, request.headers["ce-id"], request.body) == ("/?mode=x", "7", b"body")


async def test_one_after_another_share_a_connection_and_many_at_once_do_not() -> None:
    async with Server(ok) as server:
        for _ in range(5):
            await server.instance.post(b"/", b"", b"")
        assert server.connections == 1
        await asyncio.gather(*(server.instance.post(b"/", b"", b"") for _ in range(20)))
        assert 1 < server.connections <= 20


async def test_a_chunked_failure_is_an_answer() -> None:
    async def fail(_: Request) -> bytes:
        return ERROR

    async with Server(fail) as server:
        answer = await server.instance.post(b"/", b"", b"")
    assert (answer.status, answer.body) == (500, b"never")


async def test_nobody_listening_is_told_from_a_broken_connection() -> None:
    with pytest.raises(Down):
        await Instance(HOST, free_port()).post(b"/", b"", b"")

    async def hang_up(_: Request) -> None:
        return None

    async with Server(hang_up) as server:
        with pytest.raises(Lost):
            await server.instance.post(b"/", b"", b"")


async def test_a_request_given_up_leaves_no_answer_to_the_next_one() -> None:
    async def slow_first(request: Request) -> bytes:
        await asyncio.sleep(0.2 if request.body == b"slow" else 0)
        return OK.replace(b"OK", b"OK" if request.body == b"slow" else b"ok").replace(b"200 ok", b"200 OK")

    async with Server(slow_first) as server:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await server.instance.post(b"/", b"", b"slow")
        assert (await server.instance.post(b"/", b"", b"quick")).body == b"ok"


async def test_a_port_that_serves_http_answers_and_a_free_one_does_not() -> None:
    async with Server(ok) as server:
        assert not await speaks_grpc(f"{HOST}:{free_port()}")
        assert not await answers(f"{HOST}:{free_port()}")
        assert await answers(f"{server.instance.host}:{server.instance.port}")


async def test_a_scheduled_function_is_never_called_twice_at_once() -> None:
    running, most = 0, 0

    async def work(_: Request) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.03)
        running -= 1
        return OK

    async with Server(work) as server:
        keeper = Timekeeper("driver", server.instance, 0.005, 5, print)
        async with asyncio.timeout(5):
            task = asyncio.create_task(keeper.run())
            await asyncio.gather(*(keeper.call_now() for _ in range(4)))
            task.cancel()
    assert most == 1
    assert keeper.runs >= 4
    assert keeper.failures == 0


@pytest.mark.parametrize(("answer", "says"), [(ERROR, "answered 500"), (None, "lost")])
async def test_a_scheduled_function_that_fails_is_said_and_called_again(answer: bytes | None, says: str) -> None:
    async def fail(_: Request) -> bytes | None:
        return answer

    said: list[str] = []
    async with Server(fail) as server:
        keeper = Timekeeper("driver", server.instance, 5, 5, said.append)
        await keeper.call_now()
        await keeper.call_now()
    assert keeper.failures == 2
    assert says in said[0]


async def test_the_notice_board_tells_functions_how_far_behind_a_line_is() -> None:
    counts = Counts()
    counts.unanswered = {"1": time.time() - 90, "2": time.time() - 5}
    board = NoticeBoard({"gps": _courier(counts), "temperature": _courier(Counts())})
    await board.start()
    try:
        assert await CourierBacklog(board.url).unanswered_s("gps") == pytest.approx(90, abs=2)
        assert await CourierBacklog(board.url).unanswered_s("temperature") == 0
    finally:
        await board.close()


def _courier(counts: Counts) -> Any:
    return SimpleNamespace(counts=counts)


def test_a_free_port_lies_below_those_of_outgoing_connections(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    ranges = tmp_path / "range"
    ranges.write_text("20000\t60999\n")
    monkeypatch.setattr("emulator.ports.EPHEMERAL_RANGE", ranges)
    assert all(12_000 <= port < 20_000 for port in _ports(free_port))


def _ports(choose: Callable[[], int]) -> list[int]:
    return [choose() for _ in range(20)]


def test_notices_are_json() -> None:
    board = NoticeBoard({"gps": _courier(Counts())})
    (notice,) = json.loads(json.dumps(board._notices())).values()
    assert (notice["oldest_unanswered_s"], notice["unanswered"], notice["answered"]) == (0.0, 0, 0)
