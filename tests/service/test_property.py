"""Reading properties."""

from __future__ import annotations

import pytest

from tests.twins import DSN, Scene, by_name
from twinstream.errors import RequestError


async def test_properties_of_a_device_come_by_name(scene: Scene) -> None:
    """All, or those named; unknown names are passed over; before the first datapoint there is no value."""
    twins, bob = scene.twins, scene.users["bob"]
    await twins.datapoints.create(scene.device, by_name(DSN, "temperature", 72))
    listed = await twins.properties.list_of_device(bob, DSN)
    assert [(found.name, found.value) for found in listed] == [
        ("Blue_LED", None),
        ("level", None),
        ("state", None),
        ("temperature", 72.0),
    ]
    assert isinstance(listed[-1].value, float)
    assert [found.read_only for found in listed] == [False, False, True, True]
    some = await twins.properties.list_of_device(bob, scene.device.key, ["level", "nope", "Blue_LED", "BLUE_LED"])
    assert [found.name for found in some] == ["Blue_LED", "level"]
    assert await twins.properties.list_of_device(bob, DSN, []) == []


async def test_a_property_is_found_in_three_ways(scene: Scene) -> None:
    """By DSN or key of its device and its name, or by its own key."""
    twins, ana = scene.twins, scene.users["ana"]
    found = await twins.properties.find(ana, (DSN, "level"))
    assert found == await twins.properties.find(ana, (scene.device.key, "level"))
    assert found == await twins.properties.find(ana, (None, found.key))


@pytest.mark.parametrize("name", ["dan", "eve"])
async def test_properties_of_others_do_not_exist(scene: Scene, name: str) -> None:
    """Neither one by one nor as a list."""
    twins, user = scene.twins, scene.users[name]
    for ref in ((DSN, "level"), (scene.device.key, "level"), (None, 1)):
        with pytest.raises(RequestError, match="no such thing"):
            await twins.properties.find(user, ref)
    for device in (DSN, scene.device.key):
        with pytest.raises(RequestError, match="no such thing"):
            await twins.properties.list_of_device(user, device)
