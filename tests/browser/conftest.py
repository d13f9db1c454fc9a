"""What the tests in a browser share: one demo and one Chromium for each module, and a tab for each test.

Playwright runs on the module's event loop (its synchronous form would leave a loop running in the main thread, and
break every asynchronous test behind it). A complaint of the page fails its test: see `tests.browser.person`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from scripts.need import NEEDS
from tests.browser.person import Demo, Person

Visit = Callable[..., Awaitable[Person]]

SETTINGS = "heartbeat_interval_s = 1\n"
"""Often enough that a test sees heartbeats answered."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo, running."""
    demo = Demo(tmp_path_factory.mktemp("demo") / "data", SETTINGS)
    try:
        yield demo
    finally:
        demo.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, without a window (and without its sandbox, as Playwright does by default)."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=NEEDS["chromium"].find())
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Browser, demo: Demo) -> AsyncIterator[Visit]:
    """Open a tab as a new person, with the options of a browser's context; no complaint may be left at the end."""
    people: list[Person] = []

    async def open_tab(**options: Any) -> Person:
        context = await browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
        person = Person(await context.new_page(), demo)
        people.append(person)
        return person

    yield open_tab
    for person in people:
        await person.page.context.close()
    assert [person.complaints for person in people] == [[] for _ in people]


@pytest_asyncio.fixture(loop_scope="module")
async def person(visit: Visit) -> Person:
    """Someone signed in."""
    person = await visit()
    await person.sign_in()
    await person.page.get_by_role("navigation", name="Views").wait_for()
    return person
