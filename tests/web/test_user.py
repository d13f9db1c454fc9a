"""`/users/get_user_profile`."""

from __future__ import annotations

import pytest

from tests.api import Api


async def test_the_profile_is_flat(api: Api) -> None:
    """The caller's own account, without a wrapper and without a password."""
    headers = await api.join("aaaaaaaa", "ana")
    profile = await api.call(200, "GET", "/users/get_user_profile.json", headers=headers)
    assert (profile["email"], profile["role"], profile["origin_oem_id"]) == (
        "ana@aaaaaaaa.example",
        "EndUser",
        "aaaaaaaa",
    )
    assert isinstance(profile["id"], int)
    assert len(profile["uuid"]) == 36
    assert not any("password" in name for name in profile)


async def test_the_token_may_stand_in_the_query(api: Api) -> None:
    """Old clients put it there; two credentials are not looked for, and other paths do not take it."""
    headers = await api.join("aaaaaaaa", "ana")
    token = headers["authorization"].split()[1]
    profile = await api.call(200, "GET", f"/users/get_user_profile.json?access_token={token}")
    assert profile == await api.call(200, "GET", "/users/get_user_profile?access_token=x", headers=headers)
    await api.call(401, "GET", "/users/get_user_profile?access_token=x")
    await api.call(401, "GET", f"/users/{profile['uuid']}?access_token={token}")


@pytest.mark.parametrize(
    "value", [None, "", "Bearer x", "auth_token", "auth_token ", "auth_token x", "auth_token " + "x" * 9000]
)
async def test_without_a_token_in_force_it_is_401(api: Api, value: str | None) -> None:
    """No token, an empty one, another scheme, an unknown one."""
    failure = await api.call(401, "GET", "/users/get_user_profile", headers={"authorization": value} if value else {})
    assert failure["error"] == failure["errors"]
