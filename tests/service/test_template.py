"""How a twin gets its shape, and who looks after templates, as far as no request shows it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.services import OPERATOR
from tests.twins import BLUE, DSN, LEVEL, OEM, Scene
from twinstream.errors import RequestError
from twinstream.model.device import Device, RegistrationType
from twinstream.model.template import TemplatePlan
from twinstream.service.template import shape_twin

PLAN = TemplatePlan(oem_model="lamp", registration_type=RegistrationType.DISPLAY, properties=(BLUE, LEVEL))


async def find(scene: Scene, dsn: str = DSN) -> Device:
    """Find a device."""
    found: Device = await scene.twins.store.query(lambda view: view.devices.find(dsn))
    return found


async def shape(scene: Scene, dsn: str, **said: Any) -> list[str]:
    """Shape a twin; answer what it got."""
    device = await find(scene, dsn)
    return list(await scene.twins.store.run(lambda work: shape_twin(work, device, **said)))


async def test_a_model_without_a_template_falls_back_on_the_devices_own(scene: Scene) -> None:
    """What a device says of itself comes first, if there is a template of it; else what it was made as."""
    await scene.twins.make_device("D1", plans=())
    assert await shape(scene, "D1", oem_model="lamp") == []
    await scene.twins.templates.add(OPERATOR, OEM, replace(PLAN, oem_model="ledevb", properties=(BLUE,)))
    assert await shape(scene, "D1", oem_model="lamp") == ["Blue_LED"]
    await scene.twins.templates.add(OPERATOR, OEM, PLAN)
    assert await shape(scene, "D1", oem_model="lamp") == ["level"]
    assert (await find(scene, "D1")).oem_model == "lamp"


async def test_a_template_of_another_oem_shapes_nothing(scene: Scene) -> None:
    """However the models are called."""
    await scene.twins.make_device("D1", plans=())
    await scene.twins.templates.add(OPERATOR, "bbbbbbbb", replace(PLAN, oem_model="ledevb"))
    assert await shape(scene, "D1") == []


async def test_shaping_again_changes_nothing(scene: Scene) -> None:
    """Nor when the twin was changed: a device that reports each minute is not written each minute."""
    await scene.twins.make_device("D1", plans=())
    await scene.twins.templates.add(OPERATOR, OEM, replace(PLAN, oem_model="ledevb"))
    assert await shape(scene, "D1") == ["Blue_LED", "level"]
    shaped = await find(scene, "D1")
    scene.twins.clock.turn(60)
    assert await shape(scene, "D1") == []
    assert await find(scene, "D1") == shaped


async def test_a_node_keeps_its_way_of_registration(scene: Scene) -> None:
    """It is registered through its gateway, whatever the template of its model says."""
    gateway = await scene.twins.make_device("G1")
    await scene.twins.make_device("N1", plans=(), registration_type=RegistrationType.NODE)
    await scene.execute("UPDATE device SET gateway_key = ? WHERE dsn = 'N1'", gateway.key)
    await scene.twins.templates.add(OPERATOR, OEM, replace(PLAN, oem_model="ledevb"))
    assert await shape(scene, "N1") == ["Blue_LED", "level"]
    assert (await find(scene, "N1")).registration_type is RegistrationType.NODE


@pytest.mark.parametrize(
    ("role", "own", "code"),
    [("EndUser", True, "forbidden"), ("OEM::Staff", True, "forbidden"), ("OEM::Admin", False, "not_found")],
)
async def test_who_is_no_administrator_of_the_oem_does_nothing(scene: Scene, role: str, own: bool, code: str) -> None:
    """In every use case, also about what there is not: nothing can be learned."""
    templates = scene.twins.templates
    made = await templates.add(OPERATOR, OEM, PLAN)
    caller = await scene.twins.add_user(OEM if own else "bbbbbbbb", "who@x.example", role)
    for attempt in (
        templates.add(caller, OEM, replace(PLAN, version="2")),
        templates.list_of_oem(caller, OEM),
        *(templates.find(caller, OEM, id_) for id_ in (made.id, 99)),
        *(templates.replace(caller, OEM, id_, PLAN) for id_ in (made.id, 99)),
        *(templates.remove(caller, OEM, id_) for id_ in (made.id, 99)),
    ):
        with pytest.raises(RequestError) as caught:
            await attempt
        assert caught.value.code == code
    assert await templates.list_of_oem(OPERATOR, OEM) == [made]


async def test_an_oem_that_there_is_not_has_no_templates(scene: Scene) -> None:
    """Not even for the operator."""
    with pytest.raises(RequestError) as caught:
        await scene.twins.templates.list_of_oem(OPERATOR, "cccccccc")
    assert caught.value.code == "not_found"
