"""Device templates over HTTP, and the shape that twins get from them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.twins import DSN, OEM, Scene
from tests.web.twin_api import TwinApi
from twinstream.model.device import RegistrationType

TEMPLATES = f"/admin/v1/oems/{OEM}/templates"
LED = {"name": "Led", "base_type": "boolean", "direction": "input"}
KNOB = {"name": "Knob", "base_type": "integer", "direction": "output"}
PLAN = {"oem_model": "lamp", "registration_type": "Display", "properties": [LED]}


@pytest.fixture
async def api(scene: Scene) -> TwinApi:
    """The application; ana administers the OEM, eve another."""
    for name in ("ana", "eve"):
        scene.users[name] = await scene.twins.add_user(scene.users[name].oem, f"{name}2@x.example", "OEM::Admin")
    return TwinApi(scene)


async def names(api: TwinApi, key: int) -> list[str]:
    """The properties of a device."""
    found = await api.scene.twins.store.query(
        lambda view: view.connection.execute("SELECT name FROM property WHERE device_key = ?", (key,)).fetchall()
    )
    return sorted(name for (name,) in found)


async def add(api: TwinApi, **plan: Any) -> httpx.Response:
    """Add a template as the OEM's administrator."""
    return await api.call("POST", TEMPLATES, {**PLAN, **plan}, by="ana")


async def test_an_administrator_keeps_templates(api: TwinApi) -> None:
    """Adds, lists, shows, replaces and deletes them; what a plan leaves out is filled in."""
    made = (await add(api)).json()
    assert (made["version"], made["name"], made["oem"]) == ("1", "lamp", OEM)
    assert (made["properties"][0]["display_name"], made["properties"][0]["scope"]) == ("Led", "user")
    assert (await api.call("GET", f"{TEMPLATES}.json", by="ana")).json() == [made]
    path = f"{TEMPLATES}/{made['id']}"
    assert (await api.call("GET", f"{path}.json", by="ana")).json() == made
    replaced = await api.call("PUT", path, {**PLAN, "version": "2", "properties": [LED, KNOB]}, by="ana")
    assert (replaced.status_code, replaced.json()["id"], len(replaced.json()["properties"])) == (200, made["id"], 2)
    other = (await add(api)).json()
    assert (await api.call("PUT", path, PLAN, by="ana")).status_code == 409
    assert (await api.call("DELETE", path, by="ana")).status_code == 204
    assert (await api.call("GET", TEMPLATES, by="ana")).json() == [other]
    for method in ("GET", "DELETE"):
        assert (await api.call(method, path, by="ana")).status_code == 404
    assert (await api.call("PUT", path, PLAN, by="ana")).status_code == 404


@pytest.mark.parametrize(("by", "status"), [(None, 401), ("nobody", 401), ("bob", 403), ("eve", 404)])
async def test_nobody_else_does(api: TwinApi, by: str | None, status: int) -> None:
    """Neither users of the OEM nor administrators of another, in problem details."""
    made = (await add(api)).json()
    path = f"{TEMPLATES}/{made['id']}"
    for method, target in (("POST", TEMPLATES), ("GET", TEMPLATES), ("GET", path), ("PUT", path), ("DELETE", path)):
        answer = await api.call(method, target, PLAN if method in ("POST", "PUT") else None, by=by)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (await api.call("GET", TEMPLATES, by="ana")).json() == [made]


async def test_the_operator_does_from_this_machine(api: TwinApi) -> None:
    """With the token of the data folder; an OEM that does not exist is 404."""
    here = ("127.0.0.1", 1)
    assert (await api.call("POST", TEMPLATES, PLAN, by="operator", client=here)).status_code == 201
    assert (await api.call("POST", TEMPLATES, PLAN, by="operator")).status_code == 401
    assert (await api.call("GET", "/admin/v1/oems/99999999/templates", by="operator", client=here)).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"oem_model": ""}, "oem_model"),
        ({"version": 2}, "version"),
        ({"registration_type": "Magic"}, "registration_type"),
        ({"properties": [LED, LED]}, "properties"),
        ({"properties": [{**LED, "name": "a/b"}]}, "name"),
        ({"properties": [{**LED, "base_type": "float"}]}, "base_type"),
        ({"properties": {}}, "properties"),
    ],
)
async def test_what_is_no_template_is_refused(api: TwinApi, wrong: dict[str, Any], field: str) -> None:
    """422 with the name of the field."""
    answer = await add(api, **wrong)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_a_device_gets_its_shape_when_it_activates(api: TwinApi) -> None:
    """The properties and the way of registration, of the newest template of its model; only then, not with `test=1`."""
    await add(api, version="old", properties=[])
    newest = (await add(api)).json()
    await add(api, oem_model="other", properties=[KNOB])
    device = await api.scene.twins.make_device("D1", plans=())
    await api.scene.execute("UPDATE device SET oem_model = 'lamp' WHERE key = ?", device.key)
    await api.call("GET", "/dsns/D1.json?test=1", by=device)
    assert await names(api, device.key) == []
    own = (await api.call("GET", "/dsns/D1.json", by=device)).json()["device"]
    assert (own["registration_type"], own["template_version"]) == ("Display", "1")
    assert await names(api, device.key) == ["Led"]
    found = await api.scene.twins.store.query(lambda view: view.devices.find("D1"))
    assert found.template_id == newest["id"]


async def test_a_report_names_a_version(api: TwinApi) -> None:
    """On either path; what the twin has stays, a version that there is not means the newest."""
    await add(api, version="1")
    await add(api, version="2", properties=[KNOB], registration_type=None)
    device = await api.scene.twins.make_device("D1", plans=())
    for model in ("unknown", None):
        await api.call("PUT", f"/devices/{device.key}.json", {"device": {"oem_model": model}}, by=device)
    assert await names(api, device.key) == []
    report = {"oem": OEM.upper(), "oem_model": "lamp", "oem_key": "x", "template_version": "1"}
    answer = await api.call("PUT", f"/devices/{device.key}/oem_info.json", report, by=device)
    assert (answer.status_code, answer.json()) == (200, {"product_name": "D1", "registration_type": "Display"})
    assert await names(api, device.key) == ["Led"]
    report = {"oem_model": "lamp", "template_version": "9"}
    own = await api.call("PUT", f"/devices/{device.key}.json", {"device": report}, by=device)
    assert own.json()["device"]["template_version"] == "2"
    assert await names(api, device.key) == ["Knob", "Led"]
    found = await api.scene.twins.store.query(lambda view: view.devices.find("D1"))
    assert (found.oem_model, found.registration_type) == ("lamp", RegistrationType.DISPLAY)


async def test_a_registered_device_keeps_its_way_of_registration(api: TwinApi) -> None:
    """And its owner sees the new properties."""
    await add(api, oem_model="ledevb")
    await api.call("PUT", "/devices/1.json", {"device": {"oem_model": "ledevb"}}, by=api.scene.device)
    listed = await api.scene.twins.properties.list_of_device(await owner(api), DSN, ["Led"])
    assert [one.name for one in listed] == ["Led"]
    found = await api.scene.twins.store.query(lambda view: view.devices.find(DSN))
    assert (found.registration_type, found.template_id) == (RegistrationType.DSN, 1)


async def owner(api: TwinApi) -> Any:
    """Who owns the scene's device."""
    uuid = (await api.scene.twins.store.query(lambda view: view.devices.find(DSN))).user_uuid
    return (await api.scene.twins.store.query(lambda view: view.users.find(None, uuid))).user


async def test_a_device_of_another_oem_is_refused(api: TwinApi) -> None:
    """403, and nothing is changed."""
    await add(api, oem_model="ledevb")
    for path in ("/devices/1.json", "/devices/1/oem_info.json"):
        answer = await api.call("PUT", path, {"device": {"oem": "bbbbbbbb", "mac": "1"}}, by=api.scene.device)
        assert answer.status_code == 403
    assert "Led" not in await names(api, 1)


async def test_an_agent_finds_what_it_asks_for(api: TwinApi) -> None:
    """Reachability without a credential; failed updates are taken; another device's path is 404."""
    answer = await api.call("GET", "/ping")
    assert (answer.status_code, answer.headers["text"]) == (200, "Ping")
    device = api.scene.device
    assert (await api.call("PUT", "/devices/1/ota_failed.json", {"reason": 5}, by=device)).status_code == 200
    assert (await api.call("PUT", "/devices/9/ota_failed.json", {"reason": 5}, by=device)).status_code == 404
    assert (await api.call("PUT", "/devices/9/oem_info.json", {}, by=device)).status_code == 404
    assert (await api.call("GET", "/devices/1/cmds.json", by=device)).json().keys() == {"commands"}
