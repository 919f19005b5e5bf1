"""Cloud Scheduler's part: calls one scheduled function again and again, never before the last call has ended."""

import asyncio

from emulator.http_client import Answer, Down, Instance, Lost
from emulator.processes import Say

_HEADERS = (
    b"content-type: application/json\r\nuser-agent: Google-Cloud-Scheduler\r\n"
    b"authorization: Bearer not-checked-on-this-machine\r\nx-cloudscheduler: true\r\n"
)


class Timekeeper:
    """One scheduled function. Failures are counted and said, the next call is the retry."""

    def __init__(self, name: str, instance: Instance, interval_s: float, timeout_s: float, say: Say) -> None:
        self.runs = 0
        self.failures = 0
        self._name = name
        self._instance = instance
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._say = say
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Call the function every interval until cancelled."""
        while True:
            await asyncio.sleep(self._interval_s)
            await self.call_now()

    async def call_now(self) -> Answer | None:
        """Call it once, after the call that may be running; None when there was no answer."""
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(self._timeout_s):
                    answer = await self._instance.post(b"/", _HEADERS, b"{}")
            except (Down, Lost, TimeoutError) as error:
                self._failed(type(error).__name__.lower())
                return None
        self.runs += 1
        if answer.status >= 300:
            self._failed(f"answered {answer.status}")
        return answer

    def _failed(self, why: str) -> None:
        self.failures += 1
        self._say(f"{self._name} failed ({why}); it is called again in {self._interval_s:g} s")
