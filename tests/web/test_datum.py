"""Metadata of devices over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twins import DSN
from tests.web.twin_api import TwinApi
from twinstream.model.registration import Claim

DATA = f"/apiv1/dsns/{DSN}/data"


def of(key: str, value: str) -> dict[str, Any]:
    """The body of a datum."""
    return {"datum": {"key": key, "value": value}}


async def keys(twin_api: TwinApi, query: str = "") -> list[str]:
    """The keys that a list answers."""
    answer = await twin_api.call("GET", f"{DATA}.json{query}", by="bob")
    assert answer.status_code == 200
    return [entry["datum"]["key"] for entry in answer.json()]


async def test_a_datum_is_created_read_changed_and_deleted(twin_api: TwinApi) -> None:
    """Each with the whole datum as the answer; with and without ``.json``."""
    created = await twin_api.call("POST", f"{DATA}.json", of("floor", '{"n": 1}'), by="ana")
    assert (created.status_code, created.json()) == (
        201,
        {
            "datum": {
                "key": "floor",
                "value": '{"n": 1}',
                "created_at": "2027-01-15T08:00:00Z",
                "updated_at": "2027-01-15T08:00:00Z",
            }
        },
    )
    assert (await twin_api.call("GET", f"{DATA}/floor.json", by="bob")).json() == created.json()
    twin_api.scene.twins.clock.turn(60)
    changed = await twin_api.call("PUT", f"{DATA}/floor", {"datum": {"value": "two"}}, by="cid")
    assert (changed.status_code, changed.json()["datum"]["value"]) == (200, "two")
    assert changed.json()["datum"]["updated_at"] == "2027-01-15T08:01:00Z"
    assert (await twin_api.call("GET", DATA, by="ana")).json() == [changed.json()]
    assert (await twin_api.call("DELETE", f"{DATA}/floor.json", by="ana")).status_code == 200
    for method, body in (("GET", None), ("PUT", {"datum": {"value": ""}}), ("DELETE", None)):
        assert (await twin_api.call(method, f"{DATA}/floor", body, by="ana")).status_code == 404


async def test_a_list_can_be_narrowed(twin_api: TwinApi) -> None:
    """By keys, with the brackets raw or encoded, or by a pattern with percent signs."""
    for key in ("alpha", "beta", "al_pha", "%"):
        await twin_api.call("POST", DATA, of(key, ""), by="ana")
    assert await keys(twin_api) == ["%", "al_pha", "alpha", "beta"]
    assert await keys(twin_api, "?keys[]=beta&keys[]=nope&keys%5B%5D=alpha") == ["alpha", "beta"]
    assert await keys(twin_api, "?keys=al%25") == ["al_pha", "alpha"]
    assert await keys(twin_api, "?keys=%25e%25") == ["beta"]
    assert await keys(twin_api, "?keys=al_ha") == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (of("taken", "x"), 409),
        (of("", "x"), 422),
        (of("a/b", "x"), 422),
        (of("a.json", "x"), 422),
        (of("k" * 256, "x"), 422),
        (of("k", "x" * 65537), 413),
        ({"datum": {"key": "k"}}, 422),
        ({"datum": {"key": "k", "value": 5}}, 422),
        ({"key": "k", "value": "x"}, 422),
        ([], 422),
    ],
)
async def test_a_datum_that_cannot_be_is_refused(twin_api: TwinApi, body: Any, status: int) -> None:
    """With a reason, and nothing is stored."""
    await twin_api.call("POST", DATA, of("taken", "mine"), by="ana")
    assert (await twin_api.call("POST", DATA, body, by="ana")).status_code == status
    assert (await twin_api.call("GET", DATA, by="ana")).json()[0]["datum"]["value"] == "mine"
    assert await keys(twin_api) == ["taken"]


async def test_a_device_has_so_many_data(twin_api: TwinApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no more."""
    monkeypatch.setattr("twinstream.service.datum.MOST", 2)
    statuses = [(await twin_api.call("POST", DATA, of(key, ""), by="ana")).status_code for key in "abc"]
    assert statuses == [201, 201, 422]


async def test_only_who_may_steer_a_device_writes_its_metadata(twin_api: TwinApi) -> None:
    """A share for reading reads; others find no device."""
    await twin_api.call("POST", DATA, of("a", "1"), by="cid")
    for method, path, body in (
        ("POST", DATA, of("b", "2")),
        ("PUT", f"{DATA}/a", of("a", "2")),
        ("DELETE", f"{DATA}/a", None),
    ):
        for name, status in (("bob", 403), ("dan", 404), ("eve", 404)):
            assert (await twin_api.call(method, path, body, by=name)).status_code == status
    for name in ("dan", "eve"):
        for path in (DATA, f"{DATA}/a"):
            assert (await twin_api.call("GET", path, by=name)).status_code == 404
    assert (await twin_api.call("GET", DATA)).status_code == 401
    assert await keys(twin_api) == ["a"]


async def test_the_next_owner_finds_nothing_of_the_one_before(twin_api: TwinApi) -> None:
    """Metadata ends with the ownership."""
    twins, users = twin_api.scene.twins, twin_api.scene.users
    await twin_api.call("POST", DATA, of("secret", "1"), by="ana")
    await twins.registrations.unregister(users["ana"], DSN)
    await twins.registrations.register(users["dan"], Claim(DSN, None, None, None))
    assert (await twin_api.call("GET", DATA, by="dan")).json() == []
