"""`/api/v1/oemAccessRules`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api

PATH = "/api/v1/oemAccessRules"
RULE: dict[str, Any] = {
    "role": "OEM::Staff",
    "oem_model": "ledevb",
    "property_name": "*",
    "client_type": "cloud",
    "subscription_type": "datapoint",
}


async def test_a_rule_from_its_making_to_its_end(api: Api) -> None:
    """Made unwrapped or wrapped, answered under `OemAccessRule`, found in any case of the path, deleted with 204."""
    admin = await api.join("aaaaaaaa", "admin", "OEM::Admin")
    made = await api.call(201, "POST", f"{PATH.lower()}.json", {**RULE, "oem": "bbbbbbbb", "id": 7}, headers=admin)
    rule = made["OemAccessRule"]
    assert {name: rule[name] for name in RULE} == RULE
    assert (rule["oem"], rule["access_grant"]) == ("aaaaaaaa", True)
    assert await api.call(200, "GET", f"{PATH}/{rule['id']}", headers=admin) == made
    other = await api.call(201, "POST", PATH, {"OemAccessRule": RULE}, headers=admin)
    listed = await api.call(200, "GET", f"{PATH}.json", headers=admin)
    assert listed[-2:] == [made, other]
    assert len(listed) == 5 + 2  # the OEM was made with a rule for each type
    assert await api.call(204, "DELETE", f"{PATH}/{rule['id']}.json", headers=admin) is None
    await api.call(404, "GET", f"{PATH}/{rule['id']}", headers=admin)


async def test_who_may(api: Api) -> None:
    """End users are 403 throughout, staff may look, another OEM's administrator finds nothing."""
    admin = await api.join("aaaaaaaa", "admin", "OEM::Admin")
    staff = await api.join("aaaaaaaa", "staff", "OEM::Staff")
    end_user = await api.join("aaaaaaaa", "ana")
    stranger = await api.join("bbbbbbbb", "admin", "OEM::Admin")
    path = f"{PATH}/{(await api.call(201, 'POST', PATH, RULE, headers=admin))['OemAccessRule']['id']}"
    for caller, statuses in (
        (end_user, (403, 403, 403, 403)),
        (staff, (403, 200, 200, 403)),
        (stranger, (201, 200, 404, 404)),
    ):
        calls = (("POST", PATH, RULE), ("GET", PATH, None), ("GET", path, None), ("DELETE", path, None))
        for status, (method, target, body) in zip(statuses, calls, strict=True):
            await api.call(status, method, target, body, headers=caller)
    await api.call(401, "GET", PATH)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"role": "EndUser"}, "role"),
        ({"role": None}, "role"),
        ({"client_type": "mobile"}, "client_type"),
        ({"client_type": "x"}, "client_type"),
        ({"subscription_type": "datapoint,location"}, "subscription_type"),
        ({"oem_model": 7}, "oem_model"),
        ({"oem_model": ""}, "oem_model"),
        ({"property_name": "*,a"}, "property_name"),
    ],
)
async def test_rules_that_cannot_be(api: Api, changes: dict[str, Any], field: str) -> None:
    """Every wrong field is 422 and named."""
    admin = await api.join("aaaaaaaa", "admin", "OEM::Admin")
    failure = await api.call(422, "POST", PATH, {**RULE, **changes}, headers=admin)
    assert failure["field"] == field
