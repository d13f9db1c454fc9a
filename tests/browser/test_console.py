"""The console, used as a person uses it: signing in, switching, watching, and what happens when the server dies."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Visit
from tests.browser.person import KILLED, LED_BOARD, LINUX_BOARD, REFUSED, Demo, Person

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.live,
    pytest.mark.asyncio(loop_scope="module"),
]


async def test_a_wrong_password_is_told(visit: Visit) -> None:
    """Who mistypes the password reads that it is wrong, and may try again at once."""
    person = await visit()
    person.excuse(REFUSED)
    await person.sign_in("not the password")
    await expect(person.page.get_by_role("alert")).to_be_visible()
    await person.sign_in()
    await expect(person.page.get_by_role("heading", level=1, name="Overview")).to_be_visible()


async def test_nothing_of_who_signed_out_is_left_for_the_next(visit: Visit) -> None:
    """Not even if the subscription for their live view is answered only after they have signed out."""
    person = await visit()
    person.excuse(REFUSED)  # views that refresh themselves just then
    page, answers = person.page, asyncio.Event()

    async def hold_back(route: Route) -> None:
        answer = await route.fetch()
        if route.request.method == "POST":
            await answers.wait()
        await route.fulfill(response=answer)

    await page.route("**/api/v1/subscriptions.json", hold_back)
    await person.sign_in()
    async with page.expect_request(lambda asked: asked.method == "POST" and "subscriptions" in asked.url):
        await page.get_by_role("link", name="Twins", exact=True).click()
    await page.get_by_role("heading", level=1, name="Twins").wait_for()
    async with page.expect_response(lambda answer: answer.request.method == "POST" and "subscriptions" in answer.url):
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("button", name="Sign in").wait_for()
        answers.set()
    await page.evaluate("new Promise((done) => setTimeout(done, 100))")  # the page has its turn with the answer
    assert await page.evaluate("Object.keys(sessionStorage)") == []


async def test_a_switch_is_echoed_and_seen_live(person: Person, demo: Demo) -> None:
    """Switching an LED sends a datapoint: the device echoes it, and the live view shows both."""
    await person.go(f"live?stream={demo.subscription('datapoint')}", "Live events")
    await expect(person.page.locator(".chip.on")).to_contain_text("live")
    watcher = person.page
    other = await watcher.context.new_page()
    someone = Person(other, demo)
    await someone.sign_in()
    await someone.go(f"twins/{LED_BOARD}", "LED board")
    switch = other.get_by_role("switch", name="Red_LED")
    was_on = await switch.get_attribute("aria-checked") == "true"
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "false" if was_on else "true")
    outcome = other.locator(".property", has=switch).get_by_role("status")
    await expect(outcome).to_have_text("acknowledged")
    value = "off" if was_on else "on"
    await expect(person.events().filter(has_text=f"Red_LED = {value}").first).to_be_visible()
    await expect(person.events().filter(has_text=f"Red_LED = {value} (echo)").first).to_be_visible()
    assert someone.complaints == []


async def test_an_acknowledgement_arrives(person: Person, demo: Demo) -> None:
    """Of a property that is acknowledged one sees that the device is waited for, and then its answer, live too."""
    await person.go(f"twins/{LINUX_BOARD}", "Linux board")
    switch = person.page.get_by_role("switch", name="Blue_LED")
    await switch.click()
    outcome = person.page.locator(".property", has=switch).get_by_role("status")
    await expect(outcome).to_have_text(re.compile("acknowledged|refused"))
    await person.go(f"live?stream={demo.subscription('datapointack')}", "Live events")
    await expect(person.page.locator(".chip.on")).to_contain_text("live")
    demo.switch(1, dsn=LINUX_BOARD, name="Blue_LED")
    await expect(
        person.events().filter(has_text=re.compile("Blue_LED = on (acknowledged|refused)")).first
    ).to_be_visible()


async def test_a_killed_server_leaves_no_gap(visit: Visit, demo: Demo) -> None:
    """A dead server is told as reconnecting; when it is back, the view goes on where it was: its numbers are dense."""
    person = await visit(viewport={"width": 1280, "height": 2000})
    person.excuse(KILLED)
    await person.sign_in()
    await person.go(f"live?stream={demo.subscription('datapoint')}", "Live events")
    chip = person.page.locator(".chip.on")
    await expect(chip).to_contain_text("live")
    demo.switch(1)
    await expect(person.events().filter(has_text="Green_LED = on (echo)").first).to_be_visible()
    before = await person.numbers()
    demo.server.kill()
    await expect(chip).to_contain_text("reconnecting")
    demo.restart()
    demo.switch(0)
    await expect(chip).to_contain_text("live")
    await expect(person.events().filter(has_text="Green_LED = off (echo)").first).to_be_visible()
    after = await person.numbers()
    assert after[0] > before[0]
    assert after == list(range(after[0], after[-1] - 1, -1))
    assert after[-1] <= before[0]
    await expect(chip).not_to_contain_text("gap")


async def test_a_range_is_told_again(person: Person, demo: Demo) -> None:
    """A replay brings exactly the numbers from the first to the last, ends, and lets one go back to live."""
    stream = demo.subscription("datapoint")
    await person.go(f"live?stream={stream}", "Live events")
    for value in (1, 0, 1):
        demo.switch(value)
    await person.page.get_by_label("First seq").fill("2")
    await person.page.get_by_label("Last seq").fill("5")
    await person.page.get_by_role("button", name="Replay").click()
    await expect(person.page.locator(".chip.on")).to_contain_text("the range is complete")
    await expect(person.events()).to_have_count(4)
    assert await person.numbers() == [5, 4, 3, 2]
    await person.page.get_by_role("button", name="Back to live").click()
    await expect(person.page.locator(".chip.on")).to_contain_text("live")


async def test_looking_acknowledges_nothing(person: Person, demo: Demo) -> None:
    """Watching, answering heartbeats and replaying leave the acknowledged number where a collector left it."""
    stream = demo.subscription("datapoint")
    before = demo.status(stream)
    await person.go(f"live?stream={stream}", "Live events")
    demo.switch(1)
    await expect(person.events().first).to_be_visible()
    await expect(person.page.locator(".chip.on")).to_contain_text(re.compile(r"[2-9] heartbeats"))
    await person.page.get_by_label("First seq").fill("1")
    await person.page.get_by_role("button", name="Replay").click()
    await expect(person.events().filter(has_text="#1").first).to_be_attached()
    after = demo.status(stream)
    assert after["acknowledged_seq"] == before["acknowledged_seq"]
    assert int(after["newest_seq"]) > int(before["newest_seq"])


async def test_an_event_opens(person: Person, demo: Demo) -> None:
    """An event opens to its JSON and its raw frame, whose length is checked."""
    await person.go(f"live?stream={demo.subscription('datapoint')}", "Live events")
    await expect(person.page.locator(".chip.on")).to_contain_text("live")
    demo.switch(1)
    await person.events().filter(has_text="Green_LED").first.click()
    opened = person.page.get_by_role("region", name=re.compile("^Event "))
    frame = await opened.get_by_label("the frame as it came", exact=True).text_content()
    assert frame is not None
    length, _, text = frame.partition("|")
    assert int(length) == len(text.encode())
    await expect(opened).to_contain_text(f"{length} says the length, and it is")
    await expect(opened.get_by_label("the event as JSON", exact=True)).to_contain_text('"property_name": "Green_LED"')
    await opened.get_by_role("button", name="Close").click()
    await expect(opened).to_have_count(0)


async def test_pausing_holds_and_filtering_hides(person: Person, demo: Demo) -> None:
    """While paused nothing moves, and what came is shown afterwards; a filter shows only what contains its words."""
    await person.go(f"live?stream={demo.subscription('datapoint')}", "Live events")
    await expect(person.page.locator(".chip.on")).to_contain_text("live")
    demo.switch(0)
    await expect(person.events().filter(has_text="Green_LED = off").first).to_be_visible()
    await person.page.get_by_role("button", name="Pause").click()
    await expect(person.page.get_by_role("button", name=re.compile("^Go on"))).to_be_visible()
    shown = await person.numbers()
    demo.switch(1, name="Red_LED")
    go_on = person.page.get_by_role("button", name=re.compile(r"Go on \([2-9]\d* held\)"))
    await expect(go_on).to_be_visible()
    assert await person.numbers() == shown
    await go_on.click()
    await expect(person.events().filter(has_text="Red_LED = on").first).to_be_visible()
    await person.page.get_by_role("searchbox").fill("red_led")
    await expect(person.events().filter(has_text="Green_LED")).to_have_count(0)
    await expect(person.events().filter(has_text="Red_LED").first).to_be_visible()


async def test_an_expired_token_is_replaced_unseen(person: Person) -> None:
    """When the access token is no longer good, the page gets itself a new one, and nobody notices."""
    person.excuse(REFUSED)
    await forget(person, "access_token")
    await person.go("twins", "Twins")
    await expect(person.page.get_by_role("link", name="LED board")).to_be_visible()


async def test_an_ended_session_says_so(person: Person) -> None:
    """When the tokens are no longer good, the sign-in form is back, and says why."""
    person.excuse(REFUSED)
    await forget(person, "access_token", "refresh_token")
    await person.page.goto(f"{person.demo.url}/#/twins")
    await expect(person.page.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(person.page.get_by_text("Your session has ended. Sign in again.")).to_be_visible()


async def forget(person: Person, *tokens: str) -> None:
    """Make tokens worthless, as time does, in the tab and in the page that it loads next."""
    await person.page.evaluate(
        """(tokens) => {
          const session = JSON.parse(sessionStorage.getItem("twinstream.session"));
          for (const token of tokens) session[token] = "0".repeat(32);
          sessionStorage.setItem("twinstream.session", JSON.stringify(session));
        }""",
        list(tokens),
    )
    await person.page.reload()


async def test_tokens_stay_in_the_tab(person: Person) -> None:
    """Tokens are in sessionStorage alone: no cookie, nothing in localStorage; signing out forgets them."""
    assert await person.page.context.cookies() == []
    assert await person.page.evaluate("Object.keys(localStorage)") == ["twinstream.theme"]
    await person.page.get_by_role("button", name="Sign out").click()
    await expect(person.page.get_by_role("button", name="Sign in")).to_be_visible()
    assert await person.page.evaluate("Object.keys(sessionStorage)") == []
