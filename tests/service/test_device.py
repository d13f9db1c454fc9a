"""What users, devices and the operator do with devices."""

from __future__ import annotations

import pytest

from tests.services import OPERATOR
from tests.twins import BLUE, DSN, LEVEL, OEM, Scene, Twins
from twinstream.errors import RequestError
from twinstream.model.device import RegistrationType, Report
from twinstream.model.share import Operation


async def test_users_see_their_own_and_shared_devices(scene: Scene) -> None:
    """The owner without a grant, holders of shares with theirs, everyone else not at all."""
    twins, users = scene.twins, scene.users
    for name, operation in (("ana", None), ("bob", Operation.READ), ("cid", Operation.WRITE)):
        (sight,) = await twins.devices.list_devices(users[name])
        assert (sight.device.dsn, sight.device.user_uuid, sight.device.has_properties) == (DSN, users["ana"].uuid, True)
        assert (sight.grant and sight.grant.operation) == operation
        assert await twins.devices.find(users[name], DSN) == sight
        assert await twins.devices.find(users[name], scene.device.key) == sight
    for name in ("dan", "eve"):
        assert await twins.devices.list_devices(users[name]) == []
        for ref in (DSN, scene.device.key):
            with pytest.raises(RequestError, match="no such thing"):
                await twins.devices.find(users[name], ref)


async def test_a_dsn_of_digits_is_not_a_key(scene: Scene) -> None:
    """A device is found by its DSN as text and by its key as number, never crosswise."""
    twins, ana = scene.twins, scene.users["ana"]
    digits = await twins.make_device("1", ana)
    assert (await twins.devices.find(ana, "1")).device.key == digits.key
    assert (await twins.devices.find(ana, 1)).device.dsn == DSN


async def test_a_share_that_does_not_count_shows_nothing(scene: Scene) -> None:
    """Once a share has ended, its holder sees the device no more."""
    twins, ana, bob = scene.twins, scene.users["ana"], scene.users["bob"]
    (share, _) = await twins.shares.list_given(ana)
    await twins.shares.delete(ana, share.id)
    assert await twins.devices.list_devices(bob) == []


async def test_only_its_owner_renames_a_device(scene: Scene) -> None:
    """Holders of a share are 403, everyone else 404; a name has 1 to 255 characters."""
    twins, users = scene.twins, scene.users
    assert (await twins.devices.rename(users["ana"], DSN, "Küche")).device.product_name == "Küche"
    for name, code in (("cid", "forbidden"), ("dan", "not_found"), ("eve", "not_found")):
        with pytest.raises(RequestError) as caught:
            await twins.devices.rename(users[name], DSN, "mine")
        assert caught.value.code == code
    for text in ("", "x" * 256):
        with pytest.raises(RequestError, match="product_name"):
            await twins.devices.rename(users["ana"], DSN, text)


async def test_a_device_is_activated_once(twins: Twins) -> None:
    """With its first real contact; a test contact does not count."""
    device = await twins.make_device(DSN)
    assert (await twins.devices.introduce(device, None, activate=False)).activated_at is None
    first = twins.clock.now_s()
    for _ in range(2):
        assert (await twins.devices.introduce(device, "192.0.2.1")).activated_at == first
        twins.clock.turn(1)


async def test_a_device_gets_a_new_token_each_time(scene: Scene) -> None:
    """Also one that has an owner: some types can be registered anew."""
    twins = scene.twins
    for device in (await twins.make_device("AC000W000340640"), scene.device):
        tokens = [(await twins.devices.introduce(device, None)).regtoken for _ in range(2)]
        assert len({token for token in tokens if token is not None and len(token) == 6}) == 2


async def test_a_report_is_stored(scene: Scene) -> None:
    """What the device says of itself shows in its twin; its owner's name for it stays."""
    twins = scene.twins
    report = Report({"sw_version": "2.6", "mac": "001122aabbcc", "ssid": "home", "product_name": "LED"}, "8DCB43D2")
    device = await twins.devices.report(scene.device, report, "192.0.2.1")
    assert (device.sw_version, device.mac, device.ssid, device.ip) == ("2.6", "001122aabbcc", "home", "192.0.2.1")
    assert (device.setup_token, device.product_name) == ("8DCB43D2", DSN)
    free = await twins.make_device("AC000W000340640")
    assert (await twins.devices.report(free, report, None)).product_name == "LED"


async def test_provisioning_twice_is_provisioning_once(twins: Twins) -> None:
    """The device and its key stay; properties that are missing are added, those that are there are left alone."""
    first = await twins.devices.provision(
        OPERATOR, OEM, DSN, "ledevb", product_name="LED", registration_type=RegistrationType.AP_MODE, properties=[BLUE]
    )
    again = await twins.devices.provision(OPERATOR, OEM, DSN, "ledevb", properties=[BLUE, LEVEL])
    assert (again.device, again.public_key) == (first.device, first.public_key)
    assert first.public_key.startswith("-----BEGIN PUBLIC KEY-----")
    assert first.device.registration_type is RegistrationType.AP_MODE
    assert [device.dsn for device in await twins.devices.list_of_oem(OPERATOR, OEM)] == [DSN]
    ana = await twins.add_user(OEM, "ana@x.example")
    await twins.store.run(lambda work: work.devices.change(first.device.key, user_uuid=ana.uuid))
    assert [found.name for found in await twins.properties.list_of_device(ana, DSN)] == ["Blue_LED", "level"]


async def test_a_key_pair_can_come_later(twins: Twins) -> None:
    """A device that is only added has none; provisioning it gives it one, and the device stays the same."""
    added = await twins.devices.add(OPERATOR, OEM, DSN, "ledevb", properties=[BLUE])
    assert await twins.store.query(lambda view: view.devices.find_private_key(DSN)) is None
    provisioned = await twins.devices.provision(OPERATOR, OEM, DSN, "ledevb")
    assert provisioned.device == added.device
    assert (await twins.devices.provision(OPERATOR, OEM, DSN, "ledevb")).public_key == provisioned.public_key


async def test_a_dsn_is_unique_over_all_oems(twins: Twins) -> None:
    """Another OEM, or another model, cannot have it too; an unknown OEM can have nothing."""
    await twins.add_oem("bbbbbbbb")
    await twins.devices.provision(OPERATOR, OEM, DSN, "ledevb")
    for oem, model, code in (
        ("bbbbbbbb", "ledevb", "conflict"),
        (OEM, "linuxevb", "conflict"),
        ("cccccccc", "x", "not_found"),
    ):
        with pytest.raises(RequestError) as caught:
            await twins.devices.provision(OPERATOR, oem, DSN, model)
        assert caught.value.code == code


@pytest.mark.parametrize("dsn", ["", "a b", "a/b", "x" * 33, "Ä", "a.json"])
async def test_a_dsn_is_plain(twins: Twins, dsn: str) -> None:
    """It stands in paths: letters, digits, hyphens and underscores."""
    with pytest.raises(RequestError, match="dsn"):
        await twins.devices.provision(OPERATOR, OEM, dsn, "ledevb")
