"""Creating, reading and acknowledging datapoints over HTTP; each test with the hot layer and without it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.twins import DSN
from tests.web.twin_api import TwinApi

BLUE = f"/apiv1/dsns/{DSN}/properties/Blue_LED/datapoints"
LEVEL = f"/apiv1/dsns/{DSN}/properties/level/datapoints"


def of(value: Any, **more: Any) -> dict[str, Any]:
    """The body that creates a datapoint."""
    return {"datapoint": {"value": value, **more}}


@pytest.mark.parametrize(
    "path",
    [
        BLUE,
        f"{BLUE}.json",
        "/apiv1/devices/1/properties/Blue_LED/datapoints.json",
        "/apiv1/properties/1/datapoints.json",
    ],
)
async def test_a_user_creates_a_datapoint(twin_api: TwinApi, path: str) -> None:
    """On each of the three paths, with and without suffix; the answer has the documented form."""
    answer = await twin_api.call("POST", path, of("1", metadata={"key1": ""}), by="ana")
    assert answer.status_code == 201
    assert answer.headers["content-type"].startswith("application/json")
    datapoint = answer.json()["datapoint"]
    assert len(datapoint.pop("id")) == 36
    assert datapoint == {
        "created_at": "2027-01-15T08:00:00Z",
        "updated_at": "2027-01-15T08:00:00Z",
        "created_at_from_device": None,
        "echo": False,
        "closed": False,
        "value": 1,
        "metadata": {"key1": ""},
        "ack_id": None,
        "ack_status": None,
        "ack_message": None,
        "acked_at": None,
    }


async def test_a_list_and_a_datapoint_can_be_read(twin_api: TwinApi) -> None:
    """Lists ascend; the id leads to the same datapoint on every path."""
    made = [(await twin_api.call("POST", LEVEL, of(n), by="ana")).json() for n in range(3)]
    for base in (LEVEL, "/apiv1/devices/1/properties/level/datapoints", "/apiv1/properties/2/datapoints"):
        assert (await twin_api.call("GET", f"{base}.json", by="bob")).json() == made
        assert (await twin_api.call("GET", f"{base}?limit=2", by="ana")).json() == made[1:]
        found = await twin_api.call("GET", f"{base}/{made[0]['datapoint']['id']}.json", by="cid")
        assert found.json() == made[0]
    assert (await twin_api.call("GET", f"{LEVEL}?limit=x", by="ana")).status_code == 400


@pytest.mark.parametrize(
    ("path", "by", "status"),
    [
        (BLUE, None, 401),
        (BLUE, "nobody", 401),
        (BLUE, "bob", 403),
        (BLUE, "dan", 404),
        (BLUE, "eve", 404),
        ("/apiv1/dsns/unknown/properties/Blue_LED/datapoints", "ana", 404),
        (f"/apiv1/dsns/{DSN}/properties/temperature/datapoints", "ana", 403),
        ("/apiv1/devices/x/properties/Blue_LED/datapoints", "ana", 404),
        ("/apiv1/devices/99999999999999999999/properties/Blue_LED/datapoints", "ana", 404),
        ("/apiv1/properties/-1/datapoints", "ana", 404),
    ],
)
async def test_refusals(twin_api: TwinApi, path: str, by: str | None, status: int) -> None:
    """Without a token 401, a share for reading or an output 403, what is not yours 404; nothing is stored."""
    answer = await twin_api.call("POST", path, of(1), by=by)
    body = answer.json()
    assert (answer.status_code, body["error"]["code"], body["errors"][0]["code"]) == (status, status, str(status))
    assert twin_api.scene.twins.events() == []


async def test_what_is_not_yours_is_answered_like_what_does_not_exist(twin_api: TwinApi) -> None:
    """The bodies differ in nothing but the request's id."""
    bodies = []
    for path, by in ((BLUE, "dan"), (BLUE, "eve"), ("/apiv1/dsns/unknown/properties/Blue_LED/datapoints", "ana")):
        body = (await twin_api.call("POST", path, of(1), by=by)).json()
        bodies.append({name: value for name, value in body.items() if name != "request_id"})
    assert bodies[0] == bodies[1] == bodies[2]


@pytest.mark.parametrize(
    ("content", "status", "field"),
    [
        (b"", 400, None),
        (b"no", 400, None),
        (b'\xef\xbb\xbf{"datapoint":{"value":1}}', 400, None),
        ('{"datapoint":{"value":1}}'.encode("utf-16"), 400, None),
        (b'{"datapoint":{"value":1,"value":2}}', 400, None),
        (b'{"datapoint":{"value":1},"datapoint":{"value":2}}', 400, None),
        (b'{"datapoint":{"value":1,"metadata":{"a":"x","a":"y"}}}', 400, None),
        (b'{"datapoint":{"value":' + b"[" * 20_000, 400, None),
        (b'{"datapoint":{"value":' + b"[" * 40 + b"]" * 40 + b"}}", 400, None),
        (b"[]", 422, "body"),
        (b"{}", 422, "datapoint"),
        (b'{"datapoint":null}', 422, "datapoint"),
        (b'{"datapoint":[]}', 422, "datapoint"),
        (b'{"datapoint":{}}', 422, "value"),
        (b'{"datapoint":{"value":null}}', 422, "value"),
        (b'{"datapoint":{"value":2}}', 422, "value"),
        (b'{"datapoint":{"value":[]}}', 422, "value"),
        (b'{"datapoint":{"value":NaN}}', 422, None),
        (b'{"datapoint":{"value":1e999}}', 422, None),
        (b'{"datapoint":{"value":"\\ud800"}}', 422, None),
        (b'{"datapoint":{"value":"\\u0000"}}', 422, None),
        (b'{"datapoint":{"value":1,"metadata":[]}}', 422, "metadata"),
        (b'{"datapoint":{"value":1,"metadata":{"a":1}}}', 422, "metadata"),
        (b'{"datapoint":{"value":1,"metadata":"x"}}', 422, "metadata"),
    ],
)
async def test_bad_bodies(twin_api: TwinApi, content: bytes, status: int, field: str | None) -> None:
    """What is no JSON is 400, what is no datapoint 422 with the field's name."""
    answer = await twin_api.call("POST", BLUE, by="ana", content=content)
    assert (answer.status_code, answer.json().get("field")) == (status, field)
    assert twin_api.scene.twins.events() == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-encoding": "gzip"}, 415),
        ({"content-type": "application/json; charset=utf-8", "x-ayla-source": "Mobile"}, 201),
    ],
)
async def test_content_types(twin_api: TwinApi, headers: dict[str, str], status: int) -> None:
    """Only plain JSON is read; headers that nobody knows are ignored."""
    content = json.dumps(of(1)).encode()
    assert (await twin_api.call("POST", BLUE, by="ana", content=content, headers=headers)).status_code == status


async def test_a_body_has_a_limit(twin_api: TwinApi) -> None:
    """More is 413, and the connection is closed."""
    answer = await twin_api.call("POST", BLUE, by="ana", content=b" " * (64 * 1024 + 1))
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


async def test_server_owned_members_are_ignored(twin_api: TwinApi) -> None:
    """Nobody sets an id, an owner, a time or an acknowledgement."""
    sent = of(1, id="x", user_uuid="x", created_at="2001-01-01T00:00:00Z", acked_at="x", ack_status=200, closed=True)
    datapoint = (await twin_api.call("POST", BLUE, sent, by="ana")).json()["datapoint"]
    assert (datapoint["created_at"], datapoint["ack_status"], datapoint["closed"]) == (
        "2027-01-15T08:00:00Z",
        None,
        False,
    )
    (event,) = twin_api.scene.twins.bodies()
    assert event["datapoint"]["user_uuid"] == twin_api.scene.users["ana"].uuid


async def test_a_batch_has_a_status_per_item(twin_api: TwinApi) -> None:
    """The good ones are stored, the bad ones refused with their reason; the answer is a bare array in order."""
    items: list[Any] = [
        {**of(1), "dsn": DSN, "name": "level"},
        {**of("x"), "dsn": DSN, "name": "level"},
        {**of(1), "dsn": "unknown", "name": "level"},
        {**of(1), "dsn": DSN, "name": "temperature"},
        {**of(1)},
        "text",
        {"dsn": DSN, "name": "level"},
        {**of(1, metadata=5), "dsn": DSN, "name": "level"},
        {**of(0), "dsn": DSN, "name": "Blue_LED"},
    ]
    answer = await twin_api.call("POST", "/apiv1/batch_datapoints.json", {"batch_datapoints": items}, by="ana")
    assert answer.status_code == 200
    assert [item["status"] for item in answer.json()] == [201, 422, 404, 403, 404, 422, 422, 422, 201]
    assert [item["name"] for item in answer.json()][:2] == ["level", "level"]
    assert answer.json()[0]["datapoint"]["value"] == 1
    assert answer.json()[1]["error"]["code"] == "invalid"
    assert len(twin_api.scene.twins.events()) == 2


@pytest.mark.parametrize("body", [{}, {"batch_datapoints": None}, {"batch_datapoints": {}}, []])
async def test_a_batch_is_a_list(twin_api: TwinApi, body: Any) -> None:
    """Anything else is 422."""
    content = json.dumps(body).encode()
    assert (await twin_api.call("POST", "/apiv1/batch_datapoints", by="ana", content=content)).status_code == 422


async def test_an_empty_batch_is_answered_emptily(twin_api: TwinApi) -> None:
    """Nothing was asked, nothing is told."""
    assert (await twin_api.call("POST", "/apiv1/batch_datapoints", {"batch_datapoints": []}, by="ana")).json() == []


async def test_a_device_posts_and_echoes(twin_api: TwinApi) -> None:
    """On its own path, with `echo=true` if it repeats a value."""
    device = twin_api.scene.device
    body = of(21.5, name="temperature", base_type="decimal", dev_time_ms=1_799_999_999_000)
    answer = await twin_api.call(
        "POST", f"/devices/{device.key}/properties/temperature/datapoints.json", body, by=device
    )
    assert (answer.status_code, answer.json()["datapoint"]["created_at_from_device"]) == (201, "2027-01-15T07:59:59Z")
    path = f"/devices/{device.key}/properties/Blue_LED/datapoints.json"
    for query, echo in (("?echo=true", True), ("?echo=false", False), ("?echo=1", True), ("", False)):
        assert (await twin_api.call("POST", path + query, of(1), by=device)).json()["datapoint"]["echo"] is echo
    answer = await twin_api.call("POST", f"{path}?echo=true&echo=true", of(1), by=device)
    assert (answer.status_code, answer.json()["field"]) == (400, "echo")


async def test_a_device_posts_a_batch(twin_api: TwinApi) -> None:
    """The answer is wrapped, each item called by its batch_id, or else by its place."""
    device = twin_api.scene.device
    items = [
        {"batch_id": 7, "name": "temperature", **of(1)},
        {"batch_id": "b", "datapoint": {"name": "temperature", "value": 2, "echo": False}},
        {"dsn": device.dsn, "name": "level", **of("x")},
        {"dsn": "AC000W000340640", "name": "level", **of(1)},
        {"name": "Blue_LED", "datapoint": {"value": 1, "echo": True}},
    ]
    path = f"/dev/v1/dsns/{device.dsn}/batch_datapoints.json"
    answer = await twin_api.call("POST", path, {"batch_datapoints": items}, by=device)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "batch_datapoints": [
                {"batch_id": 7, "status": 201},
                {"batch_id": "b", "status": 201},
                {"batch_id": 3, "status": 422},
                {"batch_id": 4, "status": 404},
                {"batch_id": 5, "status": 201},
            ]
        },
    )
    assert [body["datapoint"]["echo"] for body in twin_api.scene.twins.bodies()[-3:]] == [False, False, True]


async def test_a_device_stays_on_its_own_paths(twin_api: TwinApi) -> None:
    """Another device's path is 404; a user's token is none of a device, and the other way round."""
    scene = twin_api.scene
    other = await scene.twins.make_device("AC000W000340640", scene.users["ana"])
    for method, path in (
        ("POST", f"/devices/{other.key}/properties/level/datapoints.json"),
        ("POST", f"/dev/v1/dsns/{other.dsn}/batch_datapoints.json"),
        ("GET", f"/devices/{other.key}/commands.json"),
        ("PUT", f"/dev/v1/dsns/{other.dsn}/properties/Blue_LED/datapoints/x.json"),
    ):
        assert (await twin_api.call(method, path, of(1), by=scene.device)).status_code == 404
        assert (await twin_api.call(method, path, of(1), by="ana")).status_code == 401
    assert (await twin_api.call("POST", BLUE, of(1), by=scene.device)).status_code == 401


async def test_a_device_acknowledges(twin_api: TwinApi) -> None:
    """On the path of the datapoint; the user sees it there."""
    made = (await twin_api.call("POST", BLUE, of(1), by="ana")).json()["datapoint"]
    path = f"/dev/v1/dsns/{DSN}/properties/Blue_LED/datapoints/{made['id']}.json"
    body = {"datapoint": {"id": made["id"], "ack_status": 1, "ack_message": 5}}
    answer = await twin_api.call("PUT", path, body, by=twin_api.scene.device)
    assert answer.status_code == 200
    found = (await twin_api.call("GET", f"{BLUE}/{made['id']}.json", by="ana")).json()["datapoint"]
    assert (found["ack_status"], found["ack_message"], found["acked_at"]) == (400, 5, "2027-01-15T08:00:00Z")
    for wrong in ({"ack_status": 201}, {}, {"ack_status": 200, "ack_message": "x"}, {"ack_status": True}):
        assert (await twin_api.call("PUT", path, {"datapoint": wrong}, by=twin_api.scene.device)).status_code == 422


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_other_methods(twin_api: TwinApi, method: str) -> None:
    """They are 405 and say what is allowed."""
    answer = await twin_api.call(method, BLUE, of(1), by="ana")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["allow"].replace(" ", "").split(","))


async def test_a_failure_is_internal_and_says_nothing(
    twin_api: TwinApi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What was not foreseen is 500 with a request id, without any detail."""

    async def fail(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(twin_api.scene.twins.store, "run_batched", fail)
    answer = await twin_api.call("POST", BLUE, of(1), by="ana")
    assert answer.status_code == 500
    assert answer.json()["request_id"]
    assert "secret" not in answer.text


async def test_the_hot_routes_are_described(twin_api: TwinApi) -> None:
    """The OpenAPI document tells of them like of all others."""
    paths = (await twin_api.call("GET", "/openapi.json")).json()["paths"]
    assert "post" in paths["/apiv1/dsns/{dsn}/properties/{name}/datapoints"]
    assert "post" in paths["/dev/v1/dsns/{dsn}/batch_datapoints"]
    assert "get" in paths["/devices/{device_key}/commands"]
