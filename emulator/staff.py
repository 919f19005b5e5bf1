"""The functions of a plant as processes: each instance under the real functions-framework, as gcloud would ship it."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from emulator.http_client import Instance
from emulator.ports import HOST, free_port
from emulator.processes import Child, Processes
from infra.plant import Function

ROOT = Path(__file__).resolve().parent.parent
STARTED_S = 60.0
"""A function answers within 1–2 s on an idle machine."""


class Hired(NamedTuple):
    """One instance of a function: its process now, and where it listens for as long as the plant is up."""

    child: Child
    instance: Instance


class Staff:
    """Hires functions and keeps track of them. `variables` are what every function sees in its environment."""

    def __init__(self, processes: Processes, variables: Mapping[str, str]) -> None:
        self._processes = processes
        self._variables = dict(variables)
        self._hired: dict[str, list[Hired]] = {}
        self._own: dict[str, dict[str, str]] = {}
        self._functions: dict[str, Function] = {}

    async def hire(self, function: Function, count: int, environment: Mapping[str, str]) -> None:
        """Start instances of a function that see `environment` too."""
        self._functions[function.name] = function
        self._own[function.name] = dict(environment)
        self._hired[function.name] = [
            await self._started(function, index, Instance(HOST, free_port())) for index in range(count)
        ]

    async def until_ready(self) -> None:
        """Wait until every instance answers."""
        await asyncio.gather(*(self._until_ready(name) for name in self._hired))

    def hired(self, name: str) -> list[Hired]:
        return self._hired[name]

    def instances(self, name: str) -> list[Instance]:
        return [hired.instance for hired in self._hired[name]]

    def urls(self) -> dict[str, str]:
        """Function → address of its first instance."""
        return {name: hired[0].instance.url for name, hired in self._hired.items()}

    def kill(self, name: str, index: int) -> None:
        self._hired[name][index].child.signal(signal.SIGKILL)

    async def stop(self, name: str) -> None:
        await asyncio.gather(*(self._processes.stop(hired.child) for hired in self._hired[name]))

    async def restart(self, name: str, environment: Mapping[str, str]) -> None:
        """Stop a function and start it where it was, with these variables on top of its own."""
        await self.stop(name)
        self._own[name] |= environment
        function = self._functions[name]
        self._hired[name] = [
            await self._started(function, index, instance) for index, instance in enumerate(self.instances(name))
        ]
        await self._until_ready(name)

    def close(self) -> None:
        """Close the connections to all of them."""
        for name in self._hired:
            for instance in self.instances(name):
                instance.close()

    async def _started(self, function: Function, index: int, instance: Instance) -> Hired:
        command = [str(Path(sys.executable).parent / "functions-framework"), "--source", str(ROOT / "main.py")]
        command += ["--target", function.name, "--signature-type", "cloudevent" if function.topic else "http"]
        command += ["--host", instance.host, "--port", str(instance.port)]
        own = {"FUNCTION_TARGET": function.name, "WORKERS": "1", **function.environment, **self._own[function.name]}
        name = function.name if index == 0 else f"{function.name}-{index + 1}"
        child = await self._processes.start(name, command, {**self._variables, **own}, keep=True, cwd=ROOT)
        return Hired(child, instance)

    async def _until_ready(self, name: str) -> None:
        for child, instance in self._hired[name]:
            await self._processes.until_ready(child, f"{instance.host}:{instance.port}", STARTED_S)
