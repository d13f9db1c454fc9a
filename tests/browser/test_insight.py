"""Overview, "Why not?", the map, and files of a twin: what the console tells besides the events themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.person import KILLED, LED_BOARD, LINUX_BOARD, TRAVELLER, Demo, Person

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.live,
    pytest.mark.asyncio(loop_scope="module"),
]


async def test_the_overview_counts_and_names_who_is_behind(person: Person) -> None:
    """Devices, a plot of the rates, and every subscriber with what it has not read."""
    await person.go("overview", "Overview")
    tiles = person.page.locator(".tile")
    await expect(tiles.filter(has_text="Devices online")).to_contain_text("of 3")
    await expect(tiles.filter(has_text="Events in")).to_contain_text(re.compile(r"\d"))
    rows = person.page.get_by_role("region", name="Subscribers").get_by_role("row")
    await expect(rows).to_have_count(6)
    await expect(rows.filter(has_text="demo datapointack")).to_contain_text("nobody connected")
    await expect(
        person.page.get_by_role("img", name=re.compile("^Events per second: .* out at present"))
    ).to_be_visible()
    await rows.get_by_role("link", name="demo location").click()
    await expect(person.page.get_by_role("heading", level=1)).to_have_text("demo location")


async def test_the_overview_says_when_the_server_is_away(person: Person, demo: Demo) -> None:
    """What it knew stays in sight, and it comes back by itself."""
    person.excuse(KILLED)
    await person.go("overview", "Overview")
    state = person.page.locator(".heading").get_by_role("status")
    await expect(state).to_have_text("up to date")
    demo.server.kill()
    await expect(state).to_have_text("reconnecting")
    await expect(person.page.locator(".tile").first).to_contain_text("of 3")
    demo.restart()
    await expect(state).to_have_text("up to date")


async def test_why_an_event_did_not_come(person: Person, demo: Demo) -> None:
    """One chooses a subscription and a device, and reads of each event what kept it out; it opens to its JSON."""
    demo.switch(1)
    await person.go("why", "Why not?")
    page = person.page
    await page.get_by_label("Subscription").select_option(label="demo location")
    await page.get_by_label("Device").fill(LED_BOARD)
    await page.get_by_label("Event", exact=True).select_option("datapoint")
    await page.get_by_role("button", name="Ask").click()
    verdict = page.get_by_role("list", name=re.compile("^Verdicts")).get_by_role("listitem").first
    await expect(verdict).to_contain_text("not matched")
    await expect(verdict).to_contain_text("It is a datapoint event; the subscription is for location.")
    await verdict.get_by_text("The event as JSON").click()
    await expect(verdict.get_by_label("the event as JSON", exact=True)).to_contain_text(f'"dsn": "{LED_BOARD}"')
    await page.get_by_label("Subscription").select_option(label="demo datapoint")
    await page.get_by_role("button", name="Ask").click()
    await expect(verdict).to_contain_text(re.compile(r"number \d+"))
    await page.get_by_label("Device").fill("AC000W999999999")
    await page.get_by_role("button", name="Ask").click()
    await expect(page.get_by_text("No such event")).to_be_visible()


async def test_who_else_gets_an_event(person: Person, demo: Demo) -> None:
    """From an event in the live view one comes to the verdicts of all own subscriptions on that very event."""
    page, stream = person.page, demo.subscription("datapoint")
    await person.go(f"live?stream={stream}", "Live events")
    await expect(page.locator(".chip.on")).to_contain_text("live")
    demo.switch(1)
    await person.events().filter(has_text="Green_LED").first.click()
    heading = await page.get_by_role("heading", name=re.compile("^Event ")).inner_text()
    number = heading.split()[1]
    await page.get_by_role("link", name="Who else gets it?").click()
    rows = page.get_by_role("region", name="What each subscription makes of the event").get_by_role("row")
    await expect(rows).to_have_count(6)
    await expect(rows.filter(has_text=re.compile("datapoint.*number"))).to_contain_text(f"number {number}")
    await expect(rows.filter(has_text="not matched")).to_have_count(4)


async def test_a_twin_is_on_the_map(person: Person) -> None:
    """With the land around it, near or far."""
    person.excuse(re.compile(f"status of 404.*{TRAVELLER}"))  # given up by its user every now and then, for seconds
    await person.go(f"twins/{TRAVELLER}?tab=location", "Traveller")
    page = person.page
    await expect(
        page.get_by_role("img", name=re.compile(r"^A map with a mark at 44\.\d+° N 69\.\d+° W"))
    ).to_be_visible()
    await expect(page.locator(".map .land")).to_have_attribute("d", re.compile(r"^M\d+ \d+l"))
    world = page.get_by_role("button", name="World")
    await world.click()
    await expect(world).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(".map")).to_have_attribute("viewBox", "0 0 3600 1800")


async def test_files_open_and_are_downloaded(person: Person, tmp_path: Path) -> None:
    """A file of a twin is shown as text on demand, and can be had whole."""
    await person.go(f"twins/{LINUX_BOARD}", "Linux board")
    property = person.page.locator(".property").filter(has_text="log_file")
    await property.get_by_role("button", name="Open log_file").click()
    await expect(property.get_by_label("log_file", exact=True)).to_contain_text("Blue_LED = ")
    async with person.page.expect_download() as downloading:
        await property.get_by_role("link", name="Download").click()
    download = await downloading.value
    await download.save_as(tmp_path / "log")
    assert (tmp_path / "log").read_text().startswith("Blue_LED = ")


async def test_twins_are_found_by_name_and_presence(person: Person) -> None:
    """Typing narrows the list; so does asking for one kind of presence."""
    await person.go("twins", "Twins")
    page = person.page
    rows = page.get_by_role("region", name="Twins").get_by_role("row")
    await page.get_by_label("Search twins").fill("linux")
    await expect(rows).to_have_count(2)
    await expect(rows.last).to_contain_text("Linux board")
    await page.get_by_label("Presence").select_option("offline")
    await expect(page.get_by_text("No twin matches")).to_be_visible()
