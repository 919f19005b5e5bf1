"""The CEO: hires the role that FUNCTION_TARGET names, and hands it what arrives."""

from typing import Any

from functions_framework.aio import cloud_event, http

from functions import bootstrap


@cloud_event
async def gps(event: Any) -> None:
    await bootstrap.direct("gps", event)


@cloud_event
async def temperature(event: Any) -> None:
    await bootstrap.direct("temperature", event)


@cloud_event
async def maintenance(event: Any) -> None:
    await bootstrap.direct("maintenance", event)


@cloud_event
async def inventory(event: Any) -> None:
    await bootstrap.direct("inventory", event)


@cloud_event
async def stevedore(event: Any) -> None:
    await bootstrap.stow(event)


@cloud_event
async def notifier(event: Any) -> None:
    await bootstrap.notify(event)


@http
async def watchman(_request: Any) -> dict[str, Any]:
    return await bootstrap.remind()


@cloud_event
async def dispatcher(event: Any) -> None:
    await bootstrap.dispatch(event)


@http
async def inspector(_request: Any) -> dict[str, Any]:
    return await bootstrap.inspect()


@http
async def supervisor(_request: Any) -> dict[str, Any]:
    return await bootstrap.supervise()


@http
async def monitor(_request: Any) -> dict[str, Any]:
    return await bootstrap.watch()


@http
async def driver(request: Any) -> dict[str, Any]:
    return await bootstrap.drive(request)


@http
async def dashboard(request: Any) -> Any:
    return await bootstrap.show(request)
