"""Where devices are, who may say so, and when it is told."""

from __future__ import annotations

import pytest

from tests.twins import DSN, Scene
from twinstream.errors import RequestError
from twinstream.model.device import Report
from twinstream.model.location import Place

PALERMO = Place(44.7695, -69.4283)


async def test_a_new_place_is_told(scene: Scene) -> None:
    """The event has the form of the documents, with the address from which the device talks."""
    twins = scene.twins
    await twins.devices.introduce(scene.device, "67.255.234.73")
    await twins.locations.move(scene.users["cid"], scene.device.key, PALERMO)
    (event,) = twins.events()
    assert set(event.readers) == scene.uuids("ana", "bob", "cid")
    assert twins.bodies()[0]["location_event"] == {
        "dsn": DSN,
        "ip": "67.255.234.73",
        "lat": " 44.769500",
        "long": "-69.428300",
        "provider": "user-based",
        "user_uuid": scene.users["ana"].uuid,
        "created_at": "2027-01-15T08:00:00Z",
    }
    device = (await twins.devices.find(scene.users["bob"], DSN)).device
    assert (device.lat, device.lng) == (44.7695, -69.4283)


async def test_the_same_place_is_no_event(scene: Scene) -> None:
    """Whoever repeats it."""
    twins = scene.twins
    await twins.locations.move(scene.users["ana"], DSN, PALERMO)
    await twins.locations.move(scene.users["ana"], DSN, PALERMO)
    await twins.devices.report(scene.device, Report({}, place=PALERMO), None)
    assert len(twins.events()) == 1


async def test_what_a_device_reports_is_ip_based(scene: Scene) -> None:
    """A place that comes with the device's own report tells where its address is."""
    await scene.twins.devices.report(scene.device, Report({}, place=PALERMO), "67.255.234.73")
    location = scene.twins.bodies()[0]["location_event"]
    assert (location["provider"], location["ip"]) == ("ip-based", "67.255.234.73")


@pytest.mark.parametrize(("name", "code"), [("bob", "forbidden"), ("dan", "not_found"), ("eve", "not_found")])
async def test_who_may_not_set_a_device_may_not_move_it(scene: Scene, name: str, code: str) -> None:
    """A share for reading is 403, everyone else 404."""
    with pytest.raises(RequestError) as caught:
        await scene.twins.locations.move(scene.users[name], DSN, PALERMO)
    assert caught.value.code == code
    assert scene.twins.events() == []
