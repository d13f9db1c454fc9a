"""`/admin/v1`, the operator's API."""

from __future__ import annotations

import pytest

from tests.api import OPERATOR_HEADERS, Api
from tests.services import PASSWORD

OEM = "/admin/v1/oems/0dfc7900"
USER = {"email": "admin@a.example", "password": PASSWORD, "role": "OEM::Admin"}
SUBSCRIPTION = {"client_type": "mobile", "subscription_type": "datapoint"}


async def test_a_tenant_is_set_up_over_http(api: Api) -> None:
    """OEM, application and user made here are all that signing in needs; secrets are told once or never."""
    oem = await api.call(201, "POST", "/admin/v1/oems", {"name": "Lamps", "id": "0DFC7900"}, headers=OPERATOR_HEADERS)
    assert (oem["id"], oem["name"]) == ("0dfc7900", "Lamps")
    assert await api.call(200, "GET", "/admin/v1/oems", headers=OPERATOR_HEADERS) == [oem]
    made = await api.call(201, "POST", f"{OEM}/applications", {"name": "app"}, headers=OPERATOR_HEADERS)
    (listed,) = await api.call(200, "GET", f"{OEM}/applications", headers=OPERATOR_HEADERS)
    assert listed == {name: value for name, value in made.items() if name != "app_secret"}
    user = await api.call(201, "POST", f"{OEM}/users", USER, headers=OPERATOR_HEADERS)
    assert PASSWORD not in str(user)
    assert await api.call(200, "GET", f"{OEM}/users", headers=OPERATOR_HEADERS) == [user]
    application = {"app_id": made["app_id"], "app_secret": made["app_secret"]}
    body = {"user": {"email": USER["email"], "password": PASSWORD, "application": application}}
    assert (await api.call(200, "POST", "/users/sign_in", body))["role"] == "OEM::Admin"


async def test_devices_are_made_with_their_properties(api: Api) -> None:
    """The reply holds the public key that the device is to hold; sent again, the device stays, and that is told."""
    await api.services.add_oem("0dfc7900")
    body = {
        "dsn": "AC000W000340649",
        "oem_model": "ledevb",
        "properties": [{"name": "Blue_LED", "base_type": "boolean", "direction": "input"}],
    }
    made = await api.call(201, "POST", f"{OEM}/devices", body, headers=OPERATOR_HEADERS)
    assert made["public_key"].startswith("-----BEGIN PUBLIC KEY-----")
    again = await api.call(201, "POST", f"{OEM}/devices", body, headers=OPERATOR_HEADERS)
    assert (made["is_new"], made["added_properties"]) == (True, ["Blue_LED"])
    assert again == {**made, "is_new": False, "added_properties": []}
    (listed,) = await api.call(200, "GET", f"{OEM}/devices", headers=OPERATOR_HEADERS)
    assert (listed["dsn"], listed["key"], "public_key" in listed) == ("AC000W000340649", made["key"], False)
    keyless = await api.call(201, "POST", f"{OEM}/devices", {**body, "with_key": False}, headers=OPERATOR_HEADERS)
    assert (keyless["key"], "public_key" in keyless) == (made["key"], False)
    broken = {**body, "properties": [{"name": "x", "base_type": "colour", "direction": "input"}]}
    failure = await api.call(422, "POST", f"{OEM}/devices", broken, headers=OPERATOR_HEADERS)
    assert failure["field"] == "base_type"


async def test_limits_users_and_subscriptions_are_changed(api: Api) -> None:
    """Retention, role, password, suspension; what a user loses is gone at once."""
    await api.services.add_oem("0dfc7900")
    limits = {"retention_age_s": 3600, "retention_size_bytes": 1 << 20}
    oem = await api.call(200, "PUT", f"{OEM}/retention", limits, headers=OPERATOR_HEADERS)
    assert (oem["retention_age_s"], oem["retention_size_bytes"]) == (3600, 1 << 20)
    await api.call(422, "PUT", f"{OEM}/retention", {"retention_age_s": 0}, headers=OPERATOR_HEADERS)
    user = await api.call(201, "POST", f"{OEM}/users", USER, headers=OPERATOR_HEADERS)
    path = f"/admin/v1/users/{user['uuid']}"
    caller = await api.sign_in(USER["email"])
    made = (await api.call(201, "POST", "/api/v1/subscriptions", SUBSCRIPTION, headers=caller))["subscription"]
    (listed,) = await api.call(200, "GET", f"{OEM}/subscriptions", headers=OPERATOR_HEADERS)
    assert listed["subscription"] == {**made, "stream_key": None}
    suspend = f"/admin/v1/subscriptions/{made['id']}/suspend"
    suspended = await api.call(200, "POST", suspend, headers=OPERATOR_HEADERS)
    assert (suspended["subscription"]["is_suspended"], suspended["subscription"]["stream_key"]) == (True, None)
    shown = await api.call(200, "GET", f"/api/v1/subscriptions/{made['id']}", headers=caller)
    assert shown["subscription"]["date_suspended"] is not None
    url = f"/api/v1/subscriptions/getCurrentSeq?stream_key={made['stream_key']}"
    await api.call(403, "GET", url)
    await api.call(200, "POST", suspend.replace("suspend", "resume"), headers=OPERATOR_HEADERS)
    await api.call(200, "GET", url)
    changed = await api.call(200, "PATCH", path, {"role": "EndUser"}, headers=OPERATOR_HEADERS)
    assert changed["role"] == "EndUser"
    await api.call(401, "GET", "/users/get_user_profile", headers=caller)
    await api.call(204, "DELETE", path, headers=OPERATOR_HEADERS)
    await api.call(404, "DELETE", path, headers=OPERATOR_HEADERS)
    await api.call(401, "GET", url)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/admin/v1/oems", {}, "name"),
        ("/admin/v1/oems", {"name": ""}, "name"),
        ("/admin/v1/oems", {"name": "x", "id": "xyz"}, "id"),
        (f"{OEM}/applications", {"name": 7}, "name"),
        (f"{OEM}/users", {**USER, "password": "short"}, "password"),
        (f"{OEM}/users", {**USER, "email": "x"}, "email"),
        (f"{OEM}/users", {**USER, "role": "root"}, "role"),
    ],
)
async def test_problems_name_the_field(api: Api, path: str, body: object, field: str) -> None:
    """What is wrong is a problem detail (RFC 9457) that names the field."""
    await api.services.add_oem("0dfc7900")
    failure = await api.call(422, "POST", path, body, headers=OPERATOR_HEADERS)
    assert (failure["status"], failure["field"]) == (422, field)


async def test_nobody_but_the_operator_gets_in(api: Api) -> None:
    """A user's token, the OEM's administrator's included, and none at all are 401 on every path of the operator."""
    admin = await api.join("0dfc7900", "admin", "OEM::Admin")
    calls = (
        ("GET", "/admin/v1/oems"),
        ("POST", "/admin/v1/oems"),
        ("GET", f"{OEM}/users"),
        ("POST", f"{OEM}/users"),
        ("GET", f"{OEM}/applications"),
        ("GET", f"{OEM}/devices"),
        ("GET", f"{OEM}/subscriptions"),
        ("PUT", f"{OEM}/retention"),
        ("PATCH", "/admin/v1/users/x"),
        ("DELETE", "/admin/v1/users/x"),
        ("POST", "/admin/v1/subscriptions/1/suspend"),
        ("POST", "/admin/v1/subscriptions/1/resume"),
    )
    for method, path in calls:
        for headers in (admin, {}, {"authorization": "auth_token Operator"}):
            await api.call(401, method, path, headers=headers)
