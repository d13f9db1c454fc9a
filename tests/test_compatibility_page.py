"""docs/compatibility.md: made from its table, and true of the routes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.write_compatibility import PAGE, read_table, render_page
from tests.web.described import describing

TABLE = read_table()
ROWS = [row for section in TABLE.values() for row in section["rows"]]
COMPATIBLE = (
    "/users",
    "/api/v1/users",
    "/api/v1/token_sign_in",
    "/api/v1/ssouser",
    "/apiv1",
    "/dsns",
    "/devices",
    "/dev/v1",
)


async def list_routes() -> set[str]:
    """Answer the calls that have a route, each with ``{}`` for its variable segments."""
    async with describing() as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    return {plain(f"{method.upper()} {path}") for path, item in paths.items() for method in item}


def plain(call: str) -> str:
    """Write a call without the names of its variable segments."""
    return re.sub(r"\{[^}]*\}", "{}", call)


def test_the_page_is_made_from_the_table() -> None:
    """`make docs` changes nothing."""
    assert PAGE.read_text() == render_page(TABLE), "run make docs"
    assert Path(PAGE).name == "compatibility.md"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["call"])
def test_rows_are_whole(row: dict[str, str]) -> None:
    """A row has a status; one that deviates or is absent says how or why, and one that works has nothing to say."""
    assert row["is"] in ("works", "deviates", "absent")
    assert ("note" in row) == (row["is"] != "works")


async def test_rows_are_true_of_the_routes() -> None:
    """What works or deviates has a route, what is absent has none, and no call stands there twice."""
    routes = await list_routes()
    calls = [plain(row["call"]) for row in ROWS]
    assert len(calls) == len(set(calls))
    assert [row["call"] for row in ROWS if (plain(row["call"]) in routes) != (row["is"] != "absent")] == []


async def test_no_compatible_route_is_missing_from_the_table() -> None:
    """Every route below the paths of the compatible services has a row."""
    calls = {plain(row["call"]) for row in ROWS}
    routes = {route for route in await list_routes() if route.partition(" ")[2].startswith(COMPATIBLE)}
    assert sorted(routes - calls) == []
