"""Nodes of a gateway over HTTP: what gateways do, and what users see."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twins import DSN, PLANS
from tests.web.test_datapoint import of
from tests.web.twin_api import TwinApi
from twinstream.model.principal import Device

NODES = f"/dev/v1/dsns/{DSN}/nodes"


async def join(twin_api: TwinApi, address: str = "0x1", **more: Any) -> str:
    """A new node behind the scene's device, with the usual properties; answer its DSN."""
    body = {"node": {"address": address, "oem_model": "bulb", **more}}
    answer = await twin_api.call("POST", f"{NODES}.json", body, by=twin_api.scene.device)
    assert answer.status_code == 201, answer.text
    node = answer.json()["device"]
    assert node["address"] == address
    await twin_api.scene.twins.store.run(lambda work: work.properties.add(node["key"], PLANS))
    dsn: str = node["dsn"]
    return dsn


async def own(twin_api: TwinApi, dsn: str, by: str = "ana") -> int:
    """Open the window and register a node; answer the status."""
    await twin_api.call("POST", "/apiv1/devices/1/registration_window.json", {"duration": "200"}, by="ana")
    return (await twin_api.call("POST", "/apiv1/devices", {"device": {"dsn": dsn}}, by=by)).status_code


async def stranger(twin_api: TwinApi) -> Device:
    """Another device of the OEM."""
    return await twin_api.scene.twins.make_device("AC000W000000002")


async def test_a_node_is_found_and_registered_while_the_window_is_open(twin_api: TwinApi) -> None:
    """By the gateway's owner only; 404 before and after."""
    dsn = await join(twin_api)
    search = f"/apiv1/devices/register.json?dsn={DSN}&regtype=Node"
    claim = {"device": {"dsn": dsn}}
    assert dsn.startswith("VR00ZN")
    assert len(dsn) == 15
    assert (await twin_api.call("GET", search, by="ana")).status_code == 404
    assert (await twin_api.call("POST", "/apiv1/devices", claim, by="ana")).status_code == 404
    await twin_api.call("POST", "/apiv1/devices/1/registration_window.json?duration=60", by="ana")
    (found,) = (await twin_api.call("GET", search, by="ana")).json()
    assert (found["device"]["dsn"], found["device"]["gateway_dsn"], found["device"]["device_type"]) == (
        dsn,
        DSN,
        "Node",
    )
    for name in ("bob", "cid", "dan", "eve"):
        assert (await twin_api.call("GET", search, by=name)).status_code == 404
        assert (await twin_api.call("POST", "/apiv1/devices", claim, by=name)).status_code == 404
    twin_api.scene.twins.clock.turn(61)
    assert (await twin_api.call("POST", "/apiv1/devices", claim, by="ana")).status_code == 404
    assert await own(twin_api, dsn) == 201
    assert (await twin_api.call("GET", search, by="ana")).status_code == 404  # it has an owner
    body = twin_api.scene.twins.bodies()[-1]
    assert (body["registration_event"]["dsn"], body["registration_event"]["registration_type"]) == (dsn, "Node")
    (seen,) = (await twin_api.call("GET", f"/apiv1/dsns/{DSN}/registered_nodes.json", by="ana")).json()
    assert (seen["device"]["dsn"], seen["device"]["address"], seen["device"]["node_type"]) == (dsn, "0x1", "Generic")
    assert (await twin_api.call("GET", f"/apiv1/dsns/{DSN}/registered_nodes", by="bob")).json() == []
    assert (await twin_api.call("GET", f"/apiv1/dsns/{DSN}/registered_nodes", by="dan")).status_code == 404
    gateway = (await twin_api.call("GET", f"/apiv1/dsns/{DSN}", by="ana")).json()["device"]
    assert gateway["device_type"] == "Gateway"


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ("", None, 200),
        ("", {"duration": 0}, 200),
        ("", {"duration": "255"}, 200),
        ("?duration=255", None, 200),
        ("", {"duration": "256"}, 422),
        ("", {"duration": "-1"}, 422),
        ("", {"duration": "ten"}, 422),
        ("", {"duration": 1.5}, 422),
        ("?duration=ten", None, 422),
    ],
)
async def test_a_window_is_open_for_up_to_255_seconds(twin_api: TwinApi, query: str, body: Any, status: int) -> None:
    """In the body or the query, as text or number; holders of shares may not open it."""
    path = f"/apiv1/devices/1/registration_window.json{query}"
    assert (await twin_api.call("POST", path, body, by="ana")).status_code == status
    if status == 200:
        for name, refused in (("cid", 403), ("dan", 404)):
            assert (await twin_api.call("POST", path, body, by=name)).status_code == refused


async def test_a_gateway_speaks_for_its_nodes(twin_api: TwinApi) -> None:
    """Values, echoes, batches, acknowledgements and polls, as for itself."""
    gateway, dsn = twin_api.scene.device, await join(twin_api)
    assert await own(twin_api, dsn) == 201
    path = f"/dev/v1/dsns/{dsn}"
    made = await twin_api.call("POST", f"{path}/properties/temperature/datapoints.json", of(21), by=gateway)
    assert made.status_code == 201
    told = twin_api.scene.twins.bodies()[-1]
    assert (told["metadata"]["dsn"], told["datapoint"]["user_uuid"]) == (dsn, twin_api.scene.users["ana"].uuid)
    batch = {"batch_datapoints": [{"datapoint": {"value": 22}, "dsn": dsn, "name": "temperature", "batch_id": 1}]}
    answer = await twin_api.call("POST", f"/dev/v1/dsns/{DSN}/batch_datapoints.json?nodes=1", batch, by=gateway)
    assert [item["status"] for item in answer.json()["batch_datapoints"]] == [201]
    asked = await twin_api.call("POST", f"/apiv1/dsns/{dsn}/properties/Blue_LED/datapoints", of(1), by="ana")
    id_ = asked.json()["datapoint"]["id"]
    waiting = (await twin_api.call("GET", f"{path}/commands.json", by=gateway)).json()["commands"]
    assert [entry["property"]["id"] for entry in waiting["properties"]] == [id_]
    (command,) = (entry["cmd"]["id"] for entry in waiting["cmds"])
    assert (await twin_api.call("PUT", f"{path}/cmd_post_process.json", {}, by=gateway)).status_code == 400
    finish = f"{path}/cmd_post_process.json?cmd_id={command}&status=200&msg_code=0"
    assert (await twin_api.call("PUT", finish, {}, by=gateway)).status_code == 200
    ack = {"datapoint": {"id": id_, "ack_status": 200, "ack_message": 0}}
    answer = await twin_api.call("PUT", f"{path}/properties/Blue_LED/datapoints/{id_}.json", ack, by=gateway)
    assert answer.status_code == 200
    assert (await twin_api.call("GET", f"{path}/commands.json", by=gateway)).json()["commands"]["properties"] == []
    own_value = await twin_api.call("POST", f"/dev/v1/dsns/{DSN}/properties/level/datapoints", of(1), by=gateway)
    assert own_value.status_code == 201


async def test_a_gateway_fetches_what_waits_for_its_nodes(twin_api: TwinApi) -> None:
    """With its own poll, apart from what is for itself; read once over one connection it waits no more."""
    gateway, dsn = twin_api.scene.device, await join(twin_api)
    assert await own(twin_api, dsn) == 201
    poll = "/devices/1/commands.json"
    for _ in range(2):
        await twin_api.call("GET", poll, by=gateway)
    await twin_api.call("POST", f"/apiv1/dsns/{dsn}/properties/level/datapoints", of(5), by="ana")
    seen = (await twin_api.call("GET", "/apiv1/devices/1/commands", by="bob")).json()["commands"]
    assert seen["node_properties"] == []  # Bob has no share of the node
    waiting = (await twin_api.call("GET", poll, by=gateway)).json()["commands"]
    assert waiting["properties"] == []
    assert waiting["node_properties"] == [
        {"property": {"dsn": dsn, "name": "level", "base_type": "integer", "value": 5}}
    ]
    assert (await twin_api.call("GET", poll, by=gateway)).json()["commands"]["node_properties"] == []
    await twin_api.call("POST", f"/apiv1/dsns/{dsn}/properties/level/datapoints", of(6), by="ana")
    await twin_api.call("GET", poll, by=gateway)
    echo = f"/dev/v1/dsns/{dsn}/properties/level/datapoints.json?echo=true"
    assert (await twin_api.call("POST", echo, of(6), by=gateway)).status_code == 201
    assert await twin_api.scene.twins.store.query(lambda view: view.commands.list_pending(1, 9).values) == ()


async def test_what_a_node_is_told_over_its_gateway(twin_api: TwinApi) -> None:
    """Its state makes a connectivity event if it changes; what is new of it shows in its twin."""
    gateway, dsn = twin_api.scene.device, await join(twin_api, node_type="Zigbee")
    assert await own(twin_api, dsn) == 201
    status = {"connection": {"dsn": dsn, "status": "Online"}}
    for _ in range(2):
        answer = await twin_api.call("PUT", f"{NODES}/{dsn}/conn_status.json", status, by=gateway)
        assert answer.status_code == 200
    events = [body["connection"]["status"] for body in twin_api.scene.twins.bodies() if "connection" in body]
    assert events == ["Online", "Online"]  # the gateway's, the node's
    assert twin_api.scene.twins.bodies()[-1]["metadata"]["dsn"] == dsn
    report = {"node": {"sw_version": "7", "power": "mains", "address": "elsewhere", "oem_model": "other"}}
    assert (await twin_api.call("PUT", f"{NODES}/{dsn}.json", report, by=gateway)).status_code == 200
    node = (await twin_api.call("GET", f"/apiv1/dsns/{dsn}", by="ana")).json()["device"]
    assert (node["connection_status"], node["connected_at"]) == ("Online", "2027-01-15T08:00:00Z")
    assert (node["sw_version"], node["power"], node["address"], node["oem_model"]) == ("7", "mains", "0x1", "bulb")
    path = f"/apiv1/devices/{node['key']}/identify.json"
    assert (await twin_api.call("PUT", path, {"value": "On", "time": "60"}, by="ana")).status_code == 200
    commands = (await twin_api.call("GET", f"/dev/v1/dsns/{dsn}/commands", by=gateway)).json()["commands"]["cmds"]
    assert commands[-1]["cmd"]["data"] == '{"value":"On","time":"60"}'
    for wrong in ({"dsn": "other", "status": "Online"}, {"status": "Gone"}, {}):
        answer = await twin_api.call("PUT", f"{NODES}/{dsn}/conn_status", {"connection": wrong}, by=gateway)
        assert answer.status_code == 422


async def test_nobody_else_speaks_for_a_node(twin_api: TwinApi) -> None:
    """Another device, of whatever OEM, is told that there is none; so is who speaks for another gateway."""
    dsn, other = await join(twin_api), await stranger(twin_api)
    assert await own(twin_api, dsn) == 201
    count = len(twin_api.scene.twins.events())
    node = {"node": {"address": "0x2", "oem_model": "bulb"}}
    ack = {"datapoint": {"ack_status": 200}}
    for method, path, body in (
        ("POST", NODES, node),
        ("PUT", f"{NODES}/{dsn}", node),
        ("DELETE", f"{NODES}/{dsn}", None),
        ("PUT", f"{NODES}/{dsn}/conn_status", {"connection": {"status": "Online"}}),
        ("PUT", f"/dev/v1/dsns/{other.dsn}/nodes/{dsn}", node),
        ("DELETE", f"/dev/v1/dsns/{other.dsn}/nodes/{dsn}", None),
        ("POST", f"/dev/v1/dsns/{dsn}/properties/temperature/datapoints", of(1)),
        ("PUT", f"/dev/v1/dsns/{dsn}/properties/Blue_LED/datapoints/x", ack),
        ("GET", f"/dev/v1/dsns/{dsn}/commands", None),
        ("PUT", f"/dev/v1/dsns/{dsn}/cmd_post_process?cmd_id=1", {}),
    ):
        assert (await twin_api.call(method, path, body, by=other)).status_code == 404, path
    batch = {"batch_datapoints": [{"datapoint": {"value": 22}, "dsn": dsn, "name": "temperature"}]}
    answer = await twin_api.call("POST", f"/dev/v1/dsns/{other.dsn}/batch_datapoints", batch, by=other)
    assert [item["status"] for item in answer.json()["batch_datapoints"]] == [404]
    assert len(twin_api.scene.twins.events()) == count


async def test_a_node_that_comes_back_has_its_dsn_again(twin_api: TwinApi) -> None:
    """After a DELETE or a reset of the gateway; but it has lost its owner, and its gateway may not speak for it."""
    gateway, dsn = twin_api.scene.device, await join(twin_api)
    for leave in (("DELETE", f"{NODES}/{dsn}.json?force_delete=true"), ("GET", f"/dsns/{DSN}.json?reset=1")):
        assert await own(twin_api, dsn) == 201
        assert (await twin_api.call(*leave, by=gateway)).status_code == 200
        (ended,) = (body for body in twin_api.scene.twins.bodies()[-1:])
        assert (ended["registration_event"]["dsn"], ended["registration_event"]["registered"]) == (dsn, False)
        assert (await twin_api.call("GET", f"/apiv1/dsns/{dsn}", by="ana")).status_code == 404
        answer = await twin_api.call("POST", f"/dev/v1/dsns/{dsn}/properties/level/datapoints", of(1), by=gateway)
        assert answer.status_code == 404
        assert await own(twin_api, dsn) == 404
        assert await join(twin_api) == dsn
    wrong: list[Any] = [{"address": "0x1", "oem_model": "other"}, {"address": "0x1"}, {"oem_model": "bulb"}, {}]
    for body in wrong:
        assert (await twin_api.call("POST", NODES, {"node": body}, by=gateway)).status_code == 422


async def test_a_gateway_has_so_many_nodes(twin_api: TwinApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no more."""
    monkeypatch.setattr("twinstream.service.node.MOST_NODES", 1)
    await join(twin_api)
    body = {"node": {"address": "0x2", "oem_model": "bulb"}}
    assert (await twin_api.call("POST", NODES, body, by=twin_api.scene.device)).status_code == 422


async def test_nodes_go_with_their_gateway(twin_api: TwinApi) -> None:
    """Who loses the gateway loses its nodes, with an event for each."""
    dsn = await join(twin_api)
    assert await own(twin_api, dsn) == 201
    assert (await twin_api.call("DELETE", "/apiv1/devices/1", by="ana")).status_code == 200
    ended = [body["registration_event"] for body in twin_api.scene.twins.bodies()[-2:]]
    assert [(body["dsn"], body["registered"]) for body in ended] == [(dsn, False), (DSN, False)]
    assert (await twin_api.call("GET", "/apiv1/devices", by="ana")).json() == []
