"""Take the pictures of the console that the pages show: each view, light and dark, desktop and phone.

`python scripts/screenshots.py [folder]` starts a demo of its own on loopback, makes something happen in it, and writes
`<view>-<light|dark>-<desktop|phone>.png`. Needs Chromium (scripts/need.py). No key and no password is in a picture:
the page hides stream keys until somebody asks for them.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.need import NEEDS  # noqa: E402 (the path above comes first)
from scripts.palette import reduce_colours  # noqa: E402

SCHEMES = ("light", "dark")
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
LED_BOARD, LINUX_BOARD, TRAVELLER = "AC000W000340649", "AC000W005606115", "AC000W000340779"
FOREPLAY_S = 40.0
"""The demo's household does something every few seconds; so long it takes until a plot is worth looking at."""
START_TIMEOUT_S = 30.0


def main() -> None:
    """Take all pictures into the folder that is named, docs/screenshots unless told otherwise."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    chromium = NEEDS["chromium"].find()
    with (
        running_demo() as demo,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium) as browser,
    ):
        sittings = [(name, sit_down(browser, demo, name, folder)) for name in names()]
        make_history(demo)
        for name, (page, live) in sittings:
            take_views(page, demo, folder, name)
            take_live(live, folder, name)
        blank = browser.new_page()
        for path in sorted(folder.glob("*.png")):
            path.write_bytes(reduce_colours(blank, path.read_bytes()))
    total = sum(path.stat().st_size for path in folder.glob("*.png"))
    print(f"{len(list(folder.glob('*.png')))} pictures, {total / 1e6:.1f} MB, in {folder}")


def names() -> list[tuple[str, str]]:
    """List the pairs of a scheme and a size."""
    return [(scheme, size) for scheme in SCHEMES for size in SIZES]


@contextmanager
def running_demo() -> Iterator[dict[str, Any]]:
    """Run a demo for as long as it is needed; answer what is in its file."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "twinstream", "demo", f"--data={folder}/data", "--port=0"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            path = Path(folder) / "data" / "demo.json"
            deadline_s = time.monotonic() + START_TIMEOUT_S
            while not path.exists():
                if process.poll() is not None or time.monotonic() > deadline_s:
                    raise SystemExit("the demo did not start")
                time.sleep(0.1)
            demo: dict[str, Any] = json.loads(path.read_bytes())
            yield demo
        finally:
            process.terminate()
            process.wait(15)


def sit_down(browser: Browser, demo: dict[str, Any], name: tuple[str, str], folder: Path) -> tuple[Page, Page]:
    """Sign in, with a picture of the form; answer that page, and one more that watches from now on."""
    scheme, size = name
    context = browser.new_context(viewport=SIZES[size], color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page, live = context.new_page(), context.new_page()
    for one in (page, live):
        one.goto(demo["url"])
        one.get_by_label("Email").wait_for()
        if one is page:
            shoot(page, folder, "sign-in", name)
        one.get_by_label("Email").fill(demo["email"])
        one.get_by_label("Password", exact=True).fill(demo["password"])
        one.get_by_role("button", name="Sign in").click()
        one.get_by_role("navigation", name="Views").wait_for()
    live.goto(f"{demo['url']}/#/live")
    live.get_by_role("option").first.wait_for()
    return page, live


def make_history(demo: dict[str, Any]) -> None:
    """Switch and set things, so that every view has something to show."""
    with httpx.Client(base_url=demo["url"], timeout=10) as api:
        account = {"user": {"email": demo["email"], "password": demo["password"]}}
        token = api.post("/users/sign_in.json", json=account).raise_for_status().json()["access_token"]
        api.headers["Authorization"] = f"auth_token {token}"
        until_s = time.monotonic() + FOREPLAY_S
        turn = 0
        while time.monotonic() < until_s:
            turn += 1
            for dsn, name, value in (
                (LED_BOARD, "Green_LED", turn % 2),
                (LINUX_BOARD, "Blue_LED", turn // 2 % 2),
                (LINUX_BOARD, "decimal_in", round(20 + turn % 7 * 0.4, 1)),
            ):
                body = {"datapoint": {"value": value}}
                api.post(f"/apiv1/dsns/{dsn}/properties/{name}/datapoints.json", json=body).raise_for_status()
            time.sleep(1.5)


def take_views(page: Page, demo: dict[str, Any], folder: Path, name: tuple[str, str]) -> None:
    """Take every view but the live one."""
    with httpx.Client(base_url=demo["url"], timeout=10) as api:
        account = {"user": {"email": demo["email"], "password": demo["password"]}}
        token = api.post("/users/sign_in.json", json=account).raise_for_status().json()["access_token"]
        listed = api.get("/api/v1/subscriptions.json", headers={"Authorization": f"auth_token {token}"}).json()
    keys = {one["subscription"].get("stream_key"): one["subscription"]["id"] for one in listed}
    datapoints, acknowledgements = (keys[demo["stream_keys"][kind]] for kind in ("datapoint", "datapointack"))
    places = {
        "overview": "overview",
        "twins": "twins",
        "twin": f"twins/{LINUX_BOARD}",
        "history": f"twins/{LINUX_BOARD}?tab=history&property=decimal_out",
        "location": f"twins/{TRAVELLER}?tab=location",
        "connections": f"twins/{LED_BOARD}?tab=connections",
        "streams": "streams",
        "access-rules": "streams?tab=rules",
        "stream": f"streams/{datapoints}",
        "why": f"why?dsn={LINUX_BOARD}&subscription={acknowledgements}",
    }
    for view, place in places.items():
        page.goto(f"{demo['url']}/#/{place}")
        page.get_by_role("heading", level=1).wait_for()
        expect(page.locator(".wait")).to_have_count(0)
        if view == "twin":
            page.get_by_role("switch").click()
            expect(page.get_by_role("status").filter(has_text=re.compile("acknowledged|refused"))).to_be_visible()
        page.evaluate("document.activeElement?.blur()")
        page.wait_for_timeout(600 if view != "overview" else 4_000)  # its plots begin when it is opened
        shoot(page, folder, view, name)


def take_live(page: Page, folder: Path, name: tuple[str, str]) -> None:
    """Take the live view, which has been watching since the beginning, with an event open."""
    shoot(page, folder, "live", name)
    page.get_by_role("option").filter(has_text=re.compile("Blue_LED|Green_LED")).first.click()
    page.get_by_role("region", name=re.compile("^Event ")).wait_for()
    page.locator(".live-rows").evaluate("(rows) => scrollTo(0, rows.offsetTop - 12)")
    page.wait_for_timeout(300)
    shoot(page, folder, "event", name)
    page.context.close()


def shoot(page: Page, folder: Path, view: str, name: tuple[str, str]) -> None:
    """Take what is in sight, with the pointer out of the way."""
    page.mouse.move(0, 0)
    page.screenshot(path=folder / f"{view}-{name[0]}-{name[1]}.png", animations="disabled")


if __name__ == "__main__":
    main()
