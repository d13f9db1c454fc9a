"""Subscriptions and access rules, made, changed and deleted in the console."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.person import Demo, Person

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.live,
    pytest.mark.asyncio(loop_scope="module"),
]


async def test_a_subscription_lives_and_dies(person: Person, demo: Demo) -> None:
    """A subscription is made, renamed, suspended, resumed and deleted; each shows at once what became of it."""
    page = person.page
    await person.go("streams", "Streams")
    await page.get_by_role("button", name="New subscription").click()
    form = page.get_by_role("dialog", name="New subscription")
    await form.get_by_label("Name").fill("lamps")
    await form.get_by_label("Models").fill("ledevb")
    await form.get_by_label("Events per message").fill("10")
    await form.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("heading", level=1, name="lamps")).to_be_visible()
    await expect(page.locator("dl.facts")).to_contain_text("ledevb")

    await page.get_by_role("button", name="Change", exact=True).click()
    form = page.get_by_role("dialog", name="Change the subscription")
    await form.get_by_label("Name").fill("lamps and more")
    await form.get_by_label("Properties").fill("Green_LED")
    await form.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", level=1, name="lamps and more")).to_be_visible()
    await expect(page.locator("dl.facts")).to_contain_text("Green_LED")

    state = page.locator(".tile", has_text="State")
    await page.get_by_role("button", name="Suspend").click()
    await expect(state).to_contain_text("suspended")
    await page.get_by_role("button", name="Resume").click()
    await expect(state).to_contain_text("nobody connected")

    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog", name="Delete the subscription?").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("heading", level=1, name="Streams")).to_be_visible()
    await expect(page.get_by_role("link", name="demo").first).to_be_visible()
    await expect(page.get_by_role("link", name="lamps and more")).to_have_count(0)
    listed = demo.api.get("/api/v1/subscriptions.json").json()
    assert "lamps and more" not in [one["subscription"]["name"] for one in listed]


async def test_a_refused_subscription_says_why(person: Person) -> None:
    """What the server refuses is told inside the form, which keeps what was typed."""
    person.excuse(re.compile("status of 422"))
    await person.go("streams", "Streams")
    await person.page.get_by_role("button", name="New subscription").click()
    form = person.page.get_by_role("dialog", name="New subscription")
    await form.get_by_label("Name").fill("everything")
    await form.get_by_role("button", name="Create").click()
    await expect(form.get_by_role("alert")).to_be_visible()
    await expect(form.get_by_label("Name")).to_have_value("everything")
    await person.page.keyboard.press("Escape")
    await expect(form).to_have_count(0)


async def test_an_access_rule_comes_and_goes(person: Person) -> None:
    """An administrator adds a rule for a role, sees it, and deletes it again."""
    page = person.page
    await person.go("streams?tab=rules", "Streams")
    await page.get_by_label("Role").fill("OEM::Staff")
    await page.get_by_label("Events").select_option("location")
    await page.get_by_label("Models").fill("ledevb")
    await page.get_by_role("button", name="Add the rule").click()
    row = page.get_by_role("row").filter(has_text="OEM::Staff")
    await expect(row).to_contain_text("ledevb")
    await row.get_by_role("button", name="Delete the rule for OEM::Staff, location").click()
    await page.get_by_role("dialog", name="Delete the access rule?").get_by_role("button", name="Delete").click()
    await expect(row).to_have_count(0)


async def test_the_key_is_shown_when_asked_for(person: Person, demo: Demo) -> None:
    """ "Read it yourself" hides the stream key until somebody asks for it; what it copies is whole."""
    key = demo.file.stream_keys["datapoint"]
    await person.go(f"streams/{demo.subscription('datapoint')}", "demo")
    recipe = person.page.get_by_role("tabpanel")
    for tool in ("wscat", "twinstream", "Python", "Node", "curl"):
        await person.page.get_by_role("tab", name=tool, exact=True).click()
        await expect(recipe).to_contain_text("stream_key=•")
        await expect(recipe).not_to_contain_text(key)
    await person.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    copy = person.page.get_by_role("button", name="Copy the stream with curl")
    await copy.click()
    await expect(copy).to_have_text("Copied")
    assert key in await person.page.evaluate("navigator.clipboard.readText()")
    await person.page.get_by_role("button", name="Show the key").click()
    await expect(recipe).to_contain_text(f"stream_key={key}")
