"""Orders to devices, and what waits for them, over HTTP."""

from __future__ import annotations

from tests.web.test_datapoint import of
from tests.web.twin_api import TwinApi


async def test_users_see_what_waits_for_a_device(twin_api: TwinApi) -> None:
    """As the device would get it; looking hands nothing out."""
    await twin_api.call("POST", "/apiv1/devices/1/properties/level/datapoints", of(5), by="ana")
    answers = [await twin_api.call("GET", "/apiv1/devices/1/commands.json", by="bob") for _ in range(3)]
    assert answers[0].json()["commands"]["properties"] == [
        {"property": {"name": "level", "base_type": "integer", "value": 5}}
    ]
    waiting = await twin_api.call("GET", "/devices/1/commands.json", by=twin_api.scene.device)
    assert [answer.json() for answer in answers] == [waiting.json()] * 3
    assert (await twin_api.call("GET", "/apiv1/devices/1/commands.json", by="dan")).status_code == 404


async def test_an_owner_resets_a_device(twin_api: TwinApi) -> None:
    """The order waits for it; nobody else may give it."""
    path = "/apiv1/devices/1/cmds/factory_reset.json"
    for name, status in (("bob", 403), ("cid", 403), ("dan", 404), ("eve", 404)):
        assert (await twin_api.call("PUT", path, by=name)).status_code == status
    assert (await twin_api.call("PUT", path, {}, by="ana")).status_code == 200
    cmds = (await twin_api.call("GET", "/devices/1/commands", by=twin_api.scene.device)).json()["commands"]["cmds"]
    assert [entry["cmd"]["resource"] for entry in cmds] == ["registration.json", "reset.json?factory=1"]


async def test_only_nodes_identify_themselves(twin_api: TwinApi) -> None:
    """Everything else is 405."""
    body = {"value": "On", "time": "60"}
    for name, status in (("ana", 405), ("bob", 403), ("dan", 404)):
        answer = await twin_api.call("PUT", "/apiv1/devices/1/identify.json", body, by=name)
        assert answer.status_code == status
    assert (await twin_api.call("PUT", "/apiv1/devices/1/identify", {"value": 5}, by="ana")).status_code == 422
