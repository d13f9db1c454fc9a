"""What reaches a device: everything at least once, nothing for ever."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from tests.twins import DSN, LEVEL, Scene, Twins, by_name, open_twins
from twinstream.errors import RequestError
from twinstream.model import principal
from twinstream.model.command import Pending
from twinstream.model.datapoint import Acknowledgement
from twinstream.model.registration import Claim
from twinstream.model.value import Value
from twinstream.service.command import POLL_LIMIT
from twinstream.service.creation import Draft


def values(pending: Pending) -> dict[str, Value | None]:
    """What a poll handed out, by property."""
    return {value.name: value.value for value in pending.values}


async def quiet(scene: Scene) -> None:
    """Let the device fetch what waits for it already: that it was registered."""
    while scene.twins.deliveries.may_wait(scene.device.key):
        await scene.twins.commands.poll(scene.device, "quiet")


async def test_the_newest_value_of_each_property_waits(scene: Scene) -> None:
    """Values set by users are handed out, of each property the newest; what a device sets does not come back to it."""
    await quiet(scene)
    twins, ana = scene.twins, scene.users["ana"]
    await twins.datapoints.create_many(ana, [by_name(DSN, "level", 1), by_name(DSN, "level", 2)])
    await twins.datapoints.create(ana, by_name(DSN, "Blue_LED", 1))
    await twins.datapoints.create(scene.device, by_name(DSN, "temperature", 5))
    pending = await twins.commands.poll(scene.device, "a")
    assert values(pending) == {"level": 2, "Blue_LED": 1}
    assert {value.name: value.ack_enabled for value in pending.values} == {"level": False, "Blue_LED": True}
    assert not pending.more


async def test_a_poll_over_the_same_connection_confirms_the_one_before(scene: Scene) -> None:
    """Who asks again on the same connection has read the answer before: nothing is handed out twice."""
    await quiet(scene)
    twins = scene.twins
    await twins.datapoints.create(scene.users["ana"], by_name(DSN, "level", 1))
    assert values(await twins.commands.poll(scene.device, "a")) == {"level": 1}
    await twins.datapoints.create(scene.users["ana"], by_name(DSN, "level", 2))
    assert values(await twins.commands.poll(scene.device, "a")) == {"level": 2}
    assert values(await twins.commands.poll(scene.device, "a")) == {}
    await twins.commands.poll(scene.device, "a")
    assert not twins.deliveries.may_wait(scene.device.key)


async def test_a_lost_answer_loses_nothing(scene: Scene) -> None:
    """On another connection everything is handed out once more, and no third time."""
    await quiet(scene)
    twins = scene.twins
    await twins.datapoints.create(scene.users["ana"], by_name(DSN, "level", 1))
    answers = [values(await twins.commands.poll(scene.device, connection)) for connection in ("a", "b", "c", "d")]
    assert answers == [{"level": 1}, {"level": 1}, {}, {}]
    assert not twins.deliveries.may_wait(scene.device.key)


async def test_an_echo_confirms_what_was_handed_out_and_nothing_newer(scene: Scene) -> None:
    """The echo of a value ends its waiting; a value set meanwhile waits on."""
    await quiet(scene)
    twins, ana = scene.twins, scene.users["ana"]
    await twins.datapoints.create(ana, by_name(DSN, "level", 1))
    await twins.commands.poll(scene.device, "a")
    await twins.datapoints.create(scene.device, by_name(DSN, "level", 1, echo=True))
    assert values(await twins.commands.poll(scene.device, "b")) == {}
    await twins.datapoints.create(ana, by_name(DSN, "level", 2))
    await twins.commands.poll(scene.device, "b")
    await twins.datapoints.create(ana, by_name(DSN, "level", 3))
    await twins.datapoints.create(scene.device, by_name(DSN, "level", 2, echo=True))
    assert values(await twins.commands.poll(scene.device, "c")) == {"level": 3}


async def test_an_acknowledgement_confirms_its_datapoint(scene: Scene) -> None:
    """What was acknowledged waits no more."""
    await quiet(scene)
    twins = scene.twins
    made = await twins.datapoints.create(scene.users["ana"], by_name(DSN, "Blue_LED", 1))
    await twins.commands.poll(scene.device, "a")
    await twins.datapoints.acknowledge(scene.device, "Blue_LED", made.id, Acknowledgement(400, 0))
    assert values(await twins.commands.poll(scene.device, "b")) == {}


async def test_more_than_one_answer_holds(twins: Twins) -> None:
    """What does not fit is announced, and comes with the next polls."""
    ana = await twins.add_user("0dfc7900", "ana@x.example")
    plans = [msgspec.structs.replace(LEVEL, name=f"p{n:03}") for n in range(150)]
    device = await twins.make_device(DSN, ana, plans=plans)
    await twins.datapoints.create_many(ana, [Draft((DSN, plan.name), 1) for plan in plans])
    first = await twins.commands.poll(device, "a")
    assert (len(first.values), first.more) == (POLL_LIMIT, True)
    second = await twins.commands.poll(device, "a")
    assert (len(second.values), second.more) == (50, False)
    assert not set(values(first)) & set(values(second))


async def test_registration_is_a_command_until_its_result_comes(scene: Scene) -> None:
    """A registered device is told so; its result, even repeated, ends that."""
    twins = scene.twins
    (command,) = (await twins.commands.poll(scene.device, "a")).commands
    assert (command.method, command.resource, command.uri) == ("PUT", "registration.json", "/cmd_post_process.json")
    assert command.body == '{"registration":{"status":1}}'
    for _ in range(2):
        await twins.commands.finish(scene.device, command.id)
    assert (await twins.commands.poll(scene.device, "b")).commands == ()


async def test_a_device_finishes_only_its_own_commands(scene: Scene) -> None:
    """A result for another device's command changes nothing."""
    twins = scene.twins
    other = await twins.make_device("AC000W000340640", scene.users["ana"])
    (command,) = (await twins.commands.poll(scene.device, "a")).commands
    await twins.commands.finish(other, command.id)
    assert (await twins.commands.poll(scene.device, "b")).commands == (command,)


async def test_what_waits_survives_a_restart(tmp_path: Path) -> None:
    """A server that starts again hands out what waited, also what it had handed out without a sign."""
    async with open_twins(tmp_path) as twins:
        await twins.add_oem("0dfc7900")
        ana = await twins.add_user("0dfc7900", "ana@x.example")
        device = await twins.make_device(DSN, ana)
        await twins.datapoints.create(ana, by_name(DSN, "level", 1))
        await twins.commands.poll(device, "a")
    async with open_twins(tmp_path) as twins:
        assert values(await twins.commands.poll(device, "a")) == {"level": 1}


async def test_unregistering_ends_the_waiting(scene: Scene) -> None:
    """What an owner set does not reach the device once it is not theirs."""
    twins, ana = scene.twins, scene.users["ana"]
    await twins.datapoints.create(ana, by_name(DSN, "level", 1))
    await twins.registrations.unregister(ana, DSN)
    pending = await twins.commands.poll(scene.device, "a")
    assert pending.values == ()
    assert [command.body for command in pending.commands] == ['{"registration":{"status":0}}']
    await twins.registrations.register(ana, Claim(DSN, None, None, None))
    pending = await twins.commands.poll(scene.device, "a")
    assert [command.body for command in pending.commands] == ['{"registration":{"status":1}}']


async def test_a_poll_costs_nothing_while_nothing_waits(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a query nor a command."""
    await quiet(scene)

    async def refuse(_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(scene.twins.store, "run", refuse)
    monkeypatch.setattr(scene.twins.store, "query", refuse)
    assert values(await scene.twins.commands.poll(scene.device, "a")) == {}


async def test_a_poll_that_fails_forgets_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the store fails, or the device goes away, what waits goes on waiting."""
    twins = scene.twins
    run = twins.store.run

    async def fail(command: object) -> None:
        await run(command)  # type: ignore[arg-type]
        raise RequestError("storage_failed")

    monkeypatch.setattr(twins.store, "run", fail)
    with pytest.raises(RequestError):
        await twins.commands.poll(scene.device, "a")
    monkeypatch.undo()
    polling = asyncio.create_task(twins.commands.poll(scene.device, "a"))
    await asyncio.sleep(0)
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
    assert len((await twins.commands.poll(scene.device, "a")).commands) == 1


async def test_a_rolled_back_poll_settles_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """That nothing waits is only believed once the transaction that saw it has committed."""
    await quiet(scene)
    twins = scene.twins
    twins.deliveries.expect(scene.device.key)
    run = twins.store.run

    async def fail(command: object) -> None:
        await run(command)  # type: ignore[arg-type]
        raise RequestError("storage_failed")

    monkeypatch.setattr(twins.store, "run", fail)
    with pytest.raises(RequestError):
        await twins.commands.poll(scene.device, "a")
    assert twins.deliveries.may_wait(scene.device.key)


async def test_setting_and_polling_race(scene: Scene) -> None:
    """However polls and settings interleave, the last value reaches the device."""
    await quiet(scene)
    twins, ana = scene.twins, scene.users["ana"]
    seen: list[object] = []

    async def poll(device: principal.Device) -> None:
        while 49 not in seen:
            seen.extend(value.value for value in (await twins.commands.poll(device, "a")).values)
            await asyncio.sleep(0)

    async def set_level() -> None:
        for n in range(50):
            await twins.datapoints.create(ana, by_name(DSN, "level", n))

    await asyncio.wait_for(asyncio.gather(poll(scene.device), set_level()), 20)
    assert seen == sorted(set(seen))  # type: ignore[type-var]
