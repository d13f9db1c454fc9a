"""`/users/sign_in` and its companions, as clients call them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api
from tests.services import PASSWORD

SIGN_IN = "/users/sign_in.json"


def _credentials(email: str, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
    return {"user": {"email": email, "password": password, **more}}


async def test_sign_in_with_and_without_an_application(api: Api) -> None:
    """The reply is the token trio with role and role_tags, and its status is exactly 200."""
    key = await api.services.add_oem("aaaaaaaa")
    await api.services.add_user("aaaaaaaa", "ana@a.example", "OEM::Staff")
    application = {"app_id": key.app_id, "app_secret": key.app_secret}
    for body in (_credentials("ana@a.example", application=application), _credentials("ana@a.example")):
        trio = await api.call(200, "POST", f"{SIGN_IN}?timestamp=1", body)
        assert list(trio) == ["access_token", "refresh_token", "expires_in", "role", "role_tags"]
        assert (trio["expires_in"], trio["role"], trio["role_tags"]) == (86_400, "OEM::Staff", [])


async def test_failures_have_error_and_errors(api: Api) -> None:
    """A wrong user is 401, a wrong application 404; both bodies have the text under `error` and under `errors`."""
    key = await api.services.add_oem("aaaaaaaa")
    await api.services.add_user("aaaaaaaa", "ana@a.example")
    wrong = {"app_id": key.app_id, "app_secret": "guess"}
    for status, body in (
        (401, _credentials("ana@a.example", "wrong")),
        (401, _credentials("nobody@a.example")),
        (404, _credentials("ana@a.example", application=wrong)),
    ):
        failure = await api.call(status, "POST", SIGN_IN, body)
        assert isinstance(failure["error"], str)
        assert failure["error"] == failure["errors"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "user"),
        ([], "body"),
        ("text", "body"),
        ({"user": None}, "user"),
        ({"user": []}, "user"),
        ({"user": {}}, "email"),
        ({"user": {"email": None, "password": "x"}}, "email"),
        ({"user": {"email": "a", "password": 7}}, "password"),
        ({"user": {"email": "a", "password": "x" * 2000}}, "password"),
        ({"user": {"email": "a", "password": "x", "application": {"app_id": 1}}}, "app_id"),
    ],
)
async def test_malformed_bodies_name_the_field(api: Api, body: Any, field: str) -> None:
    """A missing wrapper or field, a null and a wrong type are 422."""
    failure = await api.call(422, "POST", SIGN_IN, body)
    assert failure["field"] == field
    assert field in failure["error"]


async def test_refresh_takes_both_forms(api: Api) -> None:
    """The refresh token may come with and without the wrapper `user`; old tokens are void."""
    await api.join("aaaaaaaa", "ana")
    trio = await api.call(200, "POST", SIGN_IN, _credentials("ana@aaaaaaaa.example"))
    second = await api.call(
        200, "POST", "/users/refresh_token.json", {"user": {"refresh_token": trio["refresh_token"]}}
    )
    third = await api.call(200, "POST", "/users/refresh_token", {"refresh_token": second["refresh_token"]})
    assert set(third) == set(trio)
    for old, status in ((trio, 401), (second, 401), (third, 200)):
        headers = {"authorization": f"auth_token {old['access_token']}"}
        await api.call(status, "GET", "/users/get_user_profile.json", headers=headers)
    await api.call(401, "POST", "/users/refresh_token", {"refresh_token": trio["refresh_token"]})
    await api.call(401, "POST", "/users/refresh_token", {"refresh_token": third["refresh_token"]})


async def test_sign_out(api: Api) -> None:
    """Signing out is 200 with an object, also the second time and for a token that never was."""
    headers = await api.join("aaaaaaaa", "ana")
    token = headers["authorization"].removeprefix("auth_token ")
    await api.call(200, "GET", "/users/get_user_profile", headers=headers)
    for body in ({"user": {"access_token": token}}, {"access_token": token}, {"user": {"access_token": "x"}}):
        assert await api.call(200, "POST", "/users/sign_out.json", body) == {}
    await api.call(401, "GET", "/users/get_user_profile", headers=headers)


async def test_the_sixth_attempt_is_locked_out(api: Api) -> None:
    """After five wrong passwords the right one is 401 too, with the time to wait."""
    await api.services.add_oem("aaaaaaaa")
    await api.services.add_user("aaaaaaaa", "ana@a.example")
    for _ in range(5):
        await api.call(401, "POST", SIGN_IN, _credentials("ana@a.example", "wrong"))
    failure = await api.call(401, "POST", SIGN_IN, _credentials("ana@a.example"))
    assert failure["code"] == "locked"
