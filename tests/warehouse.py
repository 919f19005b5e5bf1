"""What the tests of stevedore and driver share: products, messages, and ports that can be interrupted at every call."""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from functions.adapters.bucket import Bucket
from functions.core.chain import Verdict, verified
from functions.core.ids import digest, product_id
from functions.core.ports import Message
from tests.memory import MemoryStore

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
Point = Callable[[], Awaitable[None]]


def product(number: int, version: int = 1, pclass: str = "positions", **more: Any) -> dict[str, Any]:
    """The product of one event every minute, as it travels: times are text."""
    key = digest(pclass, number)
    return {
        "pclass": pclass,
        "product_id": product_id(pclass, key),
        "event_id": key.hex(),
        "version": version,
        "vehicle_id": f"van-{number % 7}",
        "line": "gps",
        "event_at": (START + timedelta(minutes=number)).isoformat(),
        "received_at": START.isoformat(),
        "late": version == 0,
        **more,
    }


def message(payload: object, message_id: str = "m") -> Message:
    return Message(message_id, payload if isinstance(payload, bytes) else json.dumps(payload).encode(), START)


def rows_of(folder: Path, pclass: str = "positions") -> pd.DataFrame:
    return pd.read_parquet(folder / f"pclass={pclass}")


def visible(folder: Path) -> dict[str, bytes]:
    """Every file a reader could meet, with its content."""
    bucket = Bucket(str(folder))
    return {path: bucket.read(path) for path in bucket.list()}


def verdict_on(folder: Path, store: MemoryStore) -> Verdict:
    exports = (document.fields for path, document in store.documents.items() if path.startswith("exports/"))
    return verified(Bucket(str(folder)), {fields["n"]: fields["manifest_sha256"] for fields in exports})


def crates_in(store: MemoryStore) -> list[dict[str, Any]]:
    return [document.fields for path, document in store.documents.items() if path.startswith("crates/")]


class Interrupted:
    """A port (store or files) that waits for `point` before and after every call."""

    def __init__(self, port: Any, point: Point) -> None:
        self._port = port
        self._point = point
        self._loop = asyncio.get_running_loop()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        return self._awaited(method) if inspect.iscoroutinefunction(method) else self._blocking(method)

    def _awaited(self, method: Any) -> Any:
        async def call(*args: Any, **more: Any) -> Any:
            await self._point()
            result = await method(*args, **more)
            await self._point()
            return result

        return call

    def _blocking(self, method: Any) -> Any:
        def point() -> None:
            asyncio.run_coroutine_threadsafe(_coroutine(self._point), self._loop).result()

        def call(*args: Any, **more: Any) -> Any:
            point()
            result = method(*args, **more)
            point()
            return result

        return call


def at_call(number: int, effect: Point) -> Point:
    """A point that lets the effect happen once, at the `number`-th time it is passed."""
    left = number

    async def point() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            await effect()

    return point


async def _coroutine(point: Point) -> None:
    await point()
