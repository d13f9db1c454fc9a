"""Devices, their registration, place and properties, and what waits for them, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twins import DSN
from tests.web.test_datapoint import of
from tests.web.twin_api import TwinApi

WRONG_NAMES: list[Any] = [{}, {"device": {}}, {"device": {"product_name": 5}}, {"device": {"product_name": "x" * 256}}]


async def test_a_user_lists_and_finds_devices(twin_api: TwinApi) -> None:
    """A bare array of wrappers; by key and by DSN the same device; holders of shares see by which."""
    (listed,) = (await twin_api.call("GET", "/apiv1/devices.json", by="ana")).json()
    for path in ("/apiv1/devices/1.json", f"/apiv1/dsns/{DSN}.json"):
        assert (await twin_api.call("GET", path, by="ana")).json() == listed
    device = listed["device"]
    assert (device["id"], device["key"], device["dsn"], device["oem_model"]) == (1, 1, DSN, "ledevb")
    assert (device["user_uuid"], device["connection_status"]) == (twin_api.scene.users["ana"].uuid, "Offline")
    assert {"model", "mac", "lan_ip", "product_name", "lat", "lng", "sw_version", "ssid"} <= device.keys()
    assert "grant" not in device
    (shared,) = (await twin_api.call("GET", "/apiv1/devices", by="bob")).json()
    assert shared["device"]["grant"] == {
        "user_id": twin_api.scene.users["bob"].id,
        "start_date_at": None,
        "end_date_at": None,
        "operation": "read",
        "role": None,
    }
    assert (await twin_api.call("GET", "/apiv1/devices.json", by="dan")).json() == []
    for path in ("/apiv1/devices/1", f"/apiv1/dsns/{DSN}", "/apiv1/devices/x", "/apiv1/dsns/unknown"):
        assert (await twin_api.call("GET", path, by="dan")).status_code == 404


async def test_a_user_renames_a_device(twin_api: TwinApi) -> None:
    """By key or DSN; nothing else can be changed."""
    for path in ("/apiv1/devices/1.json", f"/apiv1/dsns/{DSN}.json"):
        answer = await twin_api.call(
            "PUT", path, {"device": {"product_name": "Lamp", "oem": "x", "dsn": "y"}}, by="ana"
        )
        assert (answer.status_code, answer.json()["device"]["product_name"], answer.json()["device"]["dsn"]) == (
            200,
            "Lamp",
            DSN,
        )
        for body in WRONG_NAMES:
            assert (await twin_api.call("PUT", path, body, by="ana")).status_code == 422


async def test_a_device_introduces_itself_and_reports(twin_api: TwinApi) -> None:
    """It learns its key and the time; what it says shows in its twin, with the address that it came from."""
    scene = twin_api.scene
    answer = await twin_api.call("GET", f"/dsns/{DSN}.json?reset=1", by=scene.device)
    own = answer.json()["device"]
    assert (own["key"], own["registered"], own["unix_time"]) == (1, True, int(scene.twins.clock.now_s()))
    report = {"api_major": 1, "sw_version": "2.6", "mac": "001122aabbcc", "setup_location": "44.7695, -69.4283"}
    answer = await twin_api.call("PUT", "/devices/1.json", {"device": report}, by=scene.device)
    assert answer.status_code == 200
    device = (await twin_api.call("GET", "/apiv1/devices/1", by="ana")).json()["device"]
    assert (device["sw_version"], device["mac"], device["ip"]) == ("2.6", "001122aabbcc", "192.0.2.7")
    assert (device["lat"], device["lng"]) == ("44.769500", "-69.428300")
    assert (device["connection_status"], device["last_get_at"]) == ("Online", "2027-01-15T08:00:00Z")
    assert device["activated_at"] == "2027-01-15T08:00:00Z"
    wrong_reports: list[Any] = [{"mac": 5}, {"sw_version": "x" * 256}, {"setup_location": "x"}, {"lat": "91"}]
    for wrong in wrong_reports:
        answer = await twin_api.call("PUT", "/devices/1.json", {"device": wrong}, by=scene.device)
        assert answer.status_code == 422, wrong
    assert (await twin_api.call("GET", "/dsns/unknown.json", by=scene.device)).status_code == 404


async def test_a_device_without_credentials_gets_in_nowhere(twin_api: TwinApi) -> None:
    """401 in the envelope of the device service."""
    for method, path in (("GET", f"/dsns/{DSN}.json"), ("PUT", "/devices/1.json"), ("GET", "/devices/1/commands.json")):
        answer = await twin_api.call(method, path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, 401)
    answer = await twin_api.call("GET", f"/dsns/{DSN}.json", headers={"x-Ayla-client-auth": "Ayla1.0 AAAA"})
    assert (answer.status_code, answer.headers["x-ayla-server-time"]) == (
        401,
        str(int(twin_api.scene.twins.clock.now_s())),
    )


async def test_a_device_is_unregistered_and_registered(twin_api: TwinApi) -> None:
    """DELETE by its owner, POST by whoever may; a device that may not be had is 404."""
    assert (await twin_api.call("POST", "/apiv1/devices.json", {"device": {"dsn": DSN}}, by="dan")).status_code == 404
    assert (await twin_api.call("DELETE", "/apiv1/devices/1.json", by="bob")).status_code == 403
    assert (await twin_api.call("DELETE", "/apiv1/devices/1.json", by="ana")).status_code == 200
    answer = await twin_api.call("POST", "/apiv1/devices.json", {"device": {"dsn": DSN, "regtoken": None}}, by="dan")
    assert (answer.status_code, answer.json()["device"]["user_uuid"]) == (201, twin_api.scene.users["dan"].uuid)
    wrong_claims: list[Any] = [{}, {"device": []}, {"device": {"dsn": 5}}, {"device": {}}]
    for wrong in wrong_claims:
        assert (await twin_api.call("POST", "/apiv1/devices.json", wrong, by="dan")).status_code == 422


@pytest.mark.parametrize(
    ("location", "status", "field"),
    [
        ({"lat": "48.86", "long": "2.34"}, 201, None),
        ({"lat": 48.86, "long": -2.34}, 201, None),
        ({"lat": " 44.769500", "long": "-69.428300"}, 201, None),
        ({"lat": "91", "long": "0"}, 422, "lat"),
        ({"lat": "0", "long": "180.1"}, 422, "long"),
        ({"lat": "nan", "long": "0"}, 422, "lat"),
        ({"lat": "4_8", "long": "0"}, 422, "lat"),
        ({"lat": True, "long": "0"}, 422, "lat"),
        ({"lat": "48.86"}, 422, "long"),
        ({}, 422, "lat"),
    ],
)
async def test_a_user_moves_a_device(twin_api: TwinApi, location: Any, status: int, field: str | None) -> None:
    """Degrees as text or number, within their ranges."""
    answer = await twin_api.call("POST", "/apiv1/devices/1/locations.json", {"location": location}, by="ana")
    assert (answer.status_code, answer.json().get("field")) == (status, field)
    assert len(twin_api.scene.twins.events()) == (status == 201)


async def test_properties_can_be_read(twin_api: TwinApi) -> None:
    """As an array of wrappers, all or by names (brackets raw or encoded), or one by one."""
    await twin_api.call("POST", "/devices/1/properties/temperature/datapoints", of(72), by=twin_api.scene.device)
    everything = (await twin_api.call("GET", f"/apiv1/dsns/{DSN}/properties.json", by="bob")).json()
    assert [entry["property"]["name"] for entry in everything] == ["Blue_LED", "level", "state", "temperature"]
    assert everything == (await twin_api.call("GET", "/apiv1/devices/1/properties", by="ana")).json()
    found = everything[-1]["property"]
    assert (found["value"], found["base_type"], found["direction"], found["read_only"]) == (
        72.0,
        "decimal",
        "output",
        True,
    )
    assert (found["key"], found["device_key"], found["data_updated_at"]) == (3, 1, "2027-01-15T08:00:00Z")
    for query in ("names[]=level&names[]=nope&names[]=state", "names%5B%5D=state&names%5B%5D=level"):
        some = (await twin_api.call("GET", f"/apiv1/dsns/{DSN}/properties.json?{query}", by="bob")).json()
        assert [entry["property"]["name"] for entry in some] == ["level", "state"]
    for path in (
        f"/apiv1/dsns/{DSN}/properties/temperature",
        "/apiv1/devices/1/properties/temperature",
        "/apiv1/properties/3",
    ):
        assert (await twin_api.call("GET", f"{path}.json", by="cid")).json() == everything[-1]
        assert (await twin_api.call("GET", path, by="eve")).status_code == 404


async def test_a_device_fetches_what_waits_for_it(twin_api: TwinApi) -> None:
    """Values, with the id of those to be acknowledged, and commands; their results are taken."""
    device = twin_api.scene.device
    made = await twin_api.call("POST", f"/apiv1/dsns/{DSN}/properties/Blue_LED/datapoints", of(1), by="ana")
    await twin_api.call("POST", f"/apiv1/dsns/{DSN}/properties/level/datapoints", of(5), by="ana")
    answer = await twin_api.call("GET", "/devices/1/commands.json?polling=1", by=device)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "commands": {
                "cmds": [
                    {
                        "cmd": {
                            "id": 1,
                            "method": "PUT",
                            "resource": "registration.json",
                            "uri": "/cmd_post_process.json",
                            "data": '{"registration":{"status":1}}',
                        }
                    }
                ],
                "properties": [
                    {
                        "property": {
                            "name": "Blue_LED",
                            "base_type": "boolean",
                            "value": 1,
                            "id": made.json()["datapoint"]["id"],
                        }
                    },
                    {"property": {"name": "level", "base_type": "integer", "value": 5}},
                ],
                "schedules": [],
                "node_properties": [],
                "node_schedules": [],
            }
        },
    )
    done = await twin_api.call("PUT", "/devices/1/cmd_post_process.json?cmd_id=1&status=200", {}, by=device)
    assert done.status_code == 200
    assert (await twin_api.call("PUT", "/devices/1/cmd_post_process.json", {}, by=device)).status_code == 400
    answer = await twin_api.call("GET", "/devices/1/commands.json", by=device, client=("192.0.2.7", 2))
    assert answer.json()["commands"]["cmds"] == []
    assert len(answer.json()["commands"]["properties"]) == 2
    answer = await twin_api.call("GET", "/devices/1/commands.json", by=device, client=("192.0.2.7", 2))
    assert answer.json()["commands"]["properties"] == []


async def test_more_than_fits_is_206(twin_api: TwinApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device is told to ask again."""
    monkeypatch.setattr("twinstream.service.command.POLL_LIMIT", 1)
    for name in ("Blue_LED", "level"):
        await twin_api.call("POST", f"/apiv1/dsns/{DSN}/properties/{name}/datapoints", of(1), by="ana")
    answers = [await twin_api.call("GET", "/devices/1/commands.json", by=twin_api.scene.device) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [206, 200, 200]


async def test_a_device_that_starts_asks_for_everything(twin_api: TwinApi) -> None:
    """The present values of its inputs, whether they wait or not, as often as it asks; and on the other path."""
    device = twin_api.scene.device
    await twin_api.call("POST", f"/apiv1/dsns/{DSN}/properties/level/datapoints", of(5), by="ana")
    for _ in range(2):
        await twin_api.call("GET", "/devices/1/commands.json", by=device)
    answer = await twin_api.call("GET", "/devices/1/cmds.json?polling=2", by=device)
    assert answer.json()["commands"]["properties"] == []
    for query in ("input=true", "polling=1&all=true&signal=3", "input=true"):
        answer = await twin_api.call("GET", f"/devices/1/commands.json?{query}", by=device)
        found = [entry["property"]["value"] for entry in answer.json()["commands"]["properties"]]
        assert found == [5]
    answer = await twin_api.call("GET", "/devices/1/commands.json?input=false", by=device)
    assert answer.json()["commands"]["properties"] == []
