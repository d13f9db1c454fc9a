"""Who may create a datapoint, what it says, and what a group of them owes to its neighbours."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import apsw
import pytest

from tests.twins import DSN, OEM, Scene, Twins, by_name
from twinstream.errors import RequestError
from twinstream.model.datapoint import Datapoint
from twinstream.model.event import EventType
from twinstream.model.principal import Device, User
from twinstream.service.creation import Creation, Draft
from twinstream.service.receipt import Outcome


def codes(outcomes: Sequence[Outcome]) -> list[str]:
    """What became of each: ``ok`` or the error's code."""
    return [outcome.code if isinstance(outcome, RequestError) else "ok" for outcome in outcomes]


async def refused(twins: Twins, caller: User | Device, draft: Draft) -> str:
    """The code with which a draft is refused."""
    with pytest.raises(RequestError) as caught:
        await twins.datapoints.create(caller, draft)
    return caught.value.code


async def test_a_user_sets_a_property(scene: Scene) -> None:
    """A value set by the owner is the property's value, a stored datapoint and an event for all who see the device."""
    ana = scene.users["ana"]
    made = await scene.twins.datapoints.create(ana, by_name(DSN, "Blue_LED", "true", metadata={"from": "app"}))
    assert (made.value, made.echo, made.metadata, made.created_at_from_device) == (1, False, {"from": "app"}, None)
    found = await scene.twins.properties.find(ana, (DSN, "Blue_LED"))
    assert (found.value, found.datapoint_id, found.datapoint_updated_at) == (1, made.id, made.updated_at)
    assert await scene.twins.datapoints.list_newest(ana, (DSN, "Blue_LED")) == [made]
    (event,) = scene.twins.events()
    assert (event.type, event.oem, event.dsn, event.property_name) == (EventType.DATAPOINT, OEM, DSN, "Blue_LED")
    assert set(event.readers) == scene.uuids("ana", "bob", "cid")
    (body,) = scene.twins.bodies()
    assert body["metadata"]["display_name"] == "Blue_LED"
    assert body["datapoint"] == {
        "id": made.id,
        "created_at_from_device": None,
        "updated_at": "2027-01-15T08:00:00Z",
        "created_at": "2027-01-15T08:00:00Z",
        "user_uuid": ana.uuid,
        "echo": False,
        "closed": False,
        "value": 1,
        "metadata": {"from": "app"},
    }


async def test_a_device_posts_what_it_measures_and_echoes(scene: Scene) -> None:
    """A device posts outputs and echoes inputs; the event names the owner, whoever caused it."""
    create = scene.twins.datapoints.create
    await create(scene.device, Draft((scene.device.key, "temperature"), 21.5, device_time_ms=1_799_999_999_999))
    await create(scene.device, Draft((scene.device.key, "Blue_LED"), 0, echo=True))
    measured, echoed = (body["datapoint"] for body in scene.twins.bodies())
    assert (measured["value"], measured["created_at_from_device"]) == (21.5, "2027-01-15T07:59:59Z")
    assert (echoed["value"], echoed["echo"], echoed["user_uuid"]) == (0, True, scene.users["ana"].uuid)


async def test_a_device_cannot_claim_the_future(scene: Scene) -> None:
    """A device's clock may be wrong: a time in the future becomes the present, anything but a time is refused."""
    made = await scene.twins.datapoints.create(scene.device, by_name(DSN, "level", 1, device_time_ms=10**15))
    assert made.created_at_from_device == made.created_at
    for time_ms in (-1, "1", 1.5, True):
        assert await refused(scene.twins, scene.device, by_name(DSN, "level", 1, device_time_ms=time_ms)) == "invalid"


@pytest.mark.parametrize(
    ("name", "ref", "code"),
    [
        ("ana", (DSN, "temperature"), "forbidden"),
        ("ana", (DSN, "Blue_led"), "not_found"),
        ("ana", ("AC000W000340640", "Blue_LED"), "not_found"),
        ("bob", (DSN, "Blue_LED"), "forbidden"),
        ("cid", (DSN, "Blue_LED"), None),
        ("cid", (1, "Blue_LED"), None),
        ("cid", (None, 1), None),
        ("dan", (DSN, "Blue_LED"), "not_found"),
        ("dan", (1, "Blue_LED"), "not_found"),
        ("dan", (None, 1), "not_found"),
        ("eve", (DSN, "Blue_LED"), "not_found"),
        ("eve", (None, 1), "not_found"),
    ],
)
async def test_rights(scene: Scene, name: str, ref: tuple[Any, Any], code: str | None) -> None:
    """Owner and holders of a share for writing set inputs; outputs and a share for reading are 403, others 404."""
    if code is None:
        await scene.twins.datapoints.create(scene.users[name], Draft(ref, 1))
        return
    assert await refused(scene.twins, scene.users[name], Draft(ref, 1)) == code
    assert scene.twins.events() == []


async def test_a_device_posts_only_its_own(scene: Scene) -> None:
    """Another device's property does not exist for a device, not even for one of the same owner."""
    other = await scene.twins.make_device("AC000W000340640", scene.users["ana"])
    assert await refused(scene.twins, other, by_name(DSN, "temperature", 1)) == "not_found"


async def test_a_device_without_an_owner_has_no_readers(scene: Scene) -> None:
    """What a device posts while nobody owns it only its OEM can see."""
    free = await scene.twins.make_device("AC000W000340640")
    await scene.twins.datapoints.create(free, by_name(free.dsn, "temperature", 1))
    (event,) = scene.twins.events()
    assert (event.readers, scene.twins.bodies()[0]["datapoint"]["user_uuid"]) == ((), None)
    assert await refused(scene.twins, scene.users["ana"], by_name(free.dsn, "Blue_LED", 1)) == "not_found"


@pytest.mark.parametrize(
    ("start_s", "end_s", "counts"), [(None, None, True), (0, 1, True), (1, None, False), (-2, 0, False)]
)
async def test_shares_count_at_the_moment_of_the_commit(
    scene: Scene, start_s: float | None, end_s: float | None, counts: bool
) -> None:
    """A share that begins later or has ended lends no right and shows nothing, and its holder is no reader."""
    twins, ana, cid, now_s = scene.twins, scene.users["ana"], scene.users["cid"], scene.twins.clock.now_s()
    times = [None if offset is None else now_s + offset for offset in (start_s, end_s)]
    await scene.execute("UPDATE share SET start_at = ?, end_at = ? WHERE user_uuid = ?", *times, cid.uuid)
    await twins.datapoints.create(ana, by_name(DSN, "Blue_LED", 1))
    assert set(twins.events()[-1].readers) == scene.uuids("ana", "bob", *["cid"] * counts)
    assert len(await twins.devices.list_devices(cid)) == counts
    if counts:
        await twins.datapoints.create(cid, by_name(DSN, "Blue_LED", 1))
    else:
        assert await refused(twins, cid, by_name(DSN, "Blue_LED", 1)) == "not_found"


async def test_a_share_of_a_former_owner_does_not_count(scene: Scene) -> None:
    """Should one be left behind, it lends no right, and its holder is no reader."""
    twins, ana, cid = scene.twins, scene.users["ana"], scene.users["cid"]
    await scene.execute("UPDATE share SET owner_uuid = ? WHERE user_uuid = ?", scene.users["dan"].uuid, cid.uuid)
    await twins.datapoints.create(ana, by_name(DSN, "Blue_LED", 1))
    assert set(twins.events()[-1].readers) == scene.uuids("ana", "bob")
    assert await refused(twins, cid, by_name(DSN, "Blue_LED", 1)) == "not_found"
    assert await twins.devices.list_devices(cid) == []


async def test_tenants_never_meet(scene: Scene) -> None:
    """Even if a share or an owner of another OEM were stored, they would neither see nor set anything."""
    twins, eve = scene.twins, scene.users["eve"]
    await scene.execute("UPDATE share SET user_uuid = ? WHERE user_uuid = ?", eve.uuid, scene.users["cid"].uuid)
    for _ in range(2):
        assert await refused(twins, eve, by_name(DSN, "Blue_LED", 1)) == "not_found"
        assert await twins.devices.list_devices(eve) == []
        await scene.execute("UPDATE device SET user_uuid = ?", eve.uuid)


async def test_one_bad_draft_leaves_its_neighbours_alone(scene: Scene) -> None:
    """Every draft of a batch is decided for itself; the good ones are stored, in order."""
    drafts = [
        by_name(DSN, "level", 1),
        by_name(DSN, "level", "x"),
        by_name(DSN, "nope", 1),
        by_name(DSN, "temperature", 1),
        by_name(DSN, "level", 3, metadata={"a": 1}),
        by_name(DSN, "level", "2"),
    ]
    outcomes = await scene.twins.datapoints.create_many(scene.users["ana"], drafts)
    assert codes(outcomes) == ["ok", "invalid", "not_found", "forbidden", "invalid", "ok"]
    assert [body["datapoint"]["value"] for body in scene.twins.bodies()] == [1, 2]
    assert (await scene.twins.properties.find(scene.users["ana"], (DSN, "level"))).value == 2


async def test_commands_of_one_group_are_isolated(scene: Scene) -> None:
    """Requests that wait together commit together, and each gets its own answer."""
    twins, users = scene.twins, scene.users
    results = await asyncio.gather(
        twins.datapoints.create(users["ana"], by_name(DSN, "level", 1)),
        twins.datapoints.create(users["dan"], by_name(DSN, "level", 2)),
        twins.datapoints.create(users["cid"], by_name(DSN, "level", 3)),
        twins.datapoints.create(scene.device, by_name(DSN, "temperature", "hot")),
        twins.datapoints.create(scene.device, by_name(DSN, "temperature", 4)),
        return_exceptions=True,
    )
    told = [result.value if isinstance(result, Datapoint) else getattr(result, "code", result) for result in results]
    assert told == [1, "not_found", 3, "invalid", 4.0]
    assert [body["datapoint"]["value"] for body in twins.bodies()] == [1, 3, 4.0]


async def test_a_flaw_that_one_draft_brings_to_light_stays_with_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If deciding one draft fails unexpectedly, that one is answered ``internal`` and the others are stored."""

    def fail(given_ms: object, now_s: float) -> None:
        if given_ms == 13:
            raise ZeroDivisionError

    monkeypatch.setattr("twinstream.service.creation.check_device_time", fail)
    drafts = [by_name(DSN, "level", n, device_time_ms=13 if n == 1 else None) for n in range(3)]
    assert codes(await scene.twins.datapoints.create_many(scene.device, drafts)) == ["ok", "internal", "ok"]
    assert len(scene.twins.events()) == 2


async def test_only_changes_are_tracked_where_the_property_says_so(scene: Scene) -> None:
    """An equal value is answered with the datapoint that is there, within a group too, and makes no event."""
    first = await scene.twins.datapoints.create(scene.device, by_name(DSN, "state", "on"))
    assert await scene.twins.datapoints.create(scene.device, by_name(DSN, "state", "on")) == first
    outcomes = await scene.twins.datapoints.create_many(
        scene.device, [by_name(DSN, "state", value) for value in ("off", "off", "on", "on")]
    )
    assert outcomes[0] == outcomes[1]
    assert outcomes[2] == outcomes[3] != first
    assert [body["datapoint"]["value"] for body in scene.twins.bodies()] == ["on", "off", "on"]
    assert scene.twins.bodies()[0]["metadata"]["display_name"] == "State"


async def test_unregistering_races_with_datapoints(scene: Scene) -> None:
    """What the writer takes after an unregistration is decided after it: no former reader, no right left."""
    twins, ana = scene.twins, scene.users["ana"]
    before, _, denied, after = await asyncio.gather(
        twins.datapoints.create(ana, by_name(DSN, "level", 1)),
        twins.registrations.unregister(ana, DSN),
        twins.datapoints.create(ana, by_name(DSN, "level", 2)),
        twins.datapoints.create(scene.device, by_name(DSN, "temperature", 3)),
        return_exceptions=True,
    )
    assert isinstance(before, Datapoint)
    assert isinstance(denied, RequestError)
    assert denied.code == "not_found"
    assert isinstance(after, Datapoint)
    events = twins.events()
    assert [(event.type, set(event.readers)) for event in events] == [
        (EventType.DATAPOINT, scene.uuids("ana", "bob", "cid")),
        (EventType.REGISTRATION, scene.uuids("ana", "bob", "cid")),
        (EventType.DATAPOINT, set()),
    ]


async def test_revoking_a_share_races_with_datapoints(scene: Scene) -> None:
    """What the writer takes after a share's end is not for its holder."""
    twins, ana, cid = scene.twins, scene.users["ana"], scene.users["cid"]
    (share,) = [share for share in await twins.shares.list_given(ana) if share.holder.uuid == cid.uuid]
    _, denied, made = await asyncio.gather(
        twins.shares.delete(ana, share.id),
        twins.datapoints.create(cid, by_name(DSN, "level", 2)),
        twins.datapoints.create(ana, by_name(DSN, "level", 3)),
        return_exceptions=True,
    )
    assert isinstance(denied, RequestError)
    assert isinstance(made, Datapoint)
    assert [set(event.readers) for event in twins.events()] == [scene.uuids("ana", "bob")]


async def test_a_group_costs_a_handful_of_statements(scene: Scene) -> None:
    """The number of statements that a group runs hardly grows with the number of its datapoints."""
    kind = scene.twins.datapoints._kind
    counts = []

    def run(work: Any) -> None:
        for size in (1, 50, 500):
            steps = 0

            def trace(event: dict[str, Any]) -> None:
                nonlocal steps
                steps += event["code"] == apsw.SQLITE_TRACE_STMT

            creation = Creation(scene.users["ana"], tuple(by_name(DSN, "level", n) for n in range(size)))
            work.connection.trace_v2(apsw.SQLITE_TRACE_STMT, trace)
            kind(work, [creation])
            work.connection.trace_v2(0, None)
            counts.append(steps)

    await scene.twins.store.run(run)
    assert counts[0] <= 4
    assert counts[-1] <= 12


async def test_texts_of_all_kinds_come_back_as_they_were(scene: Scene) -> None:
    """Whatever text a property may hold is stored and told unchanged."""
    texts = ["", 'quote " back \\ slash /', "a|b |Z", "line\r\nfeed\t\x1b[31m", "\uffff\U0001f600\u202e", "null", "0"]
    await scene.twins.datapoints.create_many(scene.device, [by_name(DSN, "state", text) for text in texts])
    assert [body["datapoint"]["value"] for body in scene.twins.bodies()] == texts
    stored = await scene.twins.datapoints.list_newest(scene.users["ana"], (DSN, "state"))
    assert [datapoint.value for datapoint in stored] == texts


async def test_a_batch_is_bounded(scene: Scene) -> None:
    """More than a thousand datapoints in one request are refused; none at all are fine."""
    with pytest.raises(RequestError, match="at most 1000"):
        await scene.twins.datapoints.create_many(scene.device, [by_name(DSN, "level", 1)] * 1001)
    assert await scene.twins.datapoints.create_many(scene.device, []) == []
