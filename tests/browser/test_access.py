"""The console for everybody: by keyboard alone, on a phone, in light and dark, and held against axe's rules."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.person import LED_BOARD, LINUX_BOARD, TRAVELLER, Demo, Person

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.live,
    pytest.mark.asyncio(loop_scope="module"),
]

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
VIEWS = (
    ("overview", "Overview"),
    ("twins", "Twins"),
    (f"twins/{LINUX_BOARD}", "Linux board"),
    (f"twins/{LINUX_BOARD}?tab=history", "Linux board"),
    (f"twins/{TRAVELLER}?tab=location", "Traveller"),
    (f"twins/{LED_BOARD}?tab=connections", "LED board"),
    (f"twins/{LED_BOARD}?tab=attributes", "LED board"),
    ("streams", "Streams"),
    ("streams?tab=rules", "Streams"),
    ("streams/{stream}", "demo"),
    ("live", "Live events"),
    ("why", "Why not?"),
    (f"why?dsn={LED_BOARD}&subscription={{stream}}", "Why not?"),
)
SITTINGS = [
    pytest.param("light", DESKTOP, id="light-desktop"),
    pytest.param("dark", PHONE, id="dark-phone"),
    pytest.param("dark", DESKTOP, id="dark-desktop", marks=pytest.mark.soak),
    pytest.param("light", PHONE, id="light-phone", marks=pytest.mark.soak),
]
"""The first two show every layout and every colour once; the others are the same again, crossed."""


@pytest.mark.parametrize(("scheme", "size"), SITTINGS)
async def test_no_view_shuts_anybody_out(visit: Visit, demo: Demo, scheme: str, size: dict[str, int]) -> None:
    """No view has a serious fault by axe's rules, nor must be scrolled sideways, in either scheme, on either size."""
    person = await visit(viewport=size, color_scheme=scheme)
    person.excuse(re.compile(f"status of 404.*{TRAVELLER}"))  # given up by its user every now and then, for seconds
    await person.open()
    faults = {"sign in": await look(person)}
    await person.sign_in()
    await person.page.get_by_role("navigation", name="Views").wait_for()
    for place, title in VIEWS:
        await person.go(place.format(stream=demo.subscription("datapoint")), title)
        faults[place] = await look(person)
    await person.go(f"live?stream={demo.subscription('datapoint')}", "Live events")
    await expect(person.page.locator(".chip.on")).to_contain_text("live")
    demo.switch(1)
    await person.events().first.click()
    await expect(person.page.get_by_role("region", name=re.compile("^Event "))).to_be_visible()
    faults["an event"] = await look(person)
    await person.go("streams", "Streams")
    await person.page.get_by_role("button", name="New subscription").click()
    await expect(person.page.get_by_role("dialog")).to_be_visible()
    faults["a form"] = await look(person)
    assert {place: found for place, found in faults.items() if found} == {}


async def test_the_chosen_tab_is_in_sight(visit: Visit, demo: Demo) -> None:
    """On a phone the row of tabs moves so far that the chosen one can be read; the page stays at its beginning."""
    person = await visit(viewport=PHONE)
    await person.sign_in()
    await person.page.get_by_role("navigation", name="Views").wait_for()
    await person.go(f"twins/{LED_BOARD}?tab=attributes", "LED board")
    await expect(person.page.get_by_role("tab", name="Attributes")).to_be_in_viewport(ratio=1)
    await person.go(f"streams/{demo.subscription('datapoint')}", "demo")
    await expect(person.page.get_by_role("heading", level=1)).to_be_in_viewport(ratio=1)


async def look(person: Person) -> list[str]:
    """List what is wrong with what is shown."""
    return await person.list_faults() + ["scrolls sideways"] * await person.is_too_wide()


async def test_everything_by_keyboard(visit: Visit, demo: Demo) -> None:
    """Without a mouse one signs in, goes to a twin, toggles a switch, and opens an event in the live view."""
    person = await visit()
    page = person.page
    await person.open()
    await expect(page.get_by_label("Email")).to_be_focused()
    await page.keyboard.type(demo.file.email)
    await page.keyboard.press("Tab")
    await page.keyboard.type(demo.file.password)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name="Overview")).to_be_visible()

    await tab_to(page, "Twins")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name="Twins")).to_be_visible()
    await tab_to(page, "LED board")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name="LED board")).to_be_visible()
    switch = page.get_by_role("switch", name="Red_LED")
    await expect(switch).to_be_visible()
    before = await switch.get_attribute("aria-checked")
    await tab_to(page, "Red_LED", role="switch")
    await page.keyboard.press("Space")
    await expect(switch).to_have_attribute("aria-checked", "false" if before == "true" else "true")

    await tab_to(page, "Live")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name="Live events")).to_be_visible()
    await expect(page.locator(".chip.on", has_text="live").first).to_be_visible()
    demo.switch(1)
    await expect(person.events().first).to_be_visible()
    await tab_to(page, "Events, the newest first")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    opened = page.get_by_role("region", name=re.compile("^Event "))
    await expect(opened).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(opened).to_have_count(0)


async def tab_to(page: Page, name: str, role: str | None = None) -> None:
    """Press Tab until the focus is on what bears a name."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        label, found_role = await page.evaluate(
            """() => {
              const focused = document.activeElement;
              return [focused.getAttribute("aria-label") ?? focused.textContent.trim(), focused.getAttribute("role")];
            }"""
        )
        if label == name and role in (None, found_role):
            return
    raise AssertionError(f"Tab does not come to {name}")


async def test_the_scheme_is_chosen_and_kept(person: Person) -> None:
    """The colours follow the system until light or dark is chosen, which a reload keeps."""
    page = person.page
    colour = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(colour)
    for chosen in ("light", "dark"):
        await page.get_by_role("button", name=re.compile(f"Change to {chosen}$")).click()
    await expect(page.get_by_role("button", name="Colours: dark. Change to system")).to_be_visible()
    await expect(page.locator("body")).not_to_have_css("background-color", light)
    dark = await page.evaluate(colour)
    await page.reload()
    await expect(page.locator("body")).to_have_css("background-color", dark)


async def test_the_page_runs_nothing_foreign(person: Person) -> None:
    """A script that somebody smuggles in is not run: the policy allows files of this server alone."""
    person.excuse(re.compile("Content Security Policy"))
    await person.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.smuggled = true";
          document.body.append(script);
        }"""
    )
    assert await person.page.evaluate("window.smuggled") is None
