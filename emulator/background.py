"""Tasks that run beside the main one, whose failure is noticed."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """A few long-running tasks. `check` raises what the first of them died of; `close` ends them."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[Any]] = []

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        task = asyncio.create_task(work, name=name)
        self._tasks.append(task)
        return task

    def check(self) -> None:
        """Raise the error of a task that failed."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def close(self) -> None:
        """End every task; raises the first failure there was."""
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome
