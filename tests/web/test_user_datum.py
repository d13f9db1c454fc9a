"""`/api/v1/users/data`, and the contacts that nobody has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api

DATA = "/api/v1/users/data"


def _of(key: str, value: Any) -> dict[str, Any]:
    return {"datum": {"key": key, "value": value}}


async def test_a_datum_of_ones_own(api: Api) -> None:
    """It is created, read, listed by pattern, changed and deleted, with and without `.json`."""
    ana = await api.join("aaaaaaaa", "ana")
    await api.call(404, "GET", f"{DATA}/table.json", headers=ana)
    made = await api.call(201, "POST", f"{DATA}.json", _of("table", '{"a": 1}'), headers=ana)
    assert list(made["datum"]) == ["key", "value", "created_at", "updated_at"]
    assert await api.call(200, "GET", f"{DATA}/table", headers=ana) == made
    await api.call(409, "POST", DATA, _of("table", "x"), headers=ana)
    await api.call(201, "POST", DATA, _of("chair", "x"), headers=ana)
    for query, keys in (
        ("", ["chair", "table"]),
        ("?keys=%25ab%25", ["table"]),
        ("?keys[]=chair&keys[]=no", ["chair"]),
    ):
        listed = await api.call(200, "GET", f"{DATA}.json{query}", headers=ana)
        assert [entry["datum"]["key"] for entry in listed] == keys
    changed = await api.call(200, "PUT", f"{DATA}/table.json", {"datum": {"value": "new"}}, headers=ana)
    assert changed["datum"]["value"] == "new"
    await api.call(200, "DELETE", f"{DATA}/table.json", headers=ana)
    await api.call(404, "PUT", f"{DATA}/table", {"datum": {"value": "new"}}, headers=ana)
    await api.call(404, "DELETE", f"{DATA}/table", headers=ana)


async def test_nobody_sees_anothers(api: Api) -> None:
    """Whatever a user's metadata says, it is not there for others, and their writing does not touch it."""
    ana, bob = await api.join("aaaaaaaa", "ana"), await api.join("aaaaaaaa", "bob")
    await api.call(201, "POST", DATA, _of("table", "ana's"), headers=ana)
    assert await api.call(200, "GET", DATA, headers=bob) == []
    for method, body in (("GET", None), ("PUT", {"datum": {"value": "bob's"}}), ("DELETE", None)):
        await api.call(404, method, f"{DATA}/table", body, headers=bob)
        await api.call(401, method, f"{DATA}/table", body)
    await api.call(201, "POST", DATA, _of("table", "bob's"), headers=bob)
    assert (await api.call(200, "GET", f"{DATA}/table", headers=ana))["datum"]["value"] == "ana's"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "datum"),
        (_of("", "x"), "key"),
        (_of("a/b", "x"), "key"),
        (_of("a.json", "x"), "key"),
        (_of("a", 7), "value"),
        (_of("a", None), "value"),
        (_of("a", "x" * 70_000), "value"),
    ],
)
async def test_data_that_cannot_be(api: Api, body: Any, field: str) -> None:
    """What is wrong is told by name."""
    ana = await api.join("aaaaaaaa", "ana")
    assert (await api.call(422, "POST", DATA, body, headers=ana))["field"] == field


async def test_there_are_no_contacts(api: Api) -> None:
    """Clients that ask at their start get an empty list."""
    assert await api.call(200, "GET", "/api/v1/users/contacts.json", headers=await api.join("aaaaaaaa", "ana")) == []
    await api.call(401, "GET", "/api/v1/users/contacts")
