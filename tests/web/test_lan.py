"""LAN mode over HTTP."""

from __future__ import annotations

from tests.twins import DSN
from tests.web.twin_api import TwinApi
from twinstream.model.registration import Claim


async def test_apps_and_their_device_get_one_key(twin_api: TwinApi) -> None:
    """The first who asks makes it, which enables LAN mode; by key, DSN and under both names it is the same."""
    device = twin_api.scene.device
    assert (await twin_api.call("GET", "/apiv1/devices/1", by="ana")).json()["device"]["lan_enabled"] is False
    first = (await twin_api.call("GET", f"/apiv1/dsns/{DSN}/lan.json", by="ana")).json()
    lan = first["lanip"]
    assert (len(lan["lanip_key"]), lan["keep_alive"], lan["status"]) == (32, 30, "enable")
    assert 0 <= lan["lanip_key_id"] < 65536
    assert (await twin_api.call("GET", "/apiv1/devices/1/lan", by="cid")).json() == first
    assert (await twin_api.call("GET", "/devices/1/lan.json", by=device)).json() == first
    for path in (f"/apiv1/dsns/{DSN}/connection_config.json", "/apiv1/devices/1/connection_config"):
        assert (await twin_api.call("GET", path, by="ana")).json() == {"local_key": lan["lanip_key"]}
    assert (await twin_api.call("GET", "/apiv1/devices/1", by="ana")).json()["device"]["lan_enabled"] is True
    (stored,) = await twin_api.scene.twins.store.query(
        lambda view: view.connection.execute("SELECT key FROM lan_key").fetchone()
    )
    assert lan["lanip_key"] not in stored


async def test_the_device_may_ask_first(twin_api: TwinApi) -> None:
    """Then apps are told what it was told; each owner's is another, and without an owner there is none."""
    device, told = twin_api.scene.device, []
    for owner in ("ana", "bob"):
        await twin_api.call("POST", "/apiv1/devices.json", {"device": {"dsn": DSN}}, by=owner)
        told.append((await twin_api.call("GET", "/devices/1/lan.json", by=device)).json())
        assert (await twin_api.call("GET", "/apiv1/devices/1", by=owner)).json()["device"]["lan_enabled"] is True
        assert (await twin_api.call("GET", "/apiv1/devices/1/lan.json", by=owner)).json() == told[-1]
        await twin_api.call("DELETE", "/apiv1/devices/1.json", by=owner)
        assert (await twin_api.call("GET", "/devices/1/lan.json", by=device)).json() == {"lanip": {}}
    assert told[0] != told[1]


async def test_the_key_is_for_who_may_steer_the_device(twin_api: TwinApi) -> None:
    """It would let the holder of a share for reading write; the next owner gets another one."""
    for path in (f"/apiv1/dsns/{DSN}/lan", "/apiv1/devices/1/lan", "/apiv1/devices/1/connection_config"):
        for name, status in (("bob", 403), ("dan", 404), ("eve", 404)):
            assert (await twin_api.call("GET", path, by=name)).status_code == status
    before = (await twin_api.call("GET", "/apiv1/devices/1/lan", by="ana")).json()
    users, registrations = twin_api.scene.users, twin_api.scene.twins.registrations
    await registrations.unregister(users["ana"], DSN)
    await registrations.register(users["dan"], Claim(DSN, None, None, None))
    assert (await twin_api.call("GET", "/devices/1/lan.json", by=twin_api.scene.device)).json() != before
    assert (await twin_api.call("GET", "/apiv1/devices/1/lan", by="dan")).json() != before


async def test_how_a_device_is_connected(twin_api: TwinApi) -> None:
    """404 until it has told its network, whose name agents encode as in a URI."""
    path = f"/apiv1/dsns/{DSN}/connection_info.json"
    assert (await twin_api.call("GET", path, by="bob")).status_code == 404
    for said, name in (("Home", "Home"), ("My%20Net%c3%a9", "My Neté"), ("100%", "100%"), ("a%00b", "a%00b")):
        await twin_api.call("PUT", "/devices/1", {"device": {"ssid": said}}, by=twin_api.scene.device)
        assert (await twin_api.call("GET", path, by="bob")).json() == {
            "connection_info": {"connectivity_type": "Wifi", "rssi": None, "network_name": name}
        }
    assert (await twin_api.call("GET", path, by="dan")).status_code == 404
