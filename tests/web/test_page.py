"""The pages: what they may do, and that all they need comes from this server."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.web.described import describing


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """The application with its pages."""
    async with describing() as client:
        yield client


async def test_the_root_leads_to_the_api_browser(client: httpx.AsyncClient) -> None:
    """`/` redirects to `/api`."""
    response = await client.get("/")
    assert (response.status_code, response.headers["location"]) == (302, "/api")


@pytest.mark.parametrize("path", ["/api", "/api/stream"])
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
        if "/files/" in name:
            assert file.headers["cache-control"] == "public, max-age=86400"
            assert re.search(r"https?:", file.text) is None or "swagger-ui" in name


async def test_only_listed_files_are_answered(client: httpx.AsyncClient) -> None:
    """Other names are 404, whatever they look like; the licences of others are there."""
    for name in ("page.py", "..%2Fpage.py", "vendor", "swagger-ui.css.map", "%00"):
        assert (await client.get(f"/api/files/{name}")).status_code in (400, 404), name
    for name in ("swagger-ui.LICENSE.txt", "swagger-ui.NOTICE.txt", "swagger-ui-bundle.js.LICENSE.txt"):
        assert (await client.get(f"/api/files/{name}")).status_code == 200


async def test_answers_that_are_no_pages_allow_nothing(client: httpx.AsyncClient) -> None:
    """The policy of everything else stays the strictest."""
    response = await client.get("/openapi.json")
    assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert response.headers["cache-control"] == "no-store"
