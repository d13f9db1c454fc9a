"""Reading datapoints, acknowledging them, and letting old ones go."""

from __future__ import annotations

import pytest

from tests.twins import DSN, KEEP_S, Scene, by_name
from twinstream.errors import RequestError
from twinstream.model.datapoint import Acknowledgement
from twinstream.model.event import EventType
from twinstream.model.registration import Claim

BLUE = (DSN, "Blue_LED")
DONE = Acknowledgement(200, 7)


async def test_the_newest_datapoints_come_oldest_first(scene: Scene) -> None:
    """A list holds the newest, 100 at most, in ascending order; whoever sees the device may read it."""
    twins, ana = scene.twins, scene.users["ana"]
    await twins.datapoints.create_many(ana, [by_name(DSN, "level", n) for n in range(105)])
    for name in ("ana", "bob", "cid"):
        listed = await twins.datapoints.list_newest(scene.users[name], (scene.device.key, "level"))
        assert [datapoint.value for datapoint in listed] == list(range(5, 105))
    assert [point.value for point in await twins.datapoints.list_newest(ana, (DSN, "level"), 2)] == [103, 104]
    assert len(await twins.datapoints.list_newest(ana, (DSN, "level"), -5)) == 1
    assert len(await twins.datapoints.list_newest(ana, (DSN, "level"), 10**9)) == 100
    assert await twins.datapoints.list_newest(ana, (DSN, "temperature")) == []


async def test_datapoints_of_others_do_not_exist(scene: Scene) -> None:
    """Neither a list nor a single datapoint shows to who does not see the device, nor under another property."""
    twins = scene.twins
    made = await twins.datapoints.create(scene.users["ana"], by_name(DSN, "level", 1))
    assert await twins.datapoints.find(scene.users["bob"], (DSN, "level"), made.id) == made
    for name, ref in (("dan", (DSN, "level")), ("eve", (DSN, "level")), ("ana", BLUE), ("ana", (DSN, "nope"))):
        with pytest.raises(RequestError, match="no such thing"):
            await twins.datapoints.find(scene.users[name], ref, made.id)
    for name in ("dan", "eve"):
        with pytest.raises(RequestError, match="no such thing"):
            await twins.datapoints.list_newest(scene.users[name], (DSN, "level"))


async def test_a_new_owner_does_not_see_the_old_ones_datapoints(scene: Scene) -> None:
    """Neither in lists, nor by id, nor by acknowledging them."""
    twins, ana, dan = scene.twins, scene.users["ana"], scene.users["dan"]
    old = await twins.datapoints.create(ana, by_name(*BLUE, 1))
    twins.clock.turn(1)
    await twins.registrations.unregister(ana, DSN)
    with pytest.raises(RequestError, match="no such thing"):
        await twins.datapoints.acknowledge(scene.device, "Blue_LED", old.id, DONE)
    await twins.datapoints.create(scene.device, by_name(DSN, "temperature", 5))
    twins.clock.turn(1)
    await twins.registrations.register(dan, Claim(DSN, None, None, None))
    assert await twins.datapoints.list_newest(dan, BLUE) == []
    assert await twins.datapoints.list_newest(dan, (DSN, "temperature")) == []
    with pytest.raises(RequestError, match="no such thing"):
        await twins.datapoints.find(dan, BLUE, old.id)
    with pytest.raises(RequestError, match="no such thing"):
        await twins.datapoints.acknowledge(scene.device, "Blue_LED", old.id, DONE)


async def test_an_acknowledgement_is_stored_and_told(scene: Scene) -> None:
    """It shows at the datapoint, at its property, and in an event of its own, all with one id and time."""
    twins, ana = scene.twins, scene.users["ana"]
    made = await twins.datapoints.create(ana, by_name(*BLUE, 1))
    twins.clock.turn(2)
    await twins.datapoints.acknowledge(scene.device, "Blue_LED", made.id, DONE)
    found = await twins.datapoints.find(ana, BLUE, made.id)
    assert (found.ack_status, found.ack_message, found.acked_at) == (200, 7, twins.clock.now_s())
    shown = await twins.properties.find(ana, BLUE)
    assert (shown.ack_status, shown.ack_message, shown.acked_at) == (200, 7, twins.clock.now_s())
    event = twins.events()[-1]
    assert (event.type, set(event.readers)) == (EventType.DATAPOINTACK, scene.uuids("ana", "bob", "cid"))
    body = twins.bodies()[-1]
    assert body["metadata"]["event_type"] == "datapointack"
    assert body["datapoint"] == {
        "id": made.id,
        "created_at_from_device": None,
        "updated_at": "2027-01-15T08:00:02Z",
        "created_at": "2027-01-15T08:00:00Z",
        "user_uuid": ana.uuid,
        "echo": False,
        "closed": False,
        "value": 1,
        "ack_message": 7,
        "ack_status": 200,
        "ack_id": found.ack_id,
        "acked_at": "2027-01-15T08:00:02Z",
        "metadata": {},
    }


async def test_the_same_acknowledgement_again_changes_nothing(scene: Scene) -> None:
    """A device that got no answer repeats itself; another answer is another event."""
    twins = scene.twins
    made = await twins.datapoints.create(scene.users["ana"], by_name(*BLUE, 1))
    for answer in (DONE, DONE, Acknowledgement(400, 7), Acknowledgement(400, 7)):
        await twins.datapoints.acknowledge(scene.device, "Blue_LED", made.id, answer)
    assert [body["datapoint"].get("ack_status") for body in twins.bodies()] == [None, 200, 400]


async def test_only_what_asks_for_it_is_acknowledged_and_only_by_its_device(scene: Scene) -> None:
    """A property without ack_enabled is 422; another device's datapoint, or another property's, is 404."""
    twins, ana = scene.twins, scene.users["ana"]
    plain = await twins.datapoints.create(ana, by_name(DSN, "level", 1))
    with pytest.raises(RequestError, match="no acknowledgements"):
        await twins.datapoints.acknowledge(scene.device, "level", plain.id, DONE)
    made = await twins.datapoints.create(ana, by_name(*BLUE, 1))
    other = await twins.make_device("AC000W000340640", ana)
    for device, name, id_ in (
        (other, "Blue_LED", made.id),
        (scene.device, "level", made.id),
        (scene.device, "Blue_LED", "nope"),
    ):
        with pytest.raises(RequestError, match="no such thing"):
            await twins.datapoints.acknowledge(device, name, id_, DONE)


async def test_old_datapoints_go_but_never_the_newest_of_a_property(scene: Scene) -> None:
    """A purge deletes what is too old, over as many slices as it takes, and leaves every property its value."""
    twins, ana = scene.twins, scene.users["ana"]
    newest = await twins.datapoints.create(ana, by_name(*BLUE, 1))
    for _ in range(2):
        await twins.datapoints.create_many(ana, [by_name(DSN, "level", n) for n in range(700)])
    twins.clock.turn(KEEP_S - 1)
    young = await twins.datapoints.create(ana, by_name(DSN, "level", 5))
    assert await twins.datapoints.purge() == 0
    twins.clock.turn(2)
    assert await twins.datapoints.purge() == 1400
    assert await twins.datapoints.list_newest(ana, (DSN, "level")) == [young]
    assert await twins.datapoints.list_newest(ana, BLUE) == [newest]
    twins.clock.turn(10 * KEEP_S)
    assert await twins.datapoints.purge() == 0
    assert await twins.store.run(lambda work: work.datapoints.remove(list(range(2000)))) == 0
