"""`/api/v1/users/shares`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api
from tests.services import OPERATOR

PATH = "/api/v1/users/shares"
DSN = "AC000W000340649"


class Pair:
    """Ana owns a device, Bob is of the same OEM."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def settle(self) -> None:
        self.ana = await self.api.join("aaaaaaaa", "ana")
        self.bob = await self.api.join("aaaaaaaa", "bob")
        accounts = await self.api.services.admin.list_users(OPERATOR, "aaaaaaaa")
        await self.api.services.add_device("aaaaaaaa", DSN, accounts[0].user)

    def fields(self, **more: Any) -> dict[str, Any]:
        return {"resource_name": "device", "resource_id": DSN, "user_email": "Bob@aaaaaaaa.example", **more}


@pytest.fixture
async def pair(api: Api) -> Pair:
    """The two, settled."""
    pair = Pair(api)
    await pair.settle()
    return pair


async def test_a_share_from_its_making_to_its_end(pair: Pair) -> None:
    """It is made, seen by both in the documented form, changed by its giver and ended by its holder."""
    api = pair.api
    made = await api.call(201, "POST", f"{PATH}.json?email_template_id=x", {"share": pair.fields()}, headers=pair.ana)
    share = made["share"]
    (mail,) = api.services.postbox.mails
    assert (mail.recipient, DSN in mail.text) == ("bob@aaaaaaaa.example", True)
    assert (share["resource_id"], share["operation"], share["user_email"]) == (DSN, "read", "bob@aaaaaaaa.example")
    assert (share["start_date_at"], share["end_date_at"], share["role"]) == (None, None, None)
    assert share["owner_profile"] == {"firstname": "", "lastname": "", "email": "ana@aaaaaaaa.example"}
    assert await api.call(200, "GET", PATH, headers=pair.ana) == [made]
    assert await api.call(200, "GET", f"{PATH}/received.json", headers=pair.bob) == [made]
    assert await api.call(200, "GET", f"{PATH}/{share['id']}.json", headers=pair.bob) == made
    change = {"share": {"operation": "write", "end_date_at": "2030-01-01T00:00:00Z", "owner_id": 99}}
    changed = await api.call(200, "PUT", f"{PATH}/{share['id']}", change, headers=pair.ana)
    assert (changed["share"]["operation"], changed["share"]["end_date_at"]) == ("write", "2030-01-01T00:00:00Z")
    assert changed["share"]["owner_id"] == share["owner_id"]
    change = {"share": {"role": {"name": "Guest"}}}
    changed = await api.call(200, "PUT", f"{PATH}/{share['id']}", change, headers=pair.ana)
    assert (changed["share"]["operation"], changed["share"]["role"]) == ("write", {"name": "Guest"})
    assert await api.call(204, "DELETE", f"{PATH}/{share['id']}.json", headers=pair.bob) is None
    await api.call(404, "GET", f"{PATH}/{share['id']}", headers=pair.ana)


async def test_several_at_once_and_all_of_a_device(pair: Pair) -> None:
    """A list is answered with a list; a device's shares can be ended by the device."""
    api = pair.api
    made = await api.call(201, "POST", PATH, {"shares": [pair.fields(operation="")]}, headers=pair.ana)
    assert [one["share"]["operation"] for one in made] == ["read"]
    await api.call(409, "POST", PATH, {"share": pair.fields()}, headers=pair.ana)
    await api.call(204, "DELETE", f"{PATH}.json?resource_name=device&resource_id={DSN}", headers=pair.ana)
    assert await api.call(200, "GET", PATH, headers=pair.ana) == []
    await api.call(404, "DELETE", f"{PATH}?resource_name=device&resource_id={DSN}", headers=pair.ana)
    await api.call(422, "DELETE", PATH, headers=pair.ana)
    await api.call(400, "DELETE", f"{PATH}?resource_name=device&resource_name=device", headers=pair.ana)


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"resource_name": "house"}, 422, "resource_name"),
        ({"operation": "own"}, 422, "operation"),
        ({"start_date_at": "tomorrow"}, 422, "start_date_at"),
        ({"end_date_at": "2018-02-30T00:00:00Z"}, 422, "end_date_at"),
        ({"start_date_at": "2030-01-02T00:00:00Z", "end_date_at": "2030-01-01T00:00:00Z"}, 422, "end_date_at"),
        ({"end_date_at": "2018-01-01T00:00:00Z"}, 422, "end_date_at"),
        ({"resource_id": 7}, 422, "resource_id"),
        ({"user_email": None}, 422, "user_email"),
        ({"user_email": "ana@aaaaaaaa.example"}, 422, "user_email"),
        ({"user_email": "nobody@aaaaaaaa.example"}, 404, None),
        ({"resource_id": "'; DROP TABLE share; --"}, 404, None),
    ],
)
async def test_shares_that_cannot_be(pair: Pair, changes: dict[str, Any], status: int, field: str | None) -> None:
    """What is wrong with a share is told by name, and nothing is made."""
    failure = await pair.api.call(status, "POST", PATH, {"share": pair.fields(**changes)}, headers=pair.ana)
    assert failure.get("field") == field
    assert await pair.api.call(200, "GET", PATH, headers=pair.ana) == []


@pytest.mark.parametrize("share_id", ["0", "-1", "abc", "1.5", "9" * 30, "%D9%A1"])
async def test_ids_that_cannot_be_are_not_found(pair: Pair, share_id: str) -> None:
    """Whatever stands in the place of an id is looked up or not found."""
    for method, body in (("GET", None), ("PUT", {"share": {}}), ("DELETE", None)):
        await pair.api.call(404, method, f"{PATH}/{share_id}", body, headers=pair.ana)
