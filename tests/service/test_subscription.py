"""Subscriptions: who may have which, what they see, and how long their keys open anything."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.services import OPERATOR, Services, cloud, mobile, open_services
from twinstream.errors import RequestError
from twinstream.model.event import Change, Control, EventType
from twinstream.model.principal import User
from twinstream.model.subscription import ClientType, Gap, StartFrom, Terms
from twinstream.service.subscription import ShownSubscription

DAY_S = 86_400


async def _refuse(services: Services, user: User, terms: Terms) -> str:
    with pytest.raises(RequestError) as caught:
        await services.subscriptions.create(user, terms)
    return caught.value.code


async def _refuse_key(services: Services, stream_key: str) -> RequestError:
    with pytest.raises(RequestError) as caught:
        await services.subscriptions.open_stream(stream_key)
    return caught.value


async def _change(services: Services, user: User, shown: ShownSubscription, **terms: object) -> ShownSubscription:
    return await services.subscriptions.update(
        user, shown.subscription.id, lambda present: msgspec.structs.replace(present, **terms)
    )


def _controls(services: Services) -> list[Control]:
    return [record.entry for record in services.tail if isinstance(record.entry, Control)]


async def test_a_key_opens_what_was_made_with_it(services: Services) -> None:
    """The stream key has 32 hex digits, is shown to its owner again, and opens the subscription."""
    await services.add_oem("aaaaaaaa")
    ana = await services.add_user("aaaaaaaa", "ana@a.example")
    terms = msgspec.structs.replace(mobile(), batch_size=7, start_from=StartFrom.LIVE)
    made = await services.subscriptions.create(ana, terms)
    assert made.stream_key is not None
    assert len(bytes.fromhex(made.stream_key)) == 16
    assert await services.subscriptions.get(ana, made.subscription.id) == made
    assert await services.subscriptions.list(ana) == [made]
    opened = await services.subscriptions.open_stream(made.stream_key)
    assert (opened.subscription_id, opened.oem, opened.batch_size, opened.start_from, opened.client_type) == (
        made.subscription.id,
        "aaaaaaaa",
        7,
        StartFrom.LIVE,
        ClientType.MOBILE,
    )


async def test_strict_security_shows_a_key_once(tmp_path: Path) -> None:
    """With strict security the key is in the reply to its creation and nowhere else, and still opens the stream."""
    async with open_services(tmp_path, strict_security=True) as services:
        await services.add_oem("aaaaaaaa")
        ana = await services.add_user("aaaaaaaa", "ana@a.example")
        made = await services.subscriptions.create(ana, mobile())
        assert made.stream_key is not None
        assert made.subscription.key_sealed is None
        assert (await services.subscriptions.get(ana, made.subscription.id)).stream_key is None
        await services.subscriptions.open_stream(made.stream_key)


@pytest.mark.parametrize("key", ["", "0" * 32, "0" * 31, "A" * 32, "٠" * 32, "\r\n", "\ud800", "x" * 10_000])
async def test_unknown_and_malformed_keys_are_the_same(services: Services, key: str) -> None:
    """Whatever is no key is 401, in the same words."""
    error = await _refuse_key(services, key)
    assert (error.code, error.status, error.message) == ("unknown_key", 401, RequestError("unknown_key").message)


async def test_a_mobile_subscription_sees_what_its_user_may_see(services: Services) -> None:
    """It gets the events that its user was a reader of, whichever device they are from; no rule is asked."""
    await services.add_oem("aaaaaaaa")
    ana, bob = [await services.add_user("aaaaaaaa", f"{name}@a.example") for name in ("ana", "bob")]
    made = await services.subscriptions.create(ana, mobile())
    one = await services.subscriptions.create(ana, mobile(dsns=("ONE",)))
    await services.append("aaaaaaaa", "ONE", [ana])
    await services.append("aaaaaaaa", "TWO", [bob])
    await services.append("aaaaaaaa", "TWO", [ana, bob])
    assert await services.read(made.subscription.id) == ['"dsn":"ONE"}', '"dsn":"TWO"}']
    assert await services.read(one.subscription.id) == ['"dsn":"ONE"}']


async def test_a_cloud_subscription_sees_its_oem_within_the_rules(services: Services) -> None:
    """The OEM's administrator subscribes at once, to devices without owner too, and never to another OEM's."""
    for oem in ("aaaaaaaa", "bbbbbbbb"):
        await services.add_oem(oem)
    admin = await services.add_user("aaaaaaaa", "admin@a.example", "OEM::Admin")
    made = await services.subscriptions.create(admin, cloud(property_names=("Blue_LED",)))
    await services.append("aaaaaaaa", "ONE")
    await services.append("aaaaaaaa", "TWO", property_name="Green_LED")
    await services.append("aaaaaaaa", "THREE", oem_model="linuxevb")
    await services.append("bbbbbbbb", "FOUR")
    assert await services.read(made.subscription.id) == ['"dsn":"ONE"}']


async def test_who_may_not_subscribe(services: Services) -> None:
    """An end user gets no OEM's events; a role without a rule for the client type and the type of events gets none."""
    await services.add_oem("aaaaaaaa")
    ana = await services.add_user("aaaaaaaa", "ana@a.example")
    staff = await services.add_user("aaaaaaaa", "staff@a.example", "OEM::Staff")
    admin = await services.add_user("aaaaaaaa", "admin@a.example", "OEM::Admin")
    assert await _refuse(services, ana, cloud()) == "forbidden"
    assert await _refuse(services, staff, cloud()) == "no_access_rule"
    opt_in = msgspec.structs.replace(cloud(), client_type=ClientType.USER_OPT_IN)
    assert await _refuse(services, admin, opt_in) == "no_access_rule"
    assert await services.subscriptions.list(staff) == []
    assert RequestError("no_access_rule").status == 403


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"types": (EventType.DATAPOINT, EventType.LOCATION)}, "subscription_type"),
        ({"oem_models": None, "dsns": None}, "dsn"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 1001}, "batch_size"),
        ({"name": "x" * 256}, "name"),
        ({"description": "x" * 256}, "description"),
    ],
)
async def test_terms_that_cannot_be(services: Services, changes: dict[str, object], field: str) -> None:
    """Terms are checked when a subscription is made and when it is changed; the refusal names the field."""
    await services.add_oem("aaaaaaaa")
    admin = await services.add_user("aaaaaaaa", "admin@a.example", "OEM::Admin")
    made = await services.subscriptions.create(admin, cloud())
    for attempt in (
        services.subscriptions.create(admin, msgspec.structs.replace(cloud(), **changes)),
        _change(services, admin, made, **changes),
    ):
        with pytest.raises(RequestError) as caught:
            await attempt
        assert (caught.value.code, caught.value.field) == ("invalid", field)
    assert await services.subscriptions.get(admin, made.subscription.id) == ShownSubscription(
        made.subscription, made.stream_key, False
    )


async def test_a_change_bears_on_what_comes_after_it(services: Services) -> None:
    """What was committed before a change is read with the filter of its time; numbers go on."""
    await services.add_oem("aaaaaaaa")
    ana = await services.add_user("aaaaaaaa", "ana@a.example")
    made = await services.subscriptions.create(ana, mobile(dsns=("ONE",)))
    for dsn in ("ONE", "TWO"):
        await services.append("aaaaaaaa", dsn, [ana])
    changed = await _change(services, ana, made, dsns=("TWO",), name="changed")
    for dsn in ("ONE", "TWO"):
        await services.append("aaaaaaaa", dsn, [ana])
    assert (changed.stream_key, changed.subscription.terms.name) == (made.stream_key, "changed")
    assert await services.read(made.subscription.id) == ['"dsn":"ONE"}', '"dsn":"TWO"}']
    assert _controls(services) == [Control(Change.FILTER, (made.subscription.id,))]
    await _change(services, ana, made, name="only the name")
    assert len(_controls(services)) == 1


async def test_the_client_type_stays(services: Services) -> None:
    """A mobile subscription does not become a cloud one, nor the other way round."""
    await services.add_oem("aaaaaaaa")
    admin = await services.add_user("aaaaaaaa", "admin@a.example", "OEM::Admin")
    made = await services.subscriptions.create(admin, mobile())
    with pytest.raises(RequestError, match="cannot change"):
        await _change(services, admin, made, client_type=ClientType.CLOUD, oem_models=("ledevb",))


async def test_nobody_else_finds_a_subscription(services: Services) -> None:
    """To other users, of the same OEM and of another, a subscription is not there: not to see, change or delete."""
    for oem in ("aaaaaaaa", "bbbbbbbb"):
        await services.add_oem(oem)
    ana = await services.add_user("aaaaaaaa", "ana@a.example")
    made = await services.subscriptions.create(ana, mobile())
    strangers = [
        await services.add_user(oem, f"{role[-5:]}@x.example", role)
        for oem in ("aaaaaaaa", "bbbbbbbb")
        for role in ("EndUser", "OEM::Admin")
    ]
    for stranger in strangers:
        assert await services.subscriptions.list(stranger) == []
        for attempt in (
            services.subscriptions.get(stranger, made.subscription.id),
            services.subscriptions.list_gaps(stranger, made.subscription.id),
            services.subscriptions.delete(stranger, made.subscription.id),
            _change(services, stranger, made, name="mine"),
        ):
            with pytest.raises(RequestError) as caught:
                await attempt
            assert caught.value.code == "not_found"
    assert await services.subscriptions.list(ana) == [made]


async def test_deleting_ends_the_key_and_tells_the_sessions(services: Services) -> None:
    """A deleted subscription is gone with its stretches, and the tail says so."""
    await services.add_oem("aaaaaaaa")
    ana = await services.add_user("aaaaaaaa", "ana@a.example")
    made = await services.subscriptions.create(ana, mobile())
    await services.subscriptions.delete(ana, made.subscription.id)
    assert (await _refuse_key(services, made.stream_key or "")).code == "unknown_key"
    assert await services.subscriptions.list(ana) == []
    assert await services.log.start_point(made.subscription.id, 1) is None
    assert _controls(services) == [Control(Change.DELETED, (made.subscription.id,))]


async def test_a_suspended_key_is_refused_and_numbering_goes_on(services: Services) -> None:
    """Suspension shows, closes sockets and refuses new ones; events of that time have their numbers after it."""
    await services.add_oem("aaaaaaaa")
    ana = await services.add_user("aaaaaaaa", "ana@a.example")
    made = await services.subscriptions.create(ana, mobile())
    suspended = await services.subscriptions.set_suspended(OPERATOR, made.subscription.id, True)
    assert suspended.subscription.suspended_at == services.clock.now_s()
    services.clock.turn(60)
    again = await services.subscriptions.set_suspended(OPERATOR, made.subscription.id, True)
    assert again.subscription.suspended_at == suspended.subscription.suspended_at
    assert (await _refuse_key(services, made.stream_key or "")).status == 403
    await services.append("aaaaaaaa", "ONE", [ana])
    resumed = await services.subscriptions.set_suspended(OPERATOR, made.subscription.id, False)
    assert resumed.subscription.suspended_at is None
    await services.subscriptions.open_stream(made.stream_key or "")
    assert (await services.numbering.count(made.subscription.id)).last == 1
    assert _controls(services) == [Control(Change.SUSPENDED, (made.subscription.id,))]
    with pytest.raises(RequestError):
        await services.subscriptions.set_suspended(OPERATOR, 10_000, True)


async def test_a_mobile_key_dies_a_day_after_its_last_socket(services: Services) -> None:
    """Without a socket for 24 h a mobile key opens nothing, whether or not it was cleared away; a cloud key stays."""
    await services.add_oem("aaaaaaaa")
    admin = await services.add_user("aaaaaaaa", "admin@a.example", "OEM::Admin")
    for_ever = await services.subscriptions.create(admin, cloud())
    used = await services.subscriptions.create(admin, mobile())
    unused = await services.subscriptions.create(admin, mobile())
    services.clock.turn(DAY_S - 1)
    services.subscriptions.touch(used.subscription.id)
    services.clock.turn(1)
    assert (await _refuse_key(services, unused.stream_key or "")).code == "unknown_key"
    await services.subscriptions.open_stream(used.stream_key or "")
    assert await services.subscriptions.expire() == 1
    services.clock.turn(DAY_S - 2)
    await services.subscriptions.open_stream(used.stream_key or "")
    services.clock.turn(1)
    assert (await _refuse_key(services, used.stream_key or "")).code == "unknown_key"
    assert await services.subscriptions.expire() == 1
    assert await services.subscriptions.list(admin) == [for_ever]
    assert _controls(services)[-1] == Control(Change.DELETED, (used.subscription.id,))


async def test_a_connected_mobile_subscription_never_expires(services: Services) -> None:
    """As long as a socket is open it stays, and also after a crash it has half a day to come back."""
    await services.add_oem("aaaaaaaa")
    ana = await services.add_user("aaaaaaaa", "ana@a.example")
    made = await services.subscriptions.create(ana, mobile())
    services.connected.add(made.subscription.id)
    assert (await services.subscriptions.get(ana, made.subscription.id)).is_connected
    for _ in range(10):
        services.clock.turn(DAY_S / 4)
        assert await services.subscriptions.expire() == 0
    services.connected.clear()  # as after a crash: nobody has told that the socket closed
    services.clock.turn(DAY_S / 2 - 1)
    await services.subscriptions.open_stream(made.stream_key or "")


async def test_expiry_takes_slices(services: Services) -> None:
    """However many have expired, one call deletes no more than it was asked to."""
    await services.add_oem("aaaaaaaa")
    ana = await services.add_user("aaaaaaaa", "ana@a.example")
    for _ in range(5):
        await services.subscriptions.create(ana, mobile())
    services.clock.turn(DAY_S)
    assert [await services.subscriptions.expire(limit=2) for _ in range(4)] == [2, 2, 1, 0]


async def test_gaps_are_kept_for_the_owner(services: Services) -> None:
    """What retention took before it was read is listed, oldest first; of deleted subscriptions nothing is kept."""
    await services.add_oem("aaaaaaaa")
    ana = await services.add_user("aaaaaaaa", "ana@a.example")
    made = await services.subscriptions.create(ana, mobile())
    gaps = [Gap(made.subscription.id, 1, 5), Gap(made.subscription.id, 9, 9), Gap(10_000, 1, 2)]
    await services.subscriptions.record_gaps(gaps)
    found = await services.subscriptions.list_gaps(ana, made.subscription.id)
    assert [(gap.from_seq, gap.through_seq, gap.at) for gap in found] == [
        (1, 5, services.clock.now_s()),
        (9, 9, services.clock.now_s()),
    ]
    await services.subscriptions.record_gaps([Gap(made.subscription.id, number, number) for number in range(2000)])
    found = await services.subscriptions.list_gaps(ana, made.subscription.id)
    assert [gap.from_seq for gap in found] == list(range(1000, 2000))
    await services.subscriptions.delete(ana, made.subscription.id)
    stored = await services.store.query(lambda view: view.connection.execute("SELECT count(*) FROM gap").get)
    assert stored == 0


async def test_a_user_deleted_meanwhile_leaves_no_orphan(services: Services) -> None:
    """A subscription whose user was deleted while the request ran is not made."""
    await services.add_oem("aaaaaaaa")
    ana = await services.add_user("aaaaaaaa", "ana@a.example")
    await services.admin.remove_user(OPERATOR, ana.uuid)
    assert await _refuse(services, ana, mobile()) == "unauthorized"
    assert await services.subscriptions.list_of_oem(OPERATOR, "aaaaaaaa") == []


async def test_a_lost_key_file_hides_keys_and_nothing_else(tmp_path: Path) -> None:
    """With another key file the owner does not see the stream key any more, and it opens the stream all the same."""
    async with open_services(tmp_path) as services:
        await services.add_oem("aaaaaaaa")
        ana = await services.add_user("aaaaaaaa", "ana@a.example")
        made = await services.subscriptions.create(ana, mobile())
    (tmp_path / "seal.key").write_bytes(b"x" * 32)
    async with open_services(tmp_path) as services:
        assert [shown.stream_key for shown in await services.subscriptions.list(ana)] == [None]
        await services.subscriptions.open_stream(made.stream_key or "")
