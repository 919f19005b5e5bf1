"""A plant with vehicles in every state, and Chromium to look at it."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from emulator.backends import Backend
from emulator.plant import Plant
from functions.core.alert import AlertRecord, read
from functions.core.ports import Write

ROLES = ("gps", "temperature", "notifier", "dashboard")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
SOON_S = 60.0
"""Nothing is timed here, and machines are shared."""
HOSTILE = "<img src=x onerror=alert(1)>"
"""Short enough for the name of a probe."""
SPEEDING = {
    "speed_limit_kph": 60,
    "cargo_profile": "pharma_2_8",
    "geofences": {
        "features": [
            {"geometry": {"type": "Point", "coordinates": [9.0, 50.0]}, "properties": {"id": "depot", "name": HOSTILE}}
        ]
    },
    "route": {"polyline": [[50.0, 9.0], [50.2, 9.0]]},
}

expect.set_options(timeout=1000 * SOON_S)


class Site:
    """The plant, and what tests tell and ask it."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.url: str = plant.addresses()["dashboard"]

    async def drive(self, vehicle: str, kph: float, longitude: float, ago: Sequence[int] = range(60, -1, -5)) -> None:
        """A message with fixes so many seconds ago: 840 m northwards in a minute, unless it stands."""
        now = datetime.now(UTC)
        fixes = [
            {
                "vehicle_id": vehicle,
                "event_time": (now - timedelta(seconds=ago_s)).isoformat(),
                "latitude": 50.0 + ((60 - ago_s) * 14 / 111_195 if kph else 0),
                "longitude": longitude,
                "speed_kph": kph,
                "heading_deg": 0,
            }
            for ago_s in ago
        ]
        await self.plant.publish("gps", json.dumps(fixes).encode())

    async def cool(self, vehicle: str, probe: str, *celsius: float) -> None:
        now = datetime.now(UTC)
        found = [
            {
                "vehicle_id": vehicle,
                "event_time": (now - timedelta(seconds=10 * (len(celsius) - number))).isoformat(),
                "probe": probe,
                "temperature_c": degrees,
            }
            for number, degrees in enumerate(celsius)
        ]
        await self.plant.publish("temperature", json.dumps(found).encode())

    async def worker(self, vehicle: str, line: str = "gps") -> str:
        """The path of a worker, once it is hired."""
        path = f"vehicles/{vehicle}/workers/{line}"
        await until(lambda: self.plant.firestore.get([path], only=["status"]))
        return path

    async def becomes(self, vehicle: str, status: str) -> None:
        """What the inspector or the monitor would write of a vehicle."""
        path = await self.worker(vehicle)
        await self.plant.firestore.write_one(Write(path, {"status": status}, only=["status"]))

    async def alert(self, vehicle: str) -> AlertRecord:
        """The overspeed of a vehicle, once the notifier has recorded it."""
        where = [("vehicle_id", "==", vehicle)]
        (document,) = await until(lambda: self.plant.firestore.query("alerts", where))
        return read(document.fields)


async def until(asked: Callable[[], Awaitable[Any]]) -> Any:
    """What is asked for, once there is some."""
    async with asyncio.timeout(SOON_S):
        while not (found := await asked()):  # noqa: ASYNC110 it lives in another process
            await asyncio.sleep(0.05)
    return found


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser of this machine: none is downloaded."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.skip("needs a Chromium on PATH (Debian: apt-get install chromium)")
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(browser: Browser, backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    assert browser.is_connected()  # no plant where nobody can look at it
    folder: Path = tmp_path_factory.mktemp("site")
    profiles = folder / "profiles.json"
    profiles.write_text(json.dumps({"van-1": SPEEDING, "van-2": {"speed_limit_kph": 60}}))
    plant = Plant(
        backend,
        only=ROLES,
        exports=folder / "exports",
        profiles=profiles,
        environment={"dashboard": {"TILES_URL": ""}},
        say=lambda _: None,
    )
    async with plant:
        site = Site(plant)
        for number, kph in enumerate((90, 50, 0, 50, 0), start=1):
            await site.drive(f"van-{number}", kph, 8.8 + number / 5)
        await site.cool("van-1", "main", 4, 5, 7, 9)
        await site.cool("van-1", HOSTILE, 5)
        await site.worker("van-1", "temperature")
        await site.becomes("van-4", "silent")
        await site.becomes("van-5", "ended")
        await site.worker("van-2")
        await site.worker("van-3")
        await site.alert("van-1")
        yield site


@pytest_asyncio.fixture(loop_scope="module")
async def page(site: Site, browser: Browser) -> AsyncIterator[Page]:
    """The dashboard, opened by somebody new; nothing may be wrong in its console at the end."""
    context = await browser.new_context(viewport={"width": 1300, "height": 800})
    page = await context.new_page()
    wrong: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "ERR_CONNECTION_REFUSED" not in message.text:
            wrong.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    await page.goto(site.url)
    await expect(page.locator("#roster tbody tr")).to_have_count(5)
    yield page
    await context.close()
    assert wrong == []
