"""A thousand events a second on the live page: it answers clicks, counts every event, and does not grow.

A real server takes the events in batches of 100 and sends each as a message of its own; Chromium reads the stream as
everybody does.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from playwright.async_api import CDPSession, Page, expect

from tests.browser.person import Demo, Person

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.live,
    pytest.mark.asyncio(loop_scope="module"),
]

DSN = "AC000W000000001"
RATE_PER_S = 1_000
BATCH = 100
CLICK_LIMIT_MS = 200.0
"""The issue's figure: the page answers a click within this."""
NODES_LIMIT = 1_500
"""Elements of the whole page, whatever has come: some 40 rows, the chips, the plot."""
HEAP_LIMIT_BYTES = 64 * 2**20
GROWTH_LIMIT_BYTES = 8 * 2**20
"""What the heap may grow over 40 s, in which 40,000 events come: less than 5,000 of them occupy."""


@pytest.fixture
def stream(demo: Demo) -> Iterator[int]:
    """A subscription to a device that nothing simulates, so that nothing echoes what is sent to it."""
    device = {
        "dsn": DSN,
        "oem_model": "gauge",
        "properties": [{"name": "level", "base_type": "integer", "direction": "input"}],
    }
    with demo.server.operator() as operator:
        operator.post(f"/admin/v1/oems/{demo.file.oem_id}/devices", json=device).raise_for_status()
    demo.api.post("/apiv1/devices.json", json={"device": {"dsn": DSN}})  # again, after an earlier test: already there
    terms = {
        "name": "gauge",
        "client_type": "cloud",
        "subscription_type": "datapoint",
        "dsn": DSN,
        "oem_model": "*",
        "property_name": "*",
        "batch_size": 1,
    }
    made = demo.api.post("/api/v1/subscriptions.json", json={"subscription": terms}).raise_for_status()
    made_id: int = made.json()["subscription"]["id"]
    yield made_id
    demo.api.delete(f"/api/v1/subscriptions/{made_id}.json").raise_for_status()


async def test_a_burst_is_counted_whole(person: Person, demo: Demo, stream: int) -> None:
    """Of 8 s at 1,000 events a second none is missing or twice; only the rows in sight exist; the heap is bounded."""
    await watch(person, stream)
    async with feeding(demo, 8):
        pass
    await expect_total(person.page, 8 * RATE_PER_S)
    assert await count_nodes(person.page) < NODES_LIMIT
    assert await measure_heap(await person.page.context.new_cdp_session(person.page)) < HEAP_LIMIT_BYTES


@pytest.mark.soak
async def test_a_minute_leaves_the_page_awake(
    person: Person, demo: Demo, stream: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over 60 s at 1,000 events a second 95 of 100 clicks are answered within 200 ms, and memory stays where it was."""
    page = person.page
    await watch(person, stream)
    session = await page.context.new_cdp_session(page)
    await page.evaluate(TIMING)
    async with feeding(demo, 60):
        began_s = time.monotonic()
        await click_until(page, began_s + 20)
        early_bytes = await measure_heap(session)
        await click_until(page, began_s + 59)
    await expect_total(page, 60 * RATE_PER_S)
    late_bytes = await measure_heap(session)
    nodes = await count_nodes(page)
    answered_ms = sorted(await page.evaluate("answered"))
    percentiles = statistics.quantiles(answered_ms, n=100)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(answered_ms)} clicks: p50 {percentiles[49]:.0f} ms, p95 {percentiles[94]:.0f} ms,"
            f" longest {answered_ms[-1]:.0f} ms; heap {early_bytes / 2**20:.1f} MB after 20 s,"
            f" {late_bytes / 2**20:.1f} MB after 60 s; {nodes} elements\n"
        )
    assert len(answered_ms) > 100
    assert percentiles[94] < CLICK_LIMIT_MS
    assert late_bytes - early_bytes < GROWTH_LIMIT_BYTES
    assert nodes < NODES_LIMIT


TIMING = """() => {
  window.answered = [];
  addEventListener("click", ({ timeStamp }) => {
    requestAnimationFrame(() => {
      const painted = new MessageChannel();
      painted.port1.onmessage = () => answered.push(performance.now() - timeStamp);
      painted.port2.postMessage(null);
    });
  }, true);
}"""
"""From the click, as the browser stamped it, until the frame behind its handlers has been painted, ms."""


async def watch(person: Person, stream: int) -> None:
    """Open the live view on one stream."""
    await person.go(f"live?stream={stream}", "Live events")
    await expect(person.page.locator(".chip.on")).to_contain_text("live")


@asynccontextmanager
async def feeding(demo: Demo, seconds: int) -> AsyncIterator[None]:
    """Send at the rate for so long; the block runs meanwhile; at the end all has been accepted."""
    async with (
        httpx.AsyncClient(base_url=demo.url, headers=demo.api.headers, timeout=30) as api,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(feed(api, seconds))
        yield


async def feed(api: httpx.AsyncClient, seconds: int) -> None:
    """Post batches by the clock; what is late is made up for."""
    began_s = time.monotonic()
    for turn in range(seconds * RATE_PER_S // BATCH):
        first = turn * BATCH
        await asyncio.sleep(began_s + first / RATE_PER_S - time.monotonic())
        items = [{"dsn": DSN, "name": "level", "datapoint": {"value": first + one}} for one in range(BATCH)]
        answer = await api.post("/apiv1/batch_datapoints.json", json={"batch_datapoints": items})
        assert {row["status"] for row in answer.raise_for_status().json()} == {201}


async def click_until(page: Page, until_s: float) -> None:
    """Pause, go on, open an event, close it: over and over."""
    while time.monotonic() < until_s:
        await page.get_by_role("button", name="Pause").click()
        await page.get_by_role("option").nth(3).click()
        await page.get_by_role("button", name="Close").click()
        await page.get_by_role("button", name=re.compile("^Go on")).click()


async def expect_total(page: Page, events: int) -> None:
    """Wait until the page has counted so many, and hold the newest number against it."""
    await expect(page.locator(".chip.on")).to_contain_text(f"{events:,} events ·", timeout=30_000)
    await expect(page.locator(".chip.on")).not_to_contain_text("gap")
    await expect(page.locator(".event .seq").first).to_have_text(f"#{events}")


async def count_nodes(page: Page) -> int:
    """Count the elements of the page."""
    count: int = await page.evaluate("document.querySelectorAll('*').length")
    return count


async def measure_heap(session: CDPSession) -> int:
    """Collect garbage; answer the bytes of the heap that are in use."""
    await session.send("HeapProfiler.collectGarbage")
    usage = await session.send("Runtime.getHeapUsage")
    return int(usage["usedSize"])
