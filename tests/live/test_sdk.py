"""The SDK against a live server: every REST call in both forms, and a stream from end to end."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.client.clock import TestClock
from tests.client.play import quick, told
from tests.live.server import ServerProcess
from tests.live.test_demo import await_demo_file
from twinstream.client import call
from twinstream.client.cloud import Cloud, CloudSync
from twinstream.client.cloud_error import CloudError
from twinstream.client.event import DatapointackEvent, DatapointEvent
from twinstream.client.resource import Tokens
from twinstream.client.stream import connect
from twinstream.client.sync import connect_sync
from twinstream.demo import DemoFile

pytestmark = pytest.mark.live

LED, BOARD = "AC000W000340649", "AC000W005606115"
CALLS = [name for name, made in vars(call).items() if inspect.isfunction(made) and made.__module__ == call.__name__]
TABLE = [name for name in CALLS if not name.startswith(("_", "ask_"))]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoFile]:
    """A running demo: an account with devices that answer."""
    server = ServerProcess(tmp_path_factory.mktemp("sdk") / "data", demo=True, allow_faults="true")
    try:
        yield await_demo_file(server)
    finally:
        server.stop()


class Ask:
    """Calls one form of the API as if it were the other, so that one scenario shows both; notes what was called."""

    def __init__(self, cloud: Cloud | CloudSync) -> None:
        self.cloud = cloud
        self.called: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.called.add(name)
        found = getattr(self.cloud, name)

        async def run(*args: Any, **options: Any) -> Any:
            return await found(*args, **options) if isinstance(self.cloud, Cloud) else found(*args, **options)

        return run


@pytest.mark.parametrize("kind", [Cloud, CloudSync])
async def test_every_call_does_what_it_says(demo: DemoFile, kind: type[Cloud] | type[CloudSync]) -> None:
    """Sign in, look around, set values, keep metadata, share, subscribe, sign out; what was made is gone at the end."""
    cloud = kind(demo.url)
    ask = Ask(cloud)
    first = await ask.sign_in(demo.email, demo.password, app_id=demo.app_id, app_secret=demo.app_secret)
    assert cloud.tokens == first
    assert (await ask.refresh()).access_token != first.access_token
    assert (await ask.get_profile()).email == demo.email

    await look_around(ask)
    await set_values(ask)
    await keep_data(ask)
    await subscribe(ask, demo)

    stranger = "nobody@example.com"
    with pytest.raises(CloudError) as caught:
        await ask.create_share(LED, stranger)
    assert caught.value.status in (404, 422)
    with pytest.raises(CloudError):
        await ask.delete_share(10**9)
    assert await ask.list_shares() == await ask.list_received_shares() == []
    with pytest.raises(CloudError):
        await ask.register_device("AC000W999999999", regtoken="abcdef")
    with pytest.raises(CloudError):
        await ask.unregister_device(10**9)
    with pytest.raises(CloudError) as caught:
        await ask.sign_in_with_token("x", app_id=demo.app_id, app_secret=demo.app_secret)
    assert caught.value.status == 422

    await ask.sign_out()
    assert cloud.tokens is None
    with pytest.raises(CloudError, match="Nobody is signed in"):
        await ask.list_devices()
    await ask.close()
    assert set(TABLE) - ask.called == set()


async def look_around(ask: Ask) -> None:
    """Devices and properties."""
    devices = {device.dsn: device for device in await ask.list_devices()}
    assert {LED, BOARD} <= set(devices)
    device = await ask.get_device(LED)
    assert (device.dsn, device.oem_model, device.key) == (LED, "ledevb", devices[LED].key)
    await ask.rename_device(device.key, "Lamp |Z é")
    assert (await ask.get_device(LED)).product_name == "Lamp |Z é"
    named = await ask.list_properties(LED, ["Red_LED", "Green_LED"])
    assert {property.name for property in named} == {"Red_LED", "Green_LED"}
    assert len(await ask.list_properties(LED)) > 2
    assert (await ask.get_property(LED, "Red_LED")).base_type == "boolean"


async def set_values(ask: Ask) -> None:
    """Datapoints: one, many, and all of them page by page."""
    made = await ask.set_property(BOARD, "Blue_LED", True, metadata={"why": "test"})
    assert (made.value, made.metadata) == (1, {"why": "test"})
    assert (await ask.get_datapoint(BOARD, "Blue_LED", made.id)).id == made.id
    good, bad = await ask.set_properties([(LED, "Red_LED", 1), (LED, "no_such", 1)])
    assert (good.is_created, bad.is_created, bad.status) == (True, False, 404)
    newest = await ask.list_datapoints(BOARD, "Blue_LED", limit=5)
    assert made.id in [datapoint.id for datapoint in newest]
    pages = ask.cloud.datapoints(BOARD, "Blue_LED", per_page=2)
    ids = [d.id async for d in pages] if not isinstance(pages, Iterator) else [d.id for d in pages]
    assert len(ids) == len(set(ids))
    assert {datapoint.id for datapoint in newest} <= set(ids)
    assert len((await ask.page_datapoints(BOARD, "Blue_LED", per_page=1)).datapoints) == 1


async def keep_data(ask: Ask) -> None:
    """Metadata of a device and of the user."""
    device = ["device_datum", "device_data", [LED]]
    user = ["user_datum", "user_data", []]
    key = "a key"
    for one, all_of_them, place in (device, user):
        assert (await getattr(ask, f"create_{one}")(*place, key, "1")).value == "1"
        assert (await getattr(ask, f"update_{one}")(*place, key, "é|Z")).value == "é|Z"
        assert (await getattr(ask, f"get_{one}")(*place, key)).value == "é|Z"
        assert [datum.key for datum in await getattr(ask, f"list_{all_of_them}")(*place)] == [key]
        await getattr(ask, f"delete_{one}")(*place, key)
        with pytest.raises(CloudError, match="404"):
            await getattr(ask, f"get_{one}")(*place, key)


async def subscribe(ask: Ask, demo: DemoFile) -> None:
    """Subscriptions, and what comes out of one: a value that is set now, and the device's answer to it."""
    made = await ask.create_subscription("datapoint,datapointack", dsn=BOARD, name="sdk")
    assert made.stream_key
    assert made.stream_key not in repr(made)
    async with connect(demo.url, stream_key=made.stream_key) as stream:
        set_now = await ask.set_property(BOARD, "Blue_LED", 1)
        async for event in stream:
            if isinstance(event, DatapointEvent) and event.datapoint.id == set_now.id:
                assert (event.value, event.dsn, event.metadata.event_type) == (True, BOARD, "datapoint")
                break
    changed = await ask.update_subscription(made.id, name="other", property_name="Blue_LED")
    assert (changed.name, changed.property_name, changed.id) == ("other", "Blue_LED", made.id)
    assert (await ask.get_subscription(made.id)).name == "other"
    assert made.id in [subscription.id for subscription in await ask.list_subscriptions()]
    await ask.delete_subscription(made.id)
    with pytest.raises(CloudError, match="404"):
        await ask.get_subscription(made.id)


async def test_an_expiring_token_is_replaced_once(demo: DemoFile) -> None:
    """Shortly before it expires the first call replaces both tokens, and all that call at the same time use them."""
    clock, kept = TestClock(), list[Tokens]()
    async with Cloud(demo.url, clock=clock, on_tokens=kept.append) as cloud:
        await cloud.sign_in(demo.email, demo.password, app_id=demo.app_id, app_secret=demo.app_secret)
        await clock.advance(kept[0].expires_in - 601)
        await cloud.list_devices()
        assert len(kept) == 1
        await clock.advance(1)
        await asyncio.gather(*(cloud.list_devices() for _ in range(5)))
        assert len(kept) == 2
        assert kept[1].refresh_token != kept[0].refresh_token
        assert cloud.tokens == kept[1]


@pytest.mark.parametrize("kind", [Cloud, CloudSync])
async def test_a_refused_token_is_replaced_once(demo: DemoFile, kind: type[Cloud] | type[CloudSync]) -> None:
    """A token that the server no longer takes costs one refresh, not an error; a dead refresh token costs a sign-in."""
    with CloudSync(demo.url) as other:
        tokens = other.sign_in(demo.email, demo.password, app_id=demo.app_id, app_secret=demo.app_secret)
        stale = Tokens(access_token="0" * 32, refresh_token=tokens.refresh_token)
        kept: list[Tokens] = []
        ask = Ask(kind(demo.url, tokens=stale, on_tokens=kept.append))
        await asyncio.gather(*(ask.list_devices() for _ in range(4)))
        assert len(kept) == 1
        await ask.close()
        dead = Ask(kind(demo.url, tokens=Tokens(access_token="0" * 32, refresh_token="1" * 32)))
        with pytest.raises(CloudError, match="Sign in") as caught:
            await dead.list_devices()
        assert caught.value.status == 401
        await dead.close()


async def test_both_forms_read_the_same_events(demo: DemoFile) -> None:
    """A live server's acknowledgements, in order, typed, with times and owners."""
    key = demo.stream_keys["datapointack"]
    async with connect(demo.url, stream_key=key, seq_start=1, seq_end=2, observe=True) as stream:
        seen = [event async for event in stream]
    assert [event.seq for event in seen] == [1, 2]
    assert all(isinstance(event, DatapointackEvent) and event.is_acknowledged for event in seen)
    assert all(event.time is not None and event.user_uuid for event in seen)

    def read() -> list[Any]:
        with connect_sync(demo.url, stream_key=key, seq_start=1, seq_end=2, observe=True) as stream:
            return list(stream)

    assert await asyncio.to_thread(read) == seen


async def set_three(demo: DemoFile) -> None:
    """Set a property three times."""
    async with Cloud(demo.url) as cloud:
        await cloud.sign_in(demo.email, demo.password, app_id=demo.app_id, app_secret=demo.app_secret)
        await cloud.set_properties([(LED, "Red_LED", number % 2) for number in range(3)])


async def test_a_stream_goes_on_through_a_kill(tmp_path: Path) -> None:
    """The server is killed and started again on the same port: the numbers go on where they were, none left out."""
    server = ServerProcess(tmp_path / "data", demo=True)
    try:
        demo = await_demo_file(server)
        await set_three(demo)
        seen: list[object] = []
        async with quick(demo.url, stream_key=demo.stream_keys["datapoint"], seq_start=1) as stream:
            async for item in stream.items():
                seen.append(told(item))
                if seen[-1] == 2:
                    server.kill()
                    server = ServerProcess(tmp_path / "data", demo=True, port=server.address[1])
                    await set_three(await_demo_file(server))
                if seen[-1] == 5:
                    break
        assert [number for number in seen if isinstance(number, int)] == list(range(1, 6))
        resumed = [item for item in seen if isinstance(item, tuple)]
        assert len(resumed) == 1
        assert resumed[0][0] == "resumed"
    finally:
        server.stop()


@pytest.mark.parametrize(
    "faults",
    [
        {"drop": 0.02, "duplicate": 0.05},
        {"drop": 0.02, "close": {"code": 1012, "after_events": 50}},
        {"reorder": 3},
        {"profile": "dying-server"},
    ],
    ids=str,
)
async def test_a_broken_way_costs_no_event(demo: DemoFile, faults: dict[str, Any]) -> None:
    """Events that are lost, doubled or mixed up on the way, and closes between, are seen by nobody who iterates."""
    last = 300
    async with Cloud(demo.url) as cloud:
        tokens = await cloud.sign_in(demo.email, demo.password, app_id=demo.app_id, app_secret=demo.app_secret)
        made = await cloud.create_subscription("datapoint", dsn=LED, property_name="Red_LED")
        for _ in range(last // 50):
            await cloud.set_properties([(LED, "Red_LED", number % 2) for number in range(50)])
        async with httpx.AsyncClient(base_url=demo.url) as client:
            path = f"/api/v1/subscriptions/{made.id}/faults"
            headers = {"Authorization": f"auth_token {tokens.access_token}"}
            (await client.put(path, json={"seed": 7} | faults, headers=headers)).raise_for_status()
        async with quick(demo.url, stream_key=made.stream_key, seq_start=1, seq_end=last) as stream:
            assert [event.seq async for event in stream] == list(range(1, last + 1))
            assert stream.counters.gaps == 0
        await cloud.delete_subscription(made.id)


async def test_nobody_there_is_told_in_the_same_way() -> None:
    """A server that does not answer is a CloudError as well, without a status."""
    async with Cloud("http://127.0.0.1:1") as cloud:
        with pytest.raises(CloudError, match="address and the network") as caught:
            await cloud.sign_in("a@example.com", "secret-of-mine")
    assert (caught.value.status, caught.value.code) == (None, "unreachable")
    assert "secret-of-mine" not in str(caught.value)


async def test_a_wrong_sign_in_has_its_remedy(demo: DemoFile) -> None:
    """A wrong password and a wrong application are told apart."""
    async with Cloud(demo.url) as cloud:
        with pytest.raises(CloudError, match="Check email and password") as caught:
            await cloud.sign_in(demo.email, "wrong", app_id=demo.app_id, app_secret=demo.app_secret)
        assert (caught.value.status, caught.value.code) == (401, "bad_sign_in")
        with pytest.raises(CloudError, match="Check app_id"):
            await cloud.sign_in(demo.email, demo.password, app_id="x", app_secret="y")
        assert "signed out" in repr(cloud)
