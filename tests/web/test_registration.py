"""Registration over HTTP: candidates, windows, conflicts, transfers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.twins import DSN
from tests.web.twin_api import TwinApi
from twinstream.model.device import RegistrationType
from twinstream.model.principal import Device

HOME, ELSEWHERE = ("203.0.113.7", 1), ("203.0.113.8", 1)


async def arrive(twin_api: TwinApi, dsn: str, type_: RegistrationType, client: tuple[str, int] = HOME) -> Device:
    """A device without an owner that has contacted the server."""
    device = await twin_api.scene.twins.make_device(dsn, registration_type=type_)
    await twin_api.call("GET", f"/dsns/{dsn}.json", by=device, client=client)
    return device


async def look(twin_api: TwinApi, query: str, by: str = "dan", client: tuple[str, int] = HOME) -> httpx.Response:
    """Look for candidates."""
    return await twin_api.call("GET", f"/apiv1/devices/register.json{query}", by=by, client=client)


async def register(
    twin_api: TwinApi, by: str = "dan", client: tuple[str, int] = HOME, query: str = "", **shown: Any
) -> int:
    """Register; answer the status."""
    answer = await twin_api.call("POST", f"/apiv1/devices.json{query}", {"device": shown}, by=by, client=client)
    return answer.status_code


async def regtoken_of(twin_api: TwinApi, device: Device, client: tuple[str, int] = HOME) -> str:
    """The token that the device gets with a GET of its DSN."""
    answer = await twin_api.call("GET", f"/dsns/{device.dsn}.json", by=device, client=client)
    token: str = answer.json()["device"]["regtoken"]
    return token


async def push(twin_api: TwinApi, device: Device, client: tuple[str, int] = HOME) -> None:
    """Push the device's button."""
    path = f"/devices/{device.key}/start_reg_window.json"
    assert (await twin_api.call("PUT", path, {}, by=device, client=client)).status_code == 200


async def test_same_lan_finds_the_newest_device_in_the_network(twin_api: TwinApi) -> None:
    """Or the one that is named; without its tokens; for an hour after it talked; not what has an owner."""
    await arrive(twin_api, "AC1", RegistrationType.SAME_LAN)
    twin_api.scene.twins.clock.turn(10)
    second = await arrive(twin_api, "AC2", RegistrationType.SAME_LAN)
    await arrive(twin_api, "AC3", RegistrationType.SAME_LAN, ELSEWHERE)
    await arrive(twin_api, "AC4", RegistrationType.DSN)
    await twin_api.call("PUT", f"/devices/{second.key}", {"device": {"lan_ip": "10.0.0.5"}}, by=second, client=HOME)
    found = (await look(twin_api, "?regtype=Same-LAN")).json()["device"]
    assert (found["dsn"], found["lan_ip"], found["regtoken"], found["setup_token"]) == ("AC2", "10.0.0.5", None, None)
    assert (await look(twin_api, "")).json()["device"]["dsn"] == "AC2"
    assert (await look(twin_api, "?dsn=AC1&regtype=Same-LAN")).json()["device"]["dsn"] == "AC1"
    for query in ("?dsn=AC3&regtype=Same-LAN", "?dsn=AC4&regtype=Same-LAN", f"?dsn={DSN}&regtype=Same-LAN"):
        assert (await look(twin_api, query)).status_code == 404
    assert (await look(twin_api, "?dsn=AC1", by="eve")).status_code == 404
    assert (await look(twin_api, "?dsn=AC1", client=ELSEWHERE)).status_code == 404
    twin_api.scene.twins.clock.turn(3595)
    assert (await look(twin_api, "?dsn=AC1")).status_code == 404
    assert (await look(twin_api, "?dsn=AC2")).status_code == 200
    assert await register(twin_api, dsn="AC2", regtoken=await regtoken_of(twin_api, second)) == 201
    assert (await look(twin_api, "?dsn=AC2")).status_code == 404


async def test_same_lan_counts_for_an_hour_and_each_token_once(twin_api: TwinApi) -> None:
    """A token stays on the device until it contacts the server again; the next contact makes another one."""
    device = await arrive(twin_api, "AC1", RegistrationType.SAME_LAN)
    old, token = [await regtoken_of(twin_api, device) for _ in range(2)]
    assert await register(twin_api, dsn="AC1", regtoken=old) == 404
    assert await register(twin_api, dsn="AC1", regtoken=token, client=ELSEWHERE) == 404
    assert await register(twin_api, by="eve", dsn="AC1", regtoken=token) == 404
    twin_api.scene.twins.clock.turn(3601)
    assert await register(twin_api, dsn="AC1", regtoken=token) == 404
    token = await regtoken_of(twin_api, device)
    assert await register(twin_api, dsn="AC1", regtoken=token) == 201
    assert (await twin_api.call("DELETE", f"/apiv1/devices/{device.key}", by="dan")).status_code == 200
    assert await register(twin_api, by="bob", dsn="AC1", regtoken=token) == 404
    token = await regtoken_of(twin_api, device)
    assert await register(twin_api, by="bob", dsn="AC1", regtoken=token) == 201
    anew = await regtoken_of(twin_api, device)
    assert await register(twin_api, dsn="AC1", regtoken=anew) == 404  # it has an owner


async def test_a_button_counts_for_two_minutes(twin_api: TwinApi) -> None:
    """From the device's own network; a new push takes the device from its owner."""
    device = await arrive(twin_api, "AC1", RegistrationType.BUTTON_PUSH)
    assert (await look(twin_api, "?regtype=Button-Push")).status_code == 404
    assert await register(twin_api, dsn="AC1") == 404
    await push(twin_api, device)
    assert (await look(twin_api, "?regtype=Button-Push")).json()["device"]["dsn"] == "AC1"
    assert (await look(twin_api, "?regtype=Button-Push&dsn=AC2")).status_code == 404
    assert (await look(twin_api, "?regtype=Button-Push", client=ELSEWHERE)).status_code == 404
    assert await register(twin_api, dsn="AC1", client=ELSEWHERE) == 404
    twin_api.scene.twins.clock.turn(121)
    assert (await look(twin_api, "?regtype=Button-Push")).status_code == 404
    assert await register(twin_api, dsn="AC1") == 404
    await push(twin_api, device)
    assert await register(twin_api, dsn="AC1") == 201
    assert await register(twin_api, by="bob", dsn="AC1") == 404  # one push, one owner
    await push(twin_api, device)
    assert await register(twin_api, by="bob", dsn="AC1") == 201
    assert (await twin_api.call("GET", "/apiv1/devices", by="dan")).json() == []


@pytest.mark.parametrize("by_search", [True, False])
async def test_several_pushed_buttons_invalidate_each_other(twin_api: TwinApi, by_search: bool) -> None:
    """Whoever finds out, by searching or by registering: none of them counts any more."""
    devices = [await arrive(twin_api, dsn, RegistrationType.BUTTON_PUSH) for dsn in ("AC1", "AC2")]
    for device in devices:
        await push(twin_api, device)
    if by_search:
        answer = await look(twin_api, "?regtype=Button-Push")
        assert (answer.status_code, "Several" in answer.json()["error"]["message"]) == (404, True)
    else:
        assert await register(twin_api, dsn="AC1") == 404
    for dsn in ("AC1", "AC2"):
        assert await register(twin_api, dsn=dsn) == 404
    await push(twin_api, devices[0])
    await push(twin_api, devices[1], ELSEWHERE)
    assert await register(twin_api, dsn="AC1") == 201


async def test_types_that_need_no_candidates(twin_api: TwinApi) -> None:
    """404; a type that does not exist is 400."""
    for type_ in ("AP-Mode", "Display", "Dsn", "Node&dsn=unknown"):
        assert (await look(twin_api, f"?regtype={type_}")).status_code == 404
    for query in ("?regtype=None", "?regtype=Node", "?dsn=a&dsn=b"):
        assert (await look(twin_api, query)).status_code == 400


@pytest.mark.parametrize("shown", [{}, {"dsn": ""}, {"regtoken": None}, {"setup_token": "12345678"}])
async def test_a_registration_names_a_device(twin_api: TwinApi, shown: dict[str, Any]) -> None:
    """By its DSN or its registration token; else it is 422, whatever devices there are."""
    answer = await twin_api.call("POST", "/apiv1/devices.json", {"device": shown}, by="dan")
    assert (answer.status_code, answer.json()["field"]) == (422, "dsn")


async def test_tokens_of_displays_cannot_be_guessed(twin_api: TwinApi) -> None:
    """After five wrong ones of a user even the right one is refused for a while."""
    device = await arrive(twin_api, "AC1", RegistrationType.DISPLAY)
    token = await regtoken_of(twin_api, device)
    assert [await register(twin_api, regtoken="wrong!") for _ in range(6)] == [404] * 5 + [429]
    assert await register(twin_api, regtoken=token) == 429
    assert await register(twin_api, by="bob", regtoken=token) == 201


async def test_a_registration_may_say_where_the_device_is(twin_api: TwinApi) -> None:
    """``lat`` and ``lng`` in the query make a location event after the registration."""
    await arrive(twin_api, "AC1", RegistrationType.DSN)
    assert await register(twin_api, dsn="AC1", query="?lat=91&lng=2") == 422
    assert await register(twin_api, dsn="AC1", query="?lat=48.86&lng=2.34") == 201
    registration, location = twin_api.scene.twins.bodies()[-2:]
    assert registration["registration_event"]["registered"]
    assert (location["location_event"]["lat"], location["location_event"]["provider"]) == (" 48.860000", "user-based")


async def test_a_device_is_transferred(twin_api: TwinApi) -> None:
    """By its owner, to a user of the same OEM: an event for each; shares end; its token is not told."""
    path = f"/apiv1/devices/{DSN}/transfer.json"
    for by, email, status in (
        ("bob", "dan@x.example", 403),
        ("cid", "dan@x.example", 403),
        ("dan", "dan@x.example", 404),
        ("eve", "eve@x.example", 404),
        ("ana", "eve@x.example", 404),
        ("ana", "nobody@x.example", 404),
        ("ana", "ana@x.example", 422),
        ("ana", "", 422),
    ):
        answer = await twin_api.call("PUT", path, {"device": {"email": email}}, by=by)
        assert answer.status_code == status, (by, email)
    assert twin_api.scene.twins.events() == []
    answer = await twin_api.call("PUT", path, {"device": {"email": " Dan@x.example"}}, by="ana")
    assert (answer.status_code, answer.json()["device"]["user_uuid"]) == (200, twin_api.scene.users["dan"].uuid)
    bodies = [body["registration_event"] for body in twin_api.scene.twins.bodies()]
    assert [(body["registered"], body["user_uuid"]) for body in bodies] == [
        (False, None),
        (True, twin_api.scene.users["dan"].uuid),
    ]
    for name, count in (("ana", 0), ("bob", 0), ("cid", 0), ("dan", 1)):
        assert len((await twin_api.call("GET", "/apiv1/devices", by=name)).json()) == count
