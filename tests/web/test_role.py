"""Roles and labels, and who tries to reach beyond their own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api

PATH = "/api/v1/users"
OEM = "aaaaaaaa"
ANA = f"ana@{OEM}.example"
DEALER = "OEM::Acme::Dealer"


async def _emails(api: Api, path: str, headers: dict[str, str]) -> list[str]:
    return [entry["user"]["email"] for entry in await api.call(200, "GET", f"{PATH}/{path}", headers=headers)]


async def test_a_role_and_its_labels(api: Api) -> None:
    """Given, listed and taken by an administrator; a change signs out, and labels go with the role."""
    admin, ana = await api.join(OEM, "root", "OEM::Admin"), await api.join(OEM, "ana")
    role: dict[str, Any] = {"user_email": ANA.upper(), "role": DEALER}
    await api.call(200, "PUT", f"{PATH}/assign_role.json", role, headers=admin)
    await api.call(401, "GET", "/users/get_user_profile", headers=ana)
    await api.call(200, "PUT", f"{PATH}/assign_label", role | {"label": {"dealer_id": "101"}}, headers=admin)
    listed = await api.call(200, "GET", f"{PATH}/role_users?user_email={ANA}", headers=admin)
    assert listed == [{"role": DEALER, "label": {"dealer_id": "101"}}]
    for query, emails in (
        (f"index_by_role?role={DEALER}", [ANA]),
        (f"index_by_role.json?role={DEALER}&key=dealer_id&value=101", [ANA]),
        (f"index_by_role?role={DEALER}&key=dealer_id&value=102", []),
        ("index_by_label?key=dealer_id&value=101", [ANA]),
        ("index_by_oem", [f"root@{OEM}.example", ANA]),
    ):
        assert await _emails(api, query, admin) == emails
    await api.call(404, "PUT", f"{PATH}/revoke_label", role | {"label_key": "x"}, headers=admin)
    await api.call(200, "PUT", f"{PATH}/revoke_label", role | {"label_key": "dealer_id"}, headers=admin)
    await api.call(200, "PUT", f"{PATH}/assign_label", role | {"label": {"dealer_id": "7"}}, headers=admin)
    await api.call(200, "PUT", f"{PATH}/revoke_role", role, headers=admin)
    await api.call(422, "PUT", f"{PATH}/revoke_role", role, headers=admin)
    assert await api.call(200, "GET", f"{PATH}/role_users?user_email={ANA}", headers=admin) == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"user_email": "nobody@a.example"}, 404),
        ({"user_email": "eve@bbbbbbbb.example"}, 404),
        ({"role": "Ayla::Admin"}, 422),
        ({"role": "root"}, 422),
        ({"role": None}, 422),
        ({"user_email": f"root@{OEM}.example"}, 409),
    ],
)
async def test_roles_that_cannot_be_given(api: Api, changes: dict[str, Any], status: int) -> None:
    """Nobody of another OEM, no role above OEMs, and not the last administrator's."""
    admin = await api.join(OEM, "root", "OEM::Admin")
    await api.join(OEM, "ana")
    await api.join("bbbbbbbb", "eve")
    await api.call(status, "PUT", f"{PATH}/assign_role", {"user_email": ANA, "role": DEALER} | changes, headers=admin)


async def test_who_may(api: Api) -> None:
    """End users nothing, staff read, nobody sees another OEM."""
    ana, sue = await api.join(OEM, "ana"), await api.join(OEM, "sue", "OEM::Staff")
    eve = await api.join("bbbbbbbb", "eve", "OEM::Admin")
    own = {"user_email": ANA, "role": "OEM::Admin"}
    for headers in (ana, sue):
        await api.call(403, "PUT", f"{PATH}/assign_role", own, headers=headers)
    await api.call(401, "PUT", f"{PATH}/assign_role", own)
    await api.call(404, "PUT", f"{PATH}/assign_role", own, headers=eve)
    await api.call(403, "GET", f"{PATH}/index_by_oem", headers=ana)
    assert ANA in await _emails(api, "index_by_oem", sue)
    assert await _emails(api, "index_by_oem", eve) == ["eve@bbbbbbbb.example"]
    await api.call(404, "GET", f"{PATH}/role_users?user_email={ANA}", headers=eve)
    await api.call(422, "GET", f"{PATH}/role_users", headers=sue)
