"""Properties with every field, and whom they are hidden from, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twins import DSN, Scene, by_name
from tests.web.test_datapoint import of
from tests.web.twin_api import TwinApi
from twinstream.errors import RequestError
from twinstream.model.property import Direction, PropertyPlan, Scope, check_plan
from twinstream.model.value import BaseType


def plan(base_type: BaseType = BaseType.INTEGER, direction: Direction = Direction.INPUT, **more: Any) -> PropertyPlan:
    """A plan as it reaches the store."""
    return check_plan(PropertyPlan(name="p", base_type=base_type, direction=direction, **more))


async def add(scene: Scene, *plans: PropertyPlan) -> None:
    """Give the device of the scene properties."""
    await scene.twins.store.run(lambda work: work.properties.add(scene.device.key, plans))


async def test_a_property_has_every_field(twin_api: TwinApi) -> None:
    """What its plan says of it, and what a plan that says nothing means."""
    more: dict[str, Any] = {
        "app_type": "a",
        "recipe": "r",
        "time_series": True,
        "derived": True,
        "host_sw_version": True,
    }
    await add(twin_api.scene, plan(scope=Scope.OEM, retention_days=7, denied_roles=("OEM::Staff",), **more))
    path = f"/apiv1/dsns/{DSN}/properties"
    found = (await twin_api.call("GET", f"{path}/p.json", by="ana")).json()["property"]
    key = found.pop("key")
    assert found == {
        "type": "Property",
        "name": "p",
        "base_type": "integer",
        "read_only": False,
        "direction": "input",
        "scope": "oem",
        "data_updated_at": None,
        "device_key": 1,
        "product_name": DSN,
        "track_only_changes": False,
        "display_name": "p",
        **more,
        "value": None,
        "denied_roles": ["OEM::Staff"],
        "ack_enabled": False,
        "ack_status": None,
        "ack_message": None,
        "acked_at": None,
        "retention_days": 7,
        "mime_type": None,
        "generated_at": None,
        "generated_from": None,
    }
    assert (await twin_api.call("GET", f"/apiv1/properties/{key}.json", by="ana")).json()["property"]["key"] == key
    plain = (await twin_api.call("GET", f"{path}/level", by="ana")).json()["property"]
    assert (plain["retention_days"], plain["scope"], plain["app_type"], plain["derived"]) == (30, "user", None, False)


async def test_a_property_is_hidden_from_denied_roles(twin_api: TwinApi) -> None:
    """For who has such a role it does not exist: neither value, history nor events, and it cannot be set."""
    scene = twin_api.scene
    await add(scene, plan(denied_roles=("EndUser",)))
    await twin_api.call("POST", "/devices/1/properties/p/datapoints", of(1), by=scene.device)
    assert scene.twins.events()[-1].readers == ()
    path = f"/apiv1/dsns/{DSN}/properties"
    for method, target in (("GET", ""), ("GET", "/datapoints"), ("POST", "/datapoints")):
        assert (
            await twin_api.call(method, f"{path}/p{target}", of(2) if method == "POST" else None, by="ana")
        ).status_code == 404
    listed = (await twin_api.call("GET", path, by="cid")).json()
    assert "p" not in [entry["property"]["name"] for entry in listed]
    await scene.execute("UPDATE user SET role = 'OEM::Staff' WHERE uuid = ?", scene.users["bob"].uuid)
    await twin_api.call("POST", "/devices/1/properties/p/datapoints", of(3), by=scene.device)
    assert scene.twins.events()[-1].readers == (scene.users["bob"].uuid,)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"mime_type": "text/plain"}, "mime_type"),
        ({"base_type": BaseType.MESSAGE, "mime_type": "image/png"}, "mime_type"),
        ({"retention_days": 0}, "retention_days"),
        ({"denied_roles": ("Boss",)}, "role"),
        ({"direction": Direction.OUTPUT, "read_only": False}, "read_only"),
        ({"app_type": "x" * 256}, "app_type"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], field: str) -> None:
    """With the name of the field."""
    with pytest.raises(RequestError) as refusal:
        plan(**wrong)
    assert refusal.value.field == field


def test_a_message_has_a_mime_type() -> None:
    """The first unless another is said; it is kept for 90 days."""
    made = plan(BaseType.MESSAGE)
    assert (made.mime_type, made.retention_days) == ("application/octet-stream", 90)
    assert plan(BaseType.MESSAGE, mime_type="text/plain").mime_type == "text/plain"


async def test_a_property_keeps_its_datapoints_as_long_as_it_says(scene: Scene) -> None:
    """Longer or shorter than the others, but the newest always."""
    await add(scene, plan(retention_days=1))
    twins = scene.twins
    for name in ("p", "level"):
        for value in range(2):
            await twins.datapoints.create(scene.users["ana"], by_name(DSN, name, value))
    twins.clock.turn(1001)  # KEEP_S is 1,000
    assert await twins.datapoints.purge() == 1
    twins.clock.turn(86_400)
    assert await twins.datapoints.purge() == 1
    assert len(await twins.datapoints.list_newest(scene.users["ana"], (DSN, "p"))) == 1
