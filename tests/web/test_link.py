"""`/api/v1/users/link`."""

from __future__ import annotations

from tests.api import Api


async def test_no_accounts_are_linked(api: Api) -> None:
    """The documented refusals: 401 without a token, 422 since no OEM allows it, 404 for what is not linked."""
    ana = await api.join("aaaaaaaa", "ana")
    body = {"user": {"email": "ana@b.example", "password": "x", "origin_oem_id": 1}}
    await api.call(401, "POST", "/api/v1/users/link.json", body)
    await api.call(422, "POST", "/api/v1/users/link.json", body, headers=ana)
    await api.call(404, "DELETE", "/api/v1/users/link/7.json", headers=ana)
