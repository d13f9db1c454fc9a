"""Files and messages over HTTP: sent, completed, read, fetched, discarded, by users and devices."""

from __future__ import annotations

import os
from typing import Any

import httpx
import pytest

from tests.sqlite.test_blob import full_disk
from tests.twins import DSN, Scene
from tests.web.test_datapoint import of
from tests.web.test_node import join, own
from tests.web.twin_api import TwinApi
from twinstream.model.property import Direction, PropertyPlan, check_plan
from twinstream.model.value import BaseType

BASE = f"/apiv1/dsns/{DSN}/properties"


@pytest.fixture
async def api(scene: Scene) -> TwinApi:
    """The application; the device has files and messages in both directions."""
    plans = [
        check_plan(PropertyPlan(name=f"{base_type}_{direction}", base_type=base_type, direction=direction))
        for base_type in (BaseType.FILE, BaseType.MESSAGE)
        for direction in Direction
    ]
    await scene.twins.store.run(lambda work: work.properties.add(scene.device.key, plans))
    return TwinApi(scene)


async def open_file(api: TwinApi, name: str = "file_input", by: str = "ana") -> dict[str, Any]:
    """Open a datapoint without a value, as a user."""
    answer = await api.call("POST", f"{BASE}/{name}/datapoints.json", {"datapoint": {}}, by=by)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["datapoint"]
    return made


async def put(api: TwinApi, address: str, content: bytes, content_range: str | None = None) -> httpx.Response:
    """Put bytes to a signed address, without another credential."""
    headers = {"content-type": "application/octet-stream"} | ({"content-range": content_range} if content_range else {})
    return await api.call("PUT", address, content=content, headers=headers)


def key(made: dict[str, Any]) -> str:
    """The key of a datapoint's property."""
    found: str = made["location"].split("/")[-3]
    return found


async def waiting(api: TwinApi) -> list[Any]:
    """What the device is handed, each time over another connection."""
    api.port = getattr(api, "port", 1) + 1  # type: ignore[attr-defined]
    answer = await api.call(
        "GET",
        "/devices/1/commands.json",
        by=api.scene.device,
        client=("192.0.2.7", api.port),  # type: ignore[attr-defined]
    )
    return [entry["property"]["value"] for entry in answer.json()["commands"]["properties"]]


async def test_a_user_sends_a_file_to_the_device(api: TwinApi) -> None:
    """It is opened, put, complete at once, and its event tells where it is; the device finds and fetches it."""
    made = await open_file(api)
    assert (made["value"], made["closed"]) == (None, False)
    assert made["location"].endswith(f"/datapoints/{made['id']}.json")
    assert (await api.call("GET", made["location"], by="ana")).status_code == 406
    assert (await api.call("GET", f"{BASE}/file_input", by="ana")).json()["property"]["value"] is None
    assert api.scene.twins.events() == []
    assert (await put(api, made["file"], b"\x00\xffbytes")).status_code == 200
    found = (await api.call("GET", made["location"], by="bob")).json()["datapoint"]
    assert (found["closed"], found["value"], found["fetched"]) == (True, made["location"], False)
    assert (await api.call("GET", found["file"])).content == b"\x00\xffbytes"
    event = api.scene.twins.bodies()[-1]["datapoint"]
    path = made["location"].removeprefix("http://server.example")
    assert (event["id"], event["closed"], event["value"], event["file"]) == (made["id"], True, path, path)
    assert (await api.call("GET", f"{BASE}/file_input", by="ana")).json()["property"]["value"] == made["location"]
    listed = await api.call("GET", f"{BASE}.json?names[]=file_input", by="bob", headers={"x-forwarded-proto": "https"})
    assert listed.json()[0]["property"]["value"] == f"https://server.example{path}"
    (location,) = await waiting(api)
    own = f"/devices/1/properties/{location.split('/')[1]}/datapoints/{made['id']}"
    assert location == f"/{location.split('/')[1]}/{made['id']}"
    given = (await api.call("GET", f"{own}.json", by=api.scene.device)).json()["datapoint"]
    assert given["location"] == location
    assert (await api.call("GET", given["file"])).content == b"\x00\xffbytes"
    done = await api.call("PUT", f"{own}.json", {"datapoint": {"fetched": True}}, by=api.scene.device)
    assert done.status_code == 200
    assert (await api.call("GET", given["file"])).status_code == 404
    (listed,) = (await api.call("GET", f"{BASE}/file_input/datapoints", by="ana")).json()
    assert (listed["datapoint"]["fetched"], listed["datapoint"]["file"]) == (True, None)


async def test_a_file_comes_in_parts(api: TwinApi) -> None:
    """In order, complete with the last of a known size, or when somebody says so; more is 406 then."""
    made = await open_file(api)
    assert (await put(api, made["file"], b"cd", "bytes 2-3/4")).status_code == 422
    for content, content_range in ((b"ab", "bytes 0-1/4"), (b"cd", "bytes 2-3/4")):
        assert (await put(api, made["file"], content, content_range)).status_code == 200
    assert (await put(api, made["file"], b"ef", "bytes 4-5/6")).status_code == 406
    made = await open_file(api)
    for content, content_range in ((b"ab", "bytes 0-1/*"), (b"cd", "bytes 2-3/*")):
        assert (await put(api, made["file"], content, content_range)).status_code == 200
    assert (await api.call("GET", made["location"], by="ana")).status_code == 406
    path = f"/apiv1/datapoints/{made['id']}.json"
    done = await api.call("PUT", path, by="ana")
    for again in (done, await api.call("PUT", path, by="ana")):
        assert again.json()["datapoint"]["closed"] is True
    assert (await api.call("GET", done.json()["datapoint"]["file"])).content == b"abcd"
    for wrong in ("bytes 1-0/4", "bytes 0-4/4", "chars 0-1/4", "bytes 0-1"):
        assert (await put(api, (await open_file(api))["file"], b"ab", wrong)).status_code == 422


async def test_the_next_file_waits_until_the_first_is_fetched_or_discarded(api: TwinApi) -> None:
    """The device is given one after the other, in the order of their making."""
    ids = []
    for content in (b"1", b"2", b"3"):
        made = await open_file(api)
        await put(api, made["file"], content)
        ids.append(made["id"])
    for id_, body in zip(ids, ({"fetched": True}, {"discarded": True}, {"fetched": True}), strict=True):
        assert [value.split("/")[2] for value in await waiting(api)] == [id_]
        answer = await api.call("PUT", f"/apiv1/datapoints/{id_}.json", {"datapoint": body}, by="cid")
        assert (answer.status_code, answer.json()["datapoint"]["file"]) == (200, None)
    assert await waiting(api) == []


async def test_a_file_is_offered_until_it_was_fetched(api: TwinApi) -> None:
    """A device that restarts between hearing of a file and fetching it hears of it again, however often."""
    device, made = api.scene.device, await open_file(api)
    await put(api, made["file"], b"1")

    async def poll(query: str = "") -> list[str]:
        answer = await api.call("GET", f"/devices/1/commands.json{query}", by=device)
        return [entry["property"]["value"].split("/")[2] for entry in answer.json()["commands"]["properties"]]

    for _ in range(3):
        assert [await poll(query) for query in ("", "", "?all=true", "")] == [[made["id"]], [], [made["id"]], []]
        assert await waiting(api) == []
        assert (await api.call("GET", f"/dsns/{DSN}.json?test=1", by=device)).status_code == 200
        assert [await waiting(api) for _ in range(3)] == [[f"/{key(made)}/{made['id']}"]] * 2 + [[]]
        assert (await api.call("GET", f"/dsns/{DSN}.json", by=device)).status_code == 200
    path = f"/devices/1/properties/{key(made)}/datapoints/{made['id']}"
    assert (await api.call("PUT", path, {"datapoint": {"fetched": True}}, by=device)).status_code == 200
    await api.call("GET", f"/dsns/{DSN}.json", by=device)
    assert (await poll("?all=true"), await poll("?input=true")) == ([], [])


async def test_a_gateway_hears_of_its_nodes_files(api: TwinApi) -> None:
    """At once, and again after it has introduced itself."""
    dsn, gateway = await join(api), api.scene.device
    assert await own(api, dsn) == 201
    plan = check_plan(PropertyPlan(name="file_input", base_type=BaseType.FILE, direction=Direction.INPUT))
    node = (await api.call("GET", f"/apiv1/dsns/{dsn}.json", by="ana")).json()["device"]
    await api.scene.twins.store.run(lambda work: work.properties.add(node["key"], [plan]))
    for number in range(4):  # whatever waits so far, the gateway reads it
        await api.call("GET", "/devices/1/commands.json", by=gateway, client=("192.0.2.7", number))
    base = f"/apiv1/dsns/{dsn}/properties/file_input/datapoints.json"
    made = (await api.call("POST", base, {"datapoint": {}}, by="ana")).json()["datapoint"]
    await put(api, made["file"], b"1")
    for _ in range(2):
        told = []
        for _ in range(2):
            answer = await api.call("GET", "/devices/1/commands.json", by=gateway)
            told += [entry["property"]["value"] for entry in answer.json()["commands"]["node_properties"]]
        assert told == [f"/{key(made)}/{made['id']}"]
        await api.call("GET", f"/dsns/{DSN}.json", by=gateway)


async def test_what_an_owner_left_unfetched_is_in_nobodys_way(api: TwinApi) -> None:
    """A new owner's files reach the device as if there had been none; those of the one before never do."""
    for content in (b"1", b"2"):
        await put(api, (await open_file(api))["file"], content)
    half = await open_file(api)
    assert (await api.call("DELETE", "/apiv1/devices/1.json", by="ana")).status_code == 200
    api.scene.twins.clock.turn(1.0)
    assert (await put(api, half["file"], b"3")).status_code == 404
    assert (await api.call("POST", "/apiv1/devices.json", {"device": {"dsn": DSN}}, by="bob")).status_code == 201
    assert await waiting(api) == []
    for content in (b"4", b"5"):
        made = await open_file(api, by="bob")
        await put(api, made["file"], content)
        assert [value.split("/")[2] for value in await waiting(api)] == [made["id"]]
        path = f"/apiv1/datapoints/{made['id']}.json"
        assert (await api.call("PUT", path, {"datapoint": {"fetched": True}}, by="bob")).status_code == 200
    assert await waiting(api) == []


async def test_what_is_not_complete_cannot_be_fetched(api: TwinApi) -> None:
    """But discarded: then no bytes are taken any more."""
    made = await open_file(api)
    path = f"/apiv1/datapoints/{made['id']}.json"
    early = [
        await api.call("PUT", path, {"datapoint": {"fetched": True}}, by="ana"),
        await api.call("GET", made["location"], by="ana"),
    ]
    assert (await api.call("PUT", path, {"datapoint": {"discarded": True}}, by="ana")).status_code == 200
    late = [await put(api, made["file"], b"x"), await api.call("PUT", path, by="ana")]
    for answers, text in ((early, "not complete yet"), (late, "takes no more bytes")):
        for answer in answers:
            assert (answer.status_code, answer.json()["code"]) == (406, "incomplete")
            assert text in answer.text
    assert api.scene.twins.events() == []


async def test_an_address_is_signed_and_expires(api: TwinApi) -> None:
    """It holds for its method, its datapoint and an hour, and not when the owner has changed."""
    made, other = await open_file(api), await open_file(api)
    for wrong in (
        made["file"].replace(made["id"], other["id"]),
        made["file"][:-1] + ("0" if made["file"][-1] != "0" else "1"),
        made["file"].partition("?")[0],
        made["file"].replace("expires=", "expires=9"),
        made["file"].replace("expires=", "expires=x"),
    ):
        assert (await put(api, wrong, b"x")).status_code == 403
    assert (await api.call("GET", made["file"])).status_code == 403
    assert (await put(api, made["file"], b"x")).status_code == 200
    api.scene.twins.clock.turn(3601)
    assert (await put(api, other["file"], b"x")).status_code == 403
    fresh = (await api.call("GET", made["location"], by="ana")).json()["datapoint"]["file"]
    await api.call("DELETE", "/apiv1/devices/1.json", by="ana")
    assert (await api.call("GET", fresh)).status_code == 404


async def test_others_have_no_say(api: TwinApi) -> None:
    """Neither strangers, nor other OEMs, nor other devices, nor holders of a share for reading."""
    made = await open_file(api)
    path = f"/apiv1/datapoints/{made['id']}.json"
    for by, status in (("bob", 403), ("dan", 404), ("eve", 404), (None, 401)):
        assert (await api.call("PUT", path, by=by)).status_code == status
        assert (await api.call("PUT", path, {"datapoint": {"discarded": True}}, by=by)).status_code == status
    answer = await api.call("POST", f"{BASE}/file_input/datapoints", {"datapoint": {}}, by="bob")
    assert answer.status_code == 403
    device = await api.scene.twins.make_device("D2", api.scene.users["ana"])
    for method in ("GET", "PUT"):
        own = f"/devices/{device.key}/properties/5/datapoints/{made['id']}.json"
        assert (await api.call(method, own, by=device)).status_code == 404
    assert (await api.call("PUT", "/apiv1/datapoints/none.json", by="ana")).status_code == 404


async def test_files_have_no_value_and_no_batch(api: TwinApi) -> None:
    """422; in a batch that is the status of the item, and its neighbours are stored."""
    answer = await api.call("POST", f"{BASE}/file_input/datapoints", of("x"), by="ana")
    assert (answer.status_code, answer.json()["field"]) == (422, "value")
    items = [{**of("x"), "dsn": DSN, "name": name} for name in ("file_input", "message_input")]
    items.append({**of(1), "dsn": DSN, "name": "level"})
    answer = await api.call("POST", "/apiv1/batch_datapoints", {"batch_datapoints": items}, by="ana")
    assert [item["status"] for item in answer.json()] == [422, 422, 201]
    answer = await api.call("POST", f"{BASE}/level/datapoints", {"datapoint": {}}, by="ana")
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("value", "shown"), [("text | é", "text | é"), ({"a": [1]}, '{"a":[1]}'), ("x" * 50_000, "x" * 50_000)]
)
async def test_a_user_sends_a_message(api: TwinApi, value: Any, shown: str) -> None:
    """In one call; it is read by its id, as often as one likes, and the device gets its bytes."""
    made = (await api.call("POST", f"{BASE}/message_input/datapoints.json", of(value), by="ana")).json()["datapoint"]
    assert (made["closed"], made["value"]) == (True, made["location"])
    for _ in range(2):
        assert (await api.call("GET", made["location"], by="bob")).json()["datapoint"]["value"] == shown
    assert (await api.call("GET", made["file"])).text == shown
    (listed,) = (await api.call("GET", f"{BASE}/message_input/datapoints", by="ana")).json()
    assert listed["datapoint"]["value"] == made["location"]
    assert [one.split("/")[2] for one in await waiting(api)] == [made["id"]]
    answer = await api.call("PUT", f"/apiv1/datapoints/{made['id']}", {"datapoint": {"fetched": True}}, by="ana")
    assert answer.status_code == 422


async def test_a_device_sends_messages_and_files(api: TwinApi) -> None:
    """A datapoint without a value, then the bytes; the location has the device's own form."""
    device = api.scene.device
    answer = await api.call(
        "POST", "/devices/1/properties/message_output/datapoints", {"datapoint": {"metadata": {"a": "b"}}}, by=device
    )
    made = answer.json()["datapoint"]
    key, id_ = made["location"].split("/")[1:]
    own = f"/devices/1/properties/{key}/message_datapoints/{id_}.json"
    assert (await api.call("PUT", own, content=b"x" * (512 * 1024 + 1), by=device)).status_code == 413
    assert (await api.call("PUT", own, content=b"\xff\x00", by=device)).status_code == 200
    assert (await api.call("PUT", own, content=b"again", by=device)).status_code == 406
    found = (await api.call("GET", f"{BASE}/message_output/datapoints/{id_}", by="ana")).json()["datapoint"]
    assert (found["value"], found["metadata"]) == ("/wA=", {"a": "b"})
    made = (await api.call("POST", "/devices/1/properties/file_output/datapoints", {"datapoint": {}}, by=device)).json()
    assert (await put(api, made["datapoint"]["file"], b"abc")).status_code == 200
    key, id_ = made["datapoint"]["location"].split("/")[1:]
    closed = await api.call("PUT", f"/devices/1/properties/{key}/datapoints/{id_}", by=device)
    assert closed.status_code == 200
    (listed,) = (await api.call("GET", f"/apiv1/properties/{key}/datapoints.json", by="ana")).json()
    assert (await api.call("GET", listed["datapoint"]["file"])).content == b"abc"
    answer = await api.call("POST", "/devices/1/properties/file_input/datapoints", {"datapoint": {}}, by=device)
    assert answer.status_code == 403
    assert [body["datapoint"]["closed"] for body in api.scene.twins.bodies() if "datapoint" in body] == [True, True]


async def test_bytes_go_with_their_datapoints(api: TwinApi) -> None:
    """What retention has deleted leaves no bytes behind; what nobody wanted neither, the newest stays."""
    made = [(await api.call("POST", f"{BASE}/message_input/datapoints", of(n), by="ana")).json() for n in range(2)]
    ids = [one["datapoint"]["id"] for one in made]
    api.scene.twins.blobs.write("orphan", b"x")
    blobs, contents = api.scene.twins.blobs, api.scene.twins.contents
    api.scene.twins.clock.turn(91 * 86_400)
    assert await api.scene.twins.datapoints.purge() == 1
    await contents.sweep()
    assert blobs.read(ids[0]) == b"0"  # too young to be sure
    for path in (api.scene.twins.folder / "blobs").iterdir():
        os.utime(path, (1, 1))
    await contents.sweep()
    assert [blobs.read(name) for name in (*ids, "orphan")] == [None, b"1", None]


async def test_a_full_disk_is_503_and_the_sender_comes_again(api: TwinApi) -> None:
    """A file's bytes that do not fit: storage_full with Retry-After, no event; with room they fit."""
    made = await open_file(api)
    largest = max(path.stat().st_size for path in api.scene.twins.folder.rglob("*") if path.is_file())
    content = os.urandom(largest + 400_000)
    with full_disk(largest + 200_000):  # room for the database, not for the bytes
        answer = await put(api, made["file"], content)
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_full"), answer.text
    assert answer.headers["retry-after"] == "10"
    assert api.scene.twins.bodies() == []
    assert (await put(api, made["file"], content)).status_code == 200
    found = (await api.call("GET", made["location"], by="ana")).json()["datapoint"]
    assert (await api.call("GET", found["file"])).content == content
