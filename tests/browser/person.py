"""A person at the console: a tab of a browser, what went wrong in it, and what people do in every view.

Invariant: whatever the page complains of (errors of scripts, refusals by the policy, answers that are errors, requests
that leave the server) is kept in ``complaints``, unless the test said before that it must come.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import httpx
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import ConsoleMessage, Error, Locator, Page, Request, expect

from tests.live.server import START_TIMEOUT_S, ServerProcess
from twinstream.demo import DemoFile, read_demo_file

LED_BOARD, LINUX_BOARD, TRAVELLER = "AC000W000340649", "AC000W005606115", "AC000W000340779"
KILLED = re.compile(r"net::ERR_|WebSocket connection to")
"""What a browser writes when a server is gone, whatever the page does about it."""
REFUSED = re.compile(r"status of 401")

expect.set_options(timeout=15_000)


class Demo:
    """The running demo, its file, and its API in the name of its user."""

    def __init__(self, data: Path, settings: str) -> None:
        """Start it; ``settings`` are lines of the settings file."""
        data.parent.mkdir(parents=True, exist_ok=True)
        self.config = data.with_name("settings.toml")
        self.config.write_text(settings)
        self.data = data
        self.server = ServerProcess(data, demo=True, config=self.config)
        self.file = self._await_file()
        self.api = self._sign_in()

    @property
    def url(self) -> str:
        """Where the console is."""
        return self.server.url

    def restart(self) -> None:
        """Start it again after its end, on the same port, with the same data."""
        host_and_port = self.server.address
        self.server = ServerProcess(self.data, demo=True, config=self.config, port=host_and_port[1])
        self._await_file()

    def stop(self) -> None:
        """End it."""
        self.api.close()
        self.server.stop()

    def status(self, subscription_id: int) -> dict[str, Any]:
        """How far a subscription is."""
        answer = self.api.get(f"/api/v1/subscriptions/{subscription_id}/status.json")
        status: dict[str, Any] = answer.raise_for_status().json()["status"]
        return status

    def subscription(self, kind: str) -> int:
        """The id of the demo's own subscription to a type of events."""
        listed = self.api.get("/api/v1/subscriptions.json").raise_for_status().json()
        keys = {one["subscription"]["stream_key"]: one["subscription"]["id"] for one in listed}
        found: int = keys[self.file.stream_keys[kind]]
        return found

    def switch(self, value: int, *, dsn: str = LED_BOARD, name: str = "Green_LED") -> None:
        """Send a datapoint."""
        body = {"datapoint": {"value": value}}
        self.api.post(f"/apiv1/dsns/{dsn}/properties/{name}/datapoints.json", json=body).raise_for_status()

    def _sign_in(self) -> httpx.Client:
        api = httpx.Client(base_url=self.url, timeout=10)
        body = {"user": {"email": self.file.email, "password": self.file.password}}
        token = api.post("/users/sign_in.json", json=body).raise_for_status().json()["access_token"]
        api.headers["Authorization"] = f"auth_token {token}"
        return api

    def _await_file(self) -> DemoFile:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s and self.server.process.poll() is None:
            file = read_demo_file(self.data / "demo.json")
            if file is not None and file.url == self.url:
                return file
            time.sleep(0.02)
        raise AssertionError(f"no demo.json for {self.url}: {self.server.log.read_text()}")


class Person:
    """Someone with a tab open. `sign_in` first; then `go` where you like, and do what `page` allows."""

    def __init__(self, page: Page, demo: Demo) -> None:
        self.page = page
        self.demo = demo
        self.complaints: list[str] = []
        self._excuses: list[re.Pattern[str]] = []
        page.on("console", self._hear)
        page.on("pageerror", self._fail)
        page.on("request", self._see)

    def excuse(self, pattern: re.Pattern[str]) -> None:
        """Say that complaints like this are to come."""
        self._excuses.append(pattern)

    async def open(self) -> None:
        """Open the console."""
        await self.page.goto(self.demo.url)

    async def sign_in(self, password: str | None = None) -> None:
        """Open the console and sign in with the demo's own account."""
        await self.open()
        await self.page.get_by_label("Email").fill(self.demo.file.email)
        await self.page.get_by_label("Password", exact=True).fill(password or self.demo.file.password)
        await self.page.get_by_role("button", name="Sign in").click()

    async def go(self, place: str, title: str | re.Pattern[str]) -> None:
        """Go to a place such as ``twins?x=y``, until its title is there and nothing is still loading."""
        await self.page.goto(f"{self.demo.url}/#/{place}")
        await expect(self.page.get_by_role("heading", level=1, name=title)).to_be_visible()
        await expect(self.page.locator(".wait")).to_have_count(0)

    def events(self) -> Locator:
        """The rows of the live view, the newest first."""
        return self.page.get_by_role("option")

    async def numbers(self) -> list[int]:
        """The numbers in the rows of the live view, the newest first."""
        return [int(text.strip("#")) for text in await self.page.locator(".event .seq").all_text_contents()]

    async def is_too_wide(self) -> bool:
        """Tell whether the page can be scrolled sideways."""
        wide: bool = await self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        return wide

    async def list_faults(self) -> list[str]:
        """Ask axe; answer its serious and critical violations, with the elements."""
        found = (await Axe().run(self.page)).response["violations"]
        return [
            f"{one['id']}: {one['help']}: {node['html'][:160]} {node.get('failureSummary')}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"][:3]
        ]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complain(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _fail(self, error: Error) -> None:
        self._complain(f"script: {error.stack}")

    def _see(self, request: Request) -> None:
        if not request.url.startswith((self.demo.url, "data:", "blob:")):
            self._complain(f"asked another server: {request.url}")

    def _complain(self, complaint: str) -> None:
        if not any(pattern.search(complaint) for pattern in self._excuses):
            self.complaints.append(complaint)
