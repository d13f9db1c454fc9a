"""Who is Online, who is Offline, and when it is told."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from tests.twins import DSN, OEM, PRESENCE_TIMEOUT_S, Scene, Twins, open_twins
from twinstream.errors import RequestError
from twinstream.model.event import EventType
from twinstream.ports.device import PresenceMark
from twinstream.service import presence


def told(twins: Twins) -> list[str]:
    """The states that connectivity events tell."""
    return [body["connection"]["status"] for body in twins.bodies() if "connection" in body]


async def status(scene: Scene) -> str:
    """The stored state."""
    return (await scene.twins.devices.find(scene.users["ana"], DSN)).device.connection_status


async def test_the_first_talk_is_online_once(scene: Scene) -> None:
    """However often it talks, a device comes once; the event is stored before its request goes on."""
    twins = scene.twins
    await asyncio.gather(*(twins.presence.touch(scene.device.key) for _ in range(10)))
    await twins.presence.touch(scene.device.key)
    assert (told(twins), await status(scene)) == (["Online"], "Online")
    (event,) = twins.events()
    assert (event.type, set(event.readers)) == (EventType.CONNECTIVITY, scene.uuids("ana", "bob", "cid"))
    assert twins.bodies()[0]["connection"] == {
        "event_time": "2027-01-15T08:00:00Z",
        "user_uuid": scene.users["ana"].uuid,
        "status": "Online",
    }


async def test_silence_is_offline_after_the_timeout(scene: Scene) -> None:
    """A device that talks stays; one that does not, goes; and it may come again."""
    twins = scene.twins
    await twins.presence.touch(scene.device.key)
    for _ in range(3):
        twins.clock.turn(PRESENCE_TIMEOUT_S - 1)
        await twins.presence.tick()
        await twins.presence.touch(scene.device.key)
    assert told(twins) == ["Online"]
    twins.clock.turn(PRESENCE_TIMEOUT_S)
    await twins.presence.tick()
    await twins.presence.tick()
    assert (told(twins), await status(scene)) == (["Online", "Offline"], "Offline")
    await twins.presence.touch(scene.device.key)
    assert (told(twins), await status(scene)) == (["Online", "Offline", "Online"], "Online")


async def test_talk_writes_nothing_while_the_device_is_online(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last contact is in memory; a poll is no write."""
    twins = scene.twins
    await twins.presence.touch(scene.device.key)

    async def refuse(_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(twins.store, "run", refuse)
    twins.clock.turn(5)
    await twins.presence.touch(scene.device.key)
    twins.clock.turn(7)
    assert twins.presence.last_talk_s(scene.device.key) == twins.clock.now_s() - 7
    assert twins.presence.last_talk_s(99) is None


async def test_a_device_without_an_owner_makes_no_events(twins: Twins) -> None:
    """Its state is stored all the same."""
    device = await twins.make_device(DSN)
    await twins.presence.touch(device.key)
    found = await twins.store.query(lambda view: view.devices.find(device.key))
    assert (found.connection_status, found.connected_at) == ("Online", twins.clock.now_s())
    twins.clock.turn(PRESENCE_TIMEOUT_S)
    await twins.presence.tick()
    assert told(twins) == []


async def test_after_a_start_everyone_has_a_full_timeout(tmp_path: Path) -> None:
    """Who was Online before a restart, or a crash, is called Offline a time-out after the start, unless it talks."""
    async with open_twins(tmp_path) as twins:
        await twins.add_oem(OEM)
        ana = await twins.add_user(OEM, "ana@x.example")
        silent, lively = [await twins.make_device(dsn, ana) for dsn in (DSN, "AC000W000340779")]
        for device in (silent, lively):
            await twins.presence.touch(device.key)
    async with open_twins(tmp_path) as twins:
        twins.clock.turn(PRESENCE_TIMEOUT_S - 1)
        await twins.presence.tick()
        await twins.presence.touch(lively.key)
        assert told(twins) == []
        twins.clock.turn(1)
        await twins.presence.tick()
        assert told(twins) == ["Offline"]
        assert twins.events()[0].dsn == silent.dsn


async def test_a_late_offline_never_overwrites_a_newer_online(scene: Scene) -> None:
    """A going ends the coming that it belongs to, and no later one."""
    twins = scene.twins
    await twins.presence.touch(scene.device.key)
    await twins.store.run(lambda work: work.devices.arrive(scene.device.key))  # as another process may
    twins.clock.turn(PRESENCE_TIMEOUT_S)
    await twins.presence.tick()
    assert (told(twins), await status(scene)) == (["Online"], "Online")
    assert await twins.store.run(lambda work: work.devices.leave([PresenceMark(scene.device.key, 2)])) == [1]
    assert await twins.store.run(lambda work: work.devices.leave([PresenceMark(scene.device.key, 2)])) == []


async def test_who_talks_while_its_offline_is_under_way_stays(scene: Scene) -> None:
    """Talk that comes before the writer has taken the going is in time."""
    twins = scene.twins
    await twins.presence.touch(scene.device.key)
    twins.clock.turn(PRESENCE_TIMEOUT_S)
    busy = threading.Event()
    holding = asyncio.create_task(twins.store.run(lambda work: busy.wait(10)))
    tick = asyncio.create_task(twins.presence.tick())
    touch = asyncio.create_task(twins.presence.touch(scene.device.key))
    for _ in range(5):
        await asyncio.sleep(0)  # let each of them come as far as the writer's queue
    busy.set()
    await asyncio.gather(holding, tick, touch)
    assert (told(twins), await status(scene)) == (["Online"], "Online")
    twins.clock.turn(PRESENCE_TIMEOUT_S)
    await twins.presence.tick()
    assert (told(twins)[-1], await status(scene)) == ("Offline", "Offline")


async def test_what_cannot_be_stored_is_tried_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing store neither fails the device's request nor loses its coming or going."""
    twins = scene.twins

    async def fail(_: object) -> None:
        raise RequestError("storage_full")

    with monkeypatch.context() as patch:
        patch.setattr(twins.store, "run", fail)
        await twins.presence.touch(scene.device.key)
    await twins.presence.touch(scene.device.key)
    assert told(twins) == ["Online"]
    twins.clock.turn(PRESENCE_TIMEOUT_S)
    with monkeypatch.context() as patch:
        patch.setattr(twins.store, "run", fail)
        await twins.presence.tick()
    await twins.presence.tick()
    assert told(twins) == ["Online"]
    twins.clock.turn(presence.RETRY_S)
    await twins.presence.tick()
    assert told(twins) == ["Online", "Offline"]


async def test_a_device_whose_going_and_coming_both_failed_still_goes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the store took neither of does not leave a silent device Online for ever."""
    twins = scene.twins
    await twins.presence.touch(scene.device.key)
    twins.clock.turn(PRESENCE_TIMEOUT_S)
    full = asyncio.Event()

    async def fail(_: object) -> None:
        await full.wait()
        raise RequestError("storage_full")

    with monkeypatch.context() as patch:
        patch.setattr(twins.store, "run", fail)
        tick = asyncio.create_task(twins.presence.tick())
        await asyncio.sleep(0)
        touch = asyncio.create_task(twins.presence.touch(scene.device.key))
        for _ in range(3):
            await asyncio.sleep(0)  # let both come as far as the store
        full.set()
        await asyncio.gather(tick, touch)
    twins.clock.turn(PRESENCE_TIMEOUT_S)
    await twins.presence.tick()
    assert (told(twins), await status(scene)) == (["Online", "Offline"], "Offline")


async def test_a_caller_that_goes_away_does_not_tear_memory_from_store(scene: Scene) -> None:
    """If a request is cancelled while its device comes online, the device still goes offline later."""
    twins = scene.twins
    request = asyncio.create_task(twins.presence.touch(scene.device.key))
    await asyncio.sleep(0)
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    await twins.presence.close()
    twins.clock.turn(PRESENCE_TIMEOUT_S)
    await twins.presence.tick()
    assert told(twins) == ["Online", "Offline"]


async def test_many_go_in_several_ticks(twins: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick calls a bounded number Offline; none is forgotten."""
    monkeypatch.setattr(presence, "LEAVE_LIMIT", 3)
    ana = await twins.add_user(OEM, "ana@x.example")
    devices = [await twins.make_device(f"AC{n}", ana) for n in range(8)]
    await asyncio.gather(*(twins.presence.touch(device.key) for device in devices))
    twins.clock.turn(PRESENCE_TIMEOUT_S)
    counts = []
    for _ in range(4):
        await twins.presence.tick()
        counts.append(told(twins).count("Offline"))
    assert counts == [3, 6, 8, 8]
