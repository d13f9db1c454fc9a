"""The pages: what they may do, and that all they need comes from this server."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from urllib.parse import urljoin

import httpx
import pytest

from tests.web.described import describing


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """The application with its pages."""
    async with describing() as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/api", "/api/stream"])
async def test_pages_need_nothing_from_elsewhere(client: httpx.AsyncClient, path: str) -> None:
    """A page allows only scripts and styles of this server, holds none itself, and all that it names is there."""
    response = await client.get(path)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    (policy,) = response.headers.get_list("content-security-policy")
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    assert re.findall(r"<style|\son\w+=|style=|<script(?![^>]* src=)|//", response.text) == []
    for name in re.findall(r'(?:src|href)="(/[^"]*)"', response.text):
        file = await client.get(name)
        assert file.status_code == 200, name
        if name.startswith("/console/"):
            assert file.headers["cache-control"] == "no-cache"
            assert re.search(r"https?:", file.text.replace("http://www.w3.org/2000/svg", "")) is None
        elif "/files/" in name:
            assert file.headers["cache-control"] == "public, max-age=86400"
            assert re.search(r"https?:", file.text) is None or "swagger-ui" in name


async def test_modules_of_the_console_name_only_one_another(client: httpx.AsyncClient) -> None:
    """From the first module on, everything imported is a file of the console; our own hold no address and no markup."""
    seen: set[str] = set()
    waiting = {"/console/main.js"}
    while waiting:
        name = waiting.pop()
        seen.add(name)
        file = await client.get(name)
        assert (file.status_code, file.headers["content-type"]) == (200, "text/javascript; charset=utf-8"), name
        names = re.findall(r"""^(?:import|export)\b[^;]*?from ?"([^"]+)\"""", file.text, re.MULTILINE)
        assert all(imported.startswith(".") for imported in names), name
        waiting |= {urljoin(name, imported) for imported in names} - seen
        if "/vendor/" not in name:
            assert re.search(r"https?:(?!\$|\")|innerHTML|outerHTML|insertAdjacent|\beval\(", file.text) is None, name
    assert {"/console/vendor/preact.js", "/console/vendor/htm.js"} <= seen


async def test_a_file_of_the_console_is_sent_again_only_if_it_changed(client: httpx.AsyncClient) -> None:
    """Its ETag answers 304; another one gets the file."""
    first = await client.get("/console/main.js")
    again = await client.get("/console/main.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await client.get("/console/main.js", headers={"if-none-match": '"old"'})).content == first.content


async def test_only_listed_files_are_answered(client: httpx.AsyncClient) -> None:
    """Other names are 404, whatever they look like; the licences of others are there."""
    for name in ("page.py", "..%2Fpage.py", "vendor", "swagger-ui.css.map", "%00"):
        assert (await client.get(f"/api/files/{name}")).status_code in (400, 404), name
        assert (await client.get(f"/console/{name}")).status_code in (400, 404), name
    for name in ("preact.LICENSE.txt", "htm.LICENSE.txt", "uplot.LICENSE.txt", "uplot.VERSION.txt"):
        assert (await client.get(f"/console/vendor/{name}")).status_code == 200
    for name in ("swagger-ui.LICENSE.txt", "swagger-ui.NOTICE.txt", "swagger-ui-bundle.js.LICENSE.txt"):
        assert (await client.get(f"/api/files/{name}")).status_code == 200


async def test_answers_that_are_no_pages_allow_nothing(client: httpx.AsyncClient) -> None:
    """The policy of everything else stays the strictest."""
    response = await client.get("/openapi.json")
    assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert response.headers["cache-control"] == "no-store"
