"""What a simulated device does by itself, told from the requests that reach its cloud."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import httpx
import pytest

from tests.simulator.clock import TestClock
from tests.simulator.cloud import PUBLIC_KEY_PEM, Cloud
from twinstream.simulator.device import HOLD_S, Device
from twinstream.simulator.model import LEDEVB, LINUXEVB, DeviceModel

DSN = "AC000W005606115"
START = [f"GET /dsns/{DSN}.json", "PUT /devices/12.json"]
POLL = "GET /devices/12/commands.json?polling=1"


@asynccontextmanager
async def living(cloud: Cloud, clock: TestClock, model: DeviceModel = LINUXEVB) -> AsyncIterator[Device]:
    """A device whose task runs until the block ends."""
    async with cloud.client() as client:
        device = Device(DSN, model, PUBLIC_KEY_PEM, client, clock, Random(1))
        task = asyncio.create_task(device.run())
        yield device
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_device_starts_up_as_real_ones_do() -> None:
    """It fetches itself under an RSA proof of time, method and path, reports itself, and polls."""
    cloud, clock = Cloud(), TestClock()
    async with living(cloud, clock):
        await clock.advance(2)
    assert cloud.calls == [*START, POLL, POLL, POLL]
    assert cloud.proofs == [f"1537784797 GET /dsns/{DSN}.json\n"]
    assert cloud.bodies[1]["device"]["oem_model"] == "linuxevb"


async def test_206_means_ask_again_at_once() -> None:
    """While more waits, the device fetches on without a pause."""
    cloud, clock = Cloud(), TestClock()
    cloud.polls = [{}, {}, {}]
    async with living(cloud, clock):
        await clock.advance(0)
    assert cloud.calls == [*START, POLL, POLL, POLL]


async def test_a_value_is_acknowledged_and_echoed() -> None:
    """A value that carries an id is acknowledged with 200, then echoed, and the device holds it."""
    cloud, clock = Cloud(), TestClock()
    wanted = {"name": "Blue_LED", "base_type": "boolean", "value": 1, "id": "15af3cfc"}
    cloud.polls = [{"properties": [{"property": wanted}]}]
    async with living(cloud, clock) as device:
        await clock.advance(0)
    assert cloud.calls[3:] == [
        f"PUT /dev/v1/dsns/{DSN}/properties/Blue_LED/datapoints/15af3cfc.json",
        "POST /devices/12/properties/Blue_LED/datapoints.json?echo=true",
    ]
    assert cloud.bodies[3] == {"datapoint": {"id": "15af3cfc", "ack_status": 200, "ack_message": 0}}
    assert cloud.bodies[4] == {"datapoint": {"name": "Blue_LED", "base_type": "boolean", "value": 1}}
    assert device.values["Blue_LED"] == 1


@pytest.mark.parametrize(
    "wanted", [{"name": "Blue_LED", "value": 7}, {"name": "output", "value": 1}, {"name": "nothing", "value": 1}]
)
async def test_what_cannot_be_is_acknowledged_as_failed(wanted: dict[str, object]) -> None:
    """A value that is none of the property's, an output, or no property of the device: 400, and no echo."""
    cloud, clock = Cloud(), TestClock()
    cloud.polls = [{"properties": [{"property": {**wanted, "id": "15af3cfc"}}]}]
    async with living(cloud, clock) as device:
        await clock.advance(0)
    assert cloud.bodies[3:] == [{"datapoint": {"id": "15af3cfc", "ack_status": 400, "ack_message": 1}}]
    assert set(device.values.values()) == {0, ""}


async def test_a_value_without_an_id_is_only_echoed() -> None:
    """Nobody asked for an acknowledgement; an input with an answer is answered."""
    cloud, clock = Cloud(), TestClock()
    cloud.polls = [{"properties": [{"property": {"name": "cmd", "value": "on"}}]}]
    async with living(cloud, clock):
        await clock.advance(0)
    assert cloud.calls[3:] == [
        "POST /devices/12/properties/cmd/datapoints.json?echo=true",
        "POST /devices/12/properties/log/datapoints.json",
    ]


@pytest.mark.parametrize(("resource", "status"), [("registration.json", 200), ("ota.json", 404)])
async def test_a_command_is_answered(resource: str, status: int) -> None:
    """What the device knows it confirms; the rest it does not have."""
    cloud, clock = Cloud(), TestClock()
    command = {"id": 3, "method": "PUT", "resource": resource, "uri": "/cmd_post_process.json", "data": "{}"}
    cloud.polls = [{"cmds": [{"cmd": command}]}]
    async with living(cloud, clock):
        await clock.advance(0)
    assert cloud.calls[3] == f"PUT /devices/12/cmd_post_process.json?cmd_id=3&status={status}"


async def test_a_button_is_pressed_and_let_go() -> None:
    """A press is two datapoints, 1 and 0, and no echo."""
    cloud, clock = Cloud(), TestClock()
    async with living(cloud, clock, LEDEVB) as device:
        await asyncio.gather(device.press("Black_button"), clock.advance(0))
    assert [body["datapoint"]["value"] for body in cloud.bodies[-2:]] == [1, 0]
    assert cloud.calls[-2:] == ["POST /devices/12/properties/Black_button/datapoints.json"] * 2


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("report", "/devices/12/properties/report/message_datapoints/d1.json"),
        ("log_file", "/files/d1?expires=5&signature=s"),
    ],
)
async def test_a_file_or_message_is_opened_and_its_bytes_are_put(name: str, target: str) -> None:
    """A datapoint without a value, then the bytes: a file's to the address in the answer, a message's to its own."""
    cloud, clock = Cloud(), TestClock()
    async with living(cloud, clock) as device:
        await asyncio.gather(device.send(name, b"\x00{}"), clock.advance(0))
    assert cloud.calls[-2:] == [f"POST /devices/12/properties/{name}/datapoints.json", f"PUT {target}"]
    assert "value" not in cloud.bodies[-2]["datapoint"]
    assert cloud.bodies[-1] == b"\x00{}"


async def test_an_expired_token_is_renewed_and_the_call_repeated() -> None:
    """A 401 costs one authentication, and the poll goes on."""
    cloud, clock = Cloud(), TestClock()
    async with living(cloud, clock):
        await clock.advance(0)
        cloud.forget()
        await clock.advance(1)
    assert cloud.calls == [*START, POLL, POLL, START[0], POLL]


async def test_a_device_that_is_refused_three_times_holds() -> None:
    """Three authentications in vain, then a minute of rest, then three again."""
    cloud, clock = Cloud(), TestClock()
    cloud.trouble = lambda request: 401
    async with living(cloud, clock):
        await clock.advance(HOLD_S - 1)
        assert len(cloud.calls) == 3
        await clock.advance(1)
    assert cloud.calls == [START[0]] * 6


async def test_an_overloaded_server_is_given_time() -> None:
    """429 waits as long as it says, 503 longer each time; then the device goes on where it was."""
    cloud, clock = Cloud(), TestClock()
    troubles: list[int | None] = [429, 503, 503, 503]
    cloud.trouble = lambda request: troubles.pop(0) if troubles else None
    async with living(cloud, clock):
        await clock.advance(120)
    waits = clock.slept[:4]
    assert waits[0] == 40
    assert 1 <= waits[1] <= 3 <= 2 * waits[2]
    assert cloud.calls[:7] == [*[START[0]] * 4, *START, POLL]


async def test_a_server_that_is_gone_is_asked_until_it_is_back() -> None:
    """A lost connection is a pause: no call is dropped, and at most a few seconds pass after the server is back."""
    cloud, clock = Cloud(), TestClock()
    async with living(cloud, clock):
        await clock.advance(0)
        cloud.trouble = lambda request: httpx.ConnectError("refused")
        await clock.advance(600)
        cloud.trouble = lambda request: None
        cloud.calls.clear()
        await clock.advance(12)
    assert cloud.calls
    assert set(cloud.calls) == {POLL}
    assert max(clock.slept) <= 12


async def test_a_device_that_is_away_is_silent_and_starts_up_anew() -> None:
    """Out of reach nothing is heard of it; back again it authenticates and reports itself."""
    cloud, clock = Cloud(), TestClock()
    async with living(cloud, clock) as device:
        await clock.advance(0)
        device.go_away()
        await clock.advance(1)
        cloud.calls.clear()
        await clock.advance(60)
        assert cloud.calls == []
        device.come_back()
        await clock.advance(0)
    assert cloud.calls == [*START, POLL]


async def test_what_the_server_does_not_want_keeps_nothing_else_back() -> None:
    """An echo that is refused, since the property is gone, say, is left out; the next value is taken."""
    cloud, clock = Cloud(), TestClock()
    cloud.polls = [{"properties": [{"property": {"name": name, "value": 1}} for name in ("Green_LED", "Red_LED")]}]
    cloud.trouble = lambda request: 404 if "Green_LED" in request.url.path else None
    async with living(cloud, clock, LEDEVB) as device:
        await clock.advance(0)
    assert device.values["Red_LED"] == 1
    assert cloud.calls[-1] == "POST /devices/12/properties/Red_LED/datapoints.json?echo=true"


async def test_an_answer_that_is_none_is_not_the_end() -> None:
    """A server that answers with something else is asked again after a hold, like one that refuses."""
    cloud, clock = Cloud(), TestClock()
    cloud.polls = [{"properties": [{"unexpected": {}}]}]
    async with living(cloud, clock):
        await clock.advance(HOLD_S)
    assert cloud.calls == [*START, POLL, *START, POLL]
