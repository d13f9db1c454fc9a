"""Time zones and postal addresses of devices over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twins import DSN
from tests.web.twin_api import TwinApi
from twinstream.model.registration import Claim

ZONE, ADDRESS = "/apiv1/devices/1/time_zones", "/apiv1/devices/1/addr"


async def change_owner(twin_api: TwinApi) -> None:
    """Let Dan have Ana's device."""
    twins, users = twin_api.scene.twins, twin_api.scene.users
    await twins.registrations.unregister(users["ana"], DSN)
    await twins.registrations.register(users["dan"], Claim(DSN, None, None, None))


async def test_a_zone_is_utc_until_it_is_set(twin_api: TwinApi) -> None:
    """Its key is null until then; it ends with the owner. The clock stands in January."""
    before = (await twin_api.call("GET", f"{ZONE}.json", by="bob")).json()
    assert before["time_zone"] == {
        "key": None,
        "tz_id": "UTC",
        "utc_offset": "+00:00",
        "dst": False,
        "dst_active": False,
    }
    body = {"time_zone": {"tz_id": "America/St_Johns"}}
    answer = await twin_api.call("PUT", f"{ZONE}.json", body, by="cid")
    assert (answer.status_code, answer.json()["time_zone"]) == (
        200,
        {"key": 1, "tz_id": "America/St_Johns", "utc_offset": "-03:30", "dst": True, "dst_active": False},
    )
    assert (await twin_api.call("GET", ZONE, by="ana")).json() == answer.json()
    await change_owner(twin_api)
    assert (await twin_api.call("GET", ZONE, by="dan")).json() == before


@pytest.mark.parametrize("tz_id", ["Mars/Olympus", "../../etc/passwd", "/etc/passwd", "", "europe/berlin", 5, None])
async def test_a_zone_is_one_of_the_tz_database(twin_api: TwinApi, tz_id: Any) -> None:
    """By its exact name."""
    answer = await twin_api.call("PUT", ZONE, {"time_zone": {"tz_id": tz_id}}, by="ana")
    assert answer.status_code == 422


async def test_who_may_say_where_a_device_is(twin_api: TwinApi) -> None:
    """Its zone who may steer it, its address its owner alone."""
    zone, address = {"time_zone": {"tz_id": "UTC"}}, {"addr": {"zip": "04986"}}
    for method, path, body, statuses in (
        ("GET", ZONE, None, {"bob": 200, "dan": 404, "eve": 404}),
        ("PUT", ZONE, zone, {"bob": 403, "dan": 404, "eve": 404}),
        ("GET", ADDRESS, None, {"bob": 403, "cid": 403, "dan": 404, "eve": 404}),
        ("PUT", ADDRESS, address, {"bob": 403, "cid": 403, "dan": 404, "eve": 404}),
    ):
        for name, status in statuses.items():
            assert (await twin_api.call(method, path, body, by=name)).status_code == status


async def test_an_address_is_stored_whole(twin_api: TwinApi) -> None:
    """What is absent is none; its zip is the device's locality; it ends with the owner."""
    nowhere = {"addr": dict.fromkeys(("street", "city", "state", "country", "zip"))}
    assert (await twin_api.call("GET", f"{ADDRESS}.json", by="ana")).json() == nowhere
    await twin_api.call("PUT", ADDRESS, {"addr": {"street": "Main St 1", "city": "Unity"}}, by="ana")
    answer = await twin_api.call("PUT", f"{ADDRESS}.json", {"addr": {"city": "", "zip": "04986"}}, by="ana")
    assert answer.json() == {"addr": {**nowhere["addr"], "zip": "04986"}}
    assert (await twin_api.call("GET", "/apiv1/devices/1", by="ana")).json()["device"]["locality"] == "04986"
    for wrong in ({"addr": {"zip": "x" * 256}}, {"addr": {"zip": 4986}}, {"zip": "04986"}):
        assert (await twin_api.call("PUT", ADDRESS, wrong, by="ana")).status_code == 422
    await change_owner(twin_api)
    assert (await twin_api.call("GET", ADDRESS, by="dan")).json() == nowhere
