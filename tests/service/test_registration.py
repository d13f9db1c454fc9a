"""How devices get owners, lose them and change them, and what is told to whom."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twins import DSN, OEM, Scene, Twins
from twinstream.errors import RequestError
from twinstream.model.device import RegistrationType, Report
from twinstream.model.location import Place
from twinstream.model.principal import Device, User
from twinstream.model.registration import WINDOW_S, Claim

HOME_IP = "203.0.113.7"


def claim(dsn: str | None = DSN, **shown: Any) -> Claim:
    """What a user shows."""
    return Claim(dsn, shown.get("regtoken"), shown.get("setup_token"), shown.get("ip", HOME_IP))


async def refused(twins: Twins, user: User, shown: Claim) -> bool:
    """Whether a claim is refused, as if there were no device."""
    try:
        await twins.registrations.register(user, shown)
    except RequestError as error:
        return error.code == "not_found"
    return False


async def candidate(twins: Twins, type_: RegistrationType) -> tuple[Device, str, User, User]:
    """A free device that has contacted the server from home, its registration token, and two users."""
    device = await twins.make_device(DSN, registration_type=type_)
    regtoken = (await twins.devices.introduce(device, HOME_IP)).regtoken or ""
    return device, regtoken, *[await twins.add_user(OEM, f"{name}@x.example") for name in ("ana", "bob")]  # type: ignore[return-value]


async def test_registration_is_told_to_the_new_owner(twins: Twins) -> None:
    """The event has the form of the documents; the device is the user's from then on."""
    ana = await twins.add_user(OEM, "ana@x.example")
    await twins.make_device(DSN)
    device = await twins.registrations.register(ana, claim())
    assert (device.user_uuid, device.user_id, device.registered_at) == (ana.uuid, ana.id, twins.clock.now_s())
    (event,) = twins.events()
    assert event.readers == (ana.uuid,)
    assert twins.bodies()[0]["registration_event"] == {
        "dsn": DSN,
        "user_uuid": ana.uuid,
        "registered": True,
        "registration_type": "Dsn",
        "registered_at": "2027-01-15T08:00:00Z",
    }


async def test_unregistration_is_told_to_who_could_see_the_device(scene: Scene) -> None:
    """Its event goes to owner and holders of before; the owner in it is nobody; shares and place are gone."""
    twins, ana = scene.twins, scene.users["ana"]
    await twins.locations.move(ana, DSN, Place(44.7695, -69.4283))
    await twins.registrations.unregister(ana, DSN)
    event = twins.events()[-1]
    assert set(event.readers) == scene.uuids("ana", "bob", "cid")
    assert twins.bodies()[-1]["registration_event"] == {
        "dsn": DSN,
        "user_uuid": None,
        "registered": False,
        "registration_type": "Dsn",
        "unregistered_at": "2027-01-15T08:00:00Z",
    }
    for name in ("ana", "bob", "cid"):
        assert await twins.devices.list_devices(scene.users[name]) == []
    assert await twins.shares.list_given(ana) == []
    device = await twins.registrations.register(ana, claim())
    assert (device.lat, device.lng) == (None, None)
    assert set(twins.events()[-1].readers) == scene.uuids("ana")
    await twins.locations.move(ana, DSN, Place(1.0, 2.0))
    assert set(twins.events()[-1].readers) == scene.uuids("ana")


@pytest.mark.parametrize(
    ("name", "code"), [("bob", "forbidden"), ("cid", "forbidden"), ("dan", "not_found"), ("eve", "not_found")]
)
async def test_only_its_owner_unregisters_a_device(scene: Scene, name: str, code: str) -> None:
    """Holders of a share are 403, everyone else 404."""
    with pytest.raises(RequestError) as caught:
        await scene.twins.registrations.unregister(scene.users[name], scene.device.key)
    assert caught.value.code == code


async def test_a_dsn_is_enough_only_for_a_free_device_of_that_type(scene: Scene) -> None:
    """A registered device, one of another type and one of another OEM do not exist for who knows only the DSN."""
    twins, users = scene.twins, scene.users
    assert await refused(twins, users["dan"], claim())
    for n, type_ in enumerate(RegistrationType):
        device = await twins.make_device(f"AC{n}", registration_type=type_)
        await twins.devices.introduce(device, HOME_IP)
        assert await refused(twins, users["eve"], claim(device.dsn))
        assert await refused(twins, users["dan"], claim(device.dsn)) == (type_ is not RegistrationType.DSN)
    assert await refused(twins, users["dan"], claim("unknown"))
    assert await refused(twins, users["dan"], claim(None))


async def test_registering_again_changes_nothing(scene: Scene) -> None:
    """An owner who repeats the request gets the same answer, and no event is made."""
    ana = scene.users["ana"]
    device = await scene.twins.registrations.register(ana, claim())
    assert (device.user_uuid, scene.twins.events()) == (ana.uuid, [])


async def test_same_lan_asks_for_the_token_and_the_address(twins: Twins) -> None:
    """The token that the device shows counts only from the device's own address on the Internet."""
    _, regtoken, ana, _ = await candidate(twins, RegistrationType.SAME_LAN)
    assert await refused(twins, ana, claim())
    assert await refused(twins, ana, claim(regtoken="wrong!"))
    assert await refused(twins, ana, claim(regtoken=regtoken, ip="203.0.113.8"))
    assert await refused(twins, ana, claim(regtoken=regtoken, ip=None))
    assert not await refused(twins, ana, claim(regtoken=regtoken))


async def test_a_display_shows_a_token_that_is_enough(twins: Twins) -> None:
    """The token alone finds the device, from anywhere, once; whoever reads the display may take the device over."""
    device, regtoken, ana, bob = await candidate(twins, RegistrationType.DISPLAY)
    assert not await refused(twins, ana, claim(None, regtoken=regtoken, ip=None))
    assert await refused(twins, bob, claim(None, regtoken=regtoken))
    anew = (await twins.devices.introduce(device, HOME_IP)).regtoken
    assert not await refused(twins, bob, claim(None, regtoken=anew))


async def test_ap_mode_asks_for_the_token_that_the_device_was_given(twins: Twins) -> None:
    """The set-up token that the app gave the device counts for an hour after the device has told it."""
    device, _, ana, bob = await candidate(twins, RegistrationType.AP_MODE)
    assert await refused(twins, ana, claim(setup_token="8DCB43D2"))
    await twins.devices.report(device, Report({}, setup_token="8DCB43D2"), HOME_IP)
    assert await refused(twins, ana, claim(setup_token="8DCB43D3"))
    twins.clock.turn(WINDOW_S + 1)
    assert await refused(twins, ana, claim(setup_token="8DCB43D2"))
    await twins.devices.report(device, Report({}, setup_token="8DCB43D2"), HOME_IP)
    assert not await refused(twins, ana, claim(setup_token="8DCB43D2"))
    assert await refused(twins, bob, claim(setup_token="8DCB43D2"))  # it counts once


async def test_a_transfer_is_an_unregistration_and_a_registration(twins: Twins) -> None:
    """Who sets a device up anew takes it from its owner: one event for each, in one transaction."""
    device, _, ana, bob = await candidate(twins, RegistrationType.AP_MODE)
    for user in (ana, bob):
        await twins.devices.report(device, Report({}, setup_token="8DCB43D2"), HOME_IP)
        await twins.registrations.register(user, claim(setup_token="8DCB43D2"))
    assert [
        (event.readers, body["registration_event"]["user_uuid"])
        for event, body in zip(twins.events(), twins.bodies(), strict=True)
    ] == [
        ((ana.uuid,), ana.uuid),
        ((ana.uuid,), None),
        ((bob.uuid,), bob.uuid),
    ]
    assert await twins.devices.list_devices(ana) == []
    (sight,) = await twins.devices.list_devices(bob)
    assert sight.grant is None
