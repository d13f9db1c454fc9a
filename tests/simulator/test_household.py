"""What happens in the household, and when: the scenes, and a resident whom the server refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import httpx
import msgspec
import pytest

from tests.simulator.clock import TestClock
from tests.simulator.cloud import PUBLIC_KEY_PEM
from twinstream.simulator.device import Device
from twinstream.simulator.household import SCENES, Household
from twinstream.simulator.model import LEDEVB, LINUXEVB
from twinstream.simulator.resident import Account, Resident

ACCOUNT = Account("demo@example.com", "password", "app", "secret")
PRESENCE_TIMEOUT_S = 15
SLACK = 0.2
"""The pauses of the scenes vary so much either way."""


def build(answer: Callable[[httpx.Request], httpx.Response], clock: TestClock) -> tuple[Household, Device]:
    """A household over a scripted server, and its traveller; the devices' own tasks don't run."""
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://cloud")
    led_board, linux_board, traveller = (
        Device(dsn, model, PUBLIC_KEY_PEM, client, clock, Random(1))
        for dsn, model in (("A", LEDEVB), ("B", LINUXEVB), ("C", LEDEVB))
    )
    resident = Resident(ACCOUNT, client, clock, Random(1))
    return Household(resident, led_board, linux_board, traveller, clock, Random(1)), traveller


def answer_well(request: httpx.Request) -> httpx.Response:
    """Sign everybody in, own all three devices, and agree to everything."""
    if request.url.path == "/users/sign_in.json":
        return httpx.Response(200, json={"access_token": "t"})
    if request.method == "GET":
        return httpx.Response(200, json=[{"device": {"dsn": dsn, "key": key}} for key, dsn in enumerate("ABC", 1)])
    return httpx.Response(201, json={})


def test_a_cycle_ends_within_a_minute() -> None:
    """Each type of event has its scene, so whoever watches a minute sees all five."""
    assert sum(pause_s for pause_s, _ in SCENES) * (1 + SLACK) < 60
    scenes = {scene for _, scene in SCENES}
    assert {Household.light_acknowledged_led, Household.move, Household.unregister, Household.leave} <= scenes


def test_the_traveller_is_away_for_longer_than_the_presence_timeout() -> None:
    """It is called Offline before it is back."""
    order = [scene for _, scene in SCENES]
    away = SCENES[order.index(Household.leave) + 1 : order.index(Household.come_back) + 1]
    assert sum(pause_s for pause_s, _ in away) * (1 - SLACK) > PRESENCE_TIMEOUT_S + 1


async def test_a_resident_who_may_not_sign_in_gives_up_at_once() -> None:
    """One wrong password and no more, so that the account is never locked for the person whose it is."""
    calls = []

    def refuse(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        return httpx.Response(401)

    clock = TestClock()
    household, _ = build(refuse, clock)
    await household.run()
    assert calls == ["/users/sign_in.json"]


async def test_the_traveller_has_no_place_before_it_is_carried() -> None:
    """What a device told of its place at its first start-up, without an owner, would be nobody's event."""
    household, traveller = build(answer_well, TestClock())
    assert traveller.place is None
    await household.move()
    assert traveller.place is not None


async def test_a_scene_that_is_refused_is_left_out() -> None:
    """Someone else has unregistered a steady device: its scenes fail, the others go on."""
    settings = []

    def answer(request: httpx.Request) -> httpx.Response:
        if "/properties/" in request.url.path:
            settings.append(request.url.path)
            return httpx.Response(404 if "/dsns/A/" in request.url.path else 201, json={})
        return answer_well(request)

    clock = TestClock()
    household, _ = build(answer, clock)
    task = asyncio.create_task(household.run())
    await clock.advance(5)
    task.cancel()
    assert [path.split("/")[3] for path in settings] == ["A", "B"]


@pytest.mark.parametrize("status", [201, 404])
async def test_devices_that_have_no_owner_are_registered(status: int) -> None:
    """Moving in registers the steady devices by their DSN, but not what is registered; somebody else's it leaves."""
    claims = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=[{"device": {"dsn": "A", "key": 1}}])
        if request.url.path == "/apiv1/devices.json":
            claims.append(msgspec.json.decode(request.content))
            return httpx.Response(status, json={})
        return answer_well(request)

    household, _ = build(answer, TestClock())
    await household.move_in()
    assert claims == [{"device": {"dsn": "B"}}]
