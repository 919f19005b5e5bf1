"""The page: what it shows of a running plant, with mouse, keyboard or phone, and when the server is gone."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import HOSTILE, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
STATES = {"van-1": "moving", "van-2": "moving", "van-3": "stopped", "van-4": "silent", "van-5": "ended"}


async def choose(page: Page, vehicle: str) -> None:
    await page.locator(f"#roster tr[data-vehicle={vehicle}] button").click()
    await expect(page.locator("#vehicle h2")).to_have_text(vehicle)


async def test_every_state_has_its_word_its_shape_and_its_count(page: Page) -> None:
    for vehicle, state in STATES.items():
        await expect(page.locator(f"#roster tr[data-vehicle={vehicle}] .state span")).to_have_text(state)
        await expect(page.locator(f"#map [data-vehicle={vehicle}] svg")).to_have_class(f"mark {state}")
    shapes = {state: await page.locator(f"#legend .{state} .shape").first.inner_html() for state in STATES.values()}
    assert len(set(shapes.values())) == 4
    for state, count in {"moving": 2, "stopped": 1, "silent": 1, "ended": 1, "alert open": 1}.items():
        await expect(page.locator(f'#states [data-state="{state}"] .count')).to_have_text(str(count))
    await expect(page.locator("#map .badge")).to_have_count(1)
    await expect(page.locator("#map [data-vehicle=van-1] .badge")).to_have_text("!")


async def test_filters_and_order_are_the_persons(page: Page) -> None:
    rows = page.locator("#roster tbody tr")
    await page.locator('#states [data-state="moving"]').click()
    await expect(rows).to_have_count(2)
    await expect(page.locator("#map .vehicle")).to_have_count(2)
    await page.locator('#states [data-state="moving"]').click()
    await page.fill("#search", "VAN-3")
    await expect(rows).to_have_count(1)
    await page.fill("#search", "")
    heading = page.locator("#roster th", has_text="Vehicle")
    await heading.locator("button").click()
    await expect(heading).to_have_attribute("aria-sort", "descending")
    await expect(rows.first).to_have_attribute("data-vehicle", "van-5")


async def test_a_vehicle_is_chosen_and_left_by_keyboard(page: Page) -> None:
    await page.focus("#search")
    for _ in range(7):
        await page.keyboard.press("Tab")
    await page.keyboard.press("End")
    for _ in range(4):
        await page.keyboard.press("ArrowUp")
    first = page.locator("#roster tr[data-vehicle=van-1] button")
    await expect(first).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#vehicle h2")).to_be_focused()
    for drawn in ("fixes", "trip", "route", "fence"):
        await expect(page.locator(f"#map path.{drawn}")).to_have_count(1)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(page.locator("#vehicle details[data-line=gps] summary")).to_be_focused()
    await page.keyboard.press("Enter")
    async with page.expect_response("**/api/vehicles/van-1"):
        pass
    await expect(page.locator("#vehicle details[data-line=gps] summary")).to_be_focused()
    await expect(page.locator("#vehicle details[data-line=gps] dl")).to_be_hidden()
    await page.keyboard.press("Escape")
    await expect(page.locator("#vehicle")).to_be_hidden()
    await expect(first).to_be_focused()


async def test_what_events_and_settings_say_is_text_whatever_it_says(page: Page) -> None:
    await choose(page, "van-1")
    await expect(page.locator("#vehicle .probe").nth(1)).to_contain_text(HOSTILE)
    label = await page.locator("#vehicle .temperatures").get_attribute("aria-label")
    assert label == "Temperature between 4.0 and 9.0 °C, limits 2 to 8 °C"
    await page.locator("#map path.fence").dispatch_event("mouseover")
    await expect(page.locator("#map .leaflet-tooltip", has_text=HOSTILE)).to_be_visible()
    await expect(page.locator("img[src=x]")).to_have_count(0)


async def test_a_new_alert_is_told_to_those_who_do_not_see_the_list(page: Page, site: Site) -> None:
    await expect(page.locator("#alerts li.alert")).to_have_count(1)
    await expect(page.locator("#news")).to_be_empty()
    await site.drive("van-2", 95, 9.2, [0])
    await expect(page.locator("#news")).to_have_text("New alert: overspeed van-2")
    await expect(page.locator("#alerts li.alert")).to_have_count(2)


async def test_what_people_do_ends_up_in_the_alert_with_their_name(page: Page, site: Site) -> None:
    alert = await site.alert("van-1")
    card = page.locator(f'[data-alert="{alert.alert_id}"]')
    await card.get_by_role("button", name="Acknowledge overspeed van-1").focus()
    await page.keyboard.press("Enter")
    await expect(card.get_by_label("Comment")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(card.locator("form")).to_have_count(0)
    await page.keyboard.press("Enter")
    await card.get_by_label("Comment").fill(f"calling {HOSTILE}")
    await card.get_by_label("Your name").fill("ann")
    await page.keyboard.press("Enter")
    await expect(card).to_contain_text(f"ann sees to it since 0 s ago: calling {HOSTILE}")
    await expect(page.locator("img[src=x]")).to_have_count(0)
    handling = (await site.alert("van-1")).handling
    assert (handling.acknowledged_by, handling.comment) == ("ann", f"calling {HOSTILE}")

    await card.get_by_role("button", name="Close overspeed van-1").click()
    await expect(card.get_by_label("Your name")).to_have_value("ann")
    await card.get_by_label("Reason").fill("wrong limit")
    await card.locator("form button.main").click()
    await expect(card).to_have_count(0)
    handling = (await site.alert("van-1")).handling
    assert [(one.by, one.did, one.why) for one in handling.audit] == [
        ("ann", "acknowledged", f"calling {HOSTILE}"),
        ("ann", "closed", "wrong limit"),
    ]
    await choose(page, "van-1")
    await expect(page.locator("#vehicle .past")).to_contain_text("ann closed")


async def test_on_a_phone_nothing_is_wider_than_the_screen(page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    await choose(page, "van-1")
    await expect(page.locator("#vehicle")).to_be_in_viewport()
    widest = "[...document.querySelectorAll('body, .scroll')].map((one) => one.scrollWidth - one.clientWidth)"
    assert max(await page.evaluate(widest)) <= 0
    assert await page.evaluate("document.documentElement.scrollWidth") == 360


async def test_without_the_server_it_says_so_and_keeps_what_it_showed(page: Page, site: Site) -> None:
    trouble = page.locator("#trouble")
    await expect(trouble).to_be_hidden()
    await site.plant.stop_function("dashboard")
    await expect(trouble).to_contain_text("The server cannot be reached")
    await expect(page.locator("#roster tbody tr")).to_have_count(5)
    await expect(page.locator("#freshness")).to_have_text(re.compile(r"Looked at ([5-9]|\d\d) s ago"))
    await site.plant.start_function("dashboard")
    await expect(trouble).to_be_hidden()
