"""Sharing devices: who may, for how long, and who can see it."""

from __future__ import annotations

import pytest

from tests.services import Services
from twinstream.errors import RequestError
from twinstream.model.principal import User
from twinstream.model.share import Operation, Share, ShareDraft, ShareTerms
from twinstream.ports.work import UnitOfWork

DSN = "AC000W000340649"


class Village:
    """Ana owns a device; Bob and Cid are of the same OEM, Eve of another."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.users: dict[str, User] = {}

    async def settle(self) -> None:
        for oem, names in (("aaaaaaaa", ("ana", "bob", "cid")), ("bbbbbbbb", ("eve",))):
            await self.services.add_oem(oem)
            for name in names:
                self.users[name] = await self.services.add_user(oem, f"{name}@x.example")
        await self.services.add_device("aaaaaaaa", DSN, self.users["ana"])

    async def share(self, giver: str, holder: str, terms: ShareTerms | None = None, dsn: str = DSN) -> Share:
        draft = ShareDraft(dsn, f"{holder}@x.example", terms or ShareTerms())
        (share,) = await self.services.shares.create(self.users[giver], [draft])
        return share

    async def refuse(self, giver: str, holder: str, terms: ShareTerms | None = None, dsn: str = DSN) -> str:
        with pytest.raises(RequestError) as caught:
            await self.share(giver, holder, terms, dsn)
        return caught.value.code


@pytest.fixture
async def village(services: Services) -> Village:
    """The village, settled."""
    village = Village(services)
    await village.settle()
    return village


async def test_a_share_counts_from_its_start_to_its_end(village: Village) -> None:
    """Its holder may see the device from start_at on and up to end_at, not before and not after."""
    services, now_s = village.services, village.services.clock.now_s()
    await village.share("ana", "bob", ShareTerms(start_at=now_s + 10, end_at=now_s + 20))
    await village.share("ana", "cid")
    bob, cid = village.users["bob"].uuid, village.users["cid"].uuid
    seen = []
    for _ in range(5):
        seen.append(set(await services.holders(DSN)))
        services.clock.turn(5)
    assert seen == [{cid}, {cid}, {bob, cid}, {bob, cid}, {cid}]


async def test_both_sides_see_a_share_and_nobody_else(village: Village) -> None:
    """Giver and holder find a share and its terms; to everybody else it is not there."""
    shares = village.services.shares
    share = await village.share("ana", "bob", ShareTerms(Operation.WRITE))
    assert (share.owner.email, share.holder.email) == ("ana@x.example", "bob@x.example")
    assert await shares.list_given(village.users["ana"]) == [share] == await shares.list_received(village.users["bob"])
    assert await shares.get(village.users["ana"], share.id) == share == await shares.get(village.users["bob"], share.id)
    for stranger in (village.users["cid"], village.users["eve"]):
        assert await shares.list_given(stranger) == [] == await shares.list_received(stranger)
        for attempt in (
            shares.get(stranger, share.id),
            shares.update(stranger, share.id, lambda terms: terms),
            shares.delete(stranger, share.id),
            shares.delete_of_device(stranger, DSN),
        ):
            with pytest.raises(RequestError) as caught:
                await attempt
            assert caught.value.code == "not_found"
    assert await shares.get(village.users["ana"], share.id) == share


async def test_only_the_owner_shares_and_only_within_the_oem(village: Village) -> None:
    """Devices of somebody else, of another OEM and unknown ones are not found; nor are users of another OEM."""
    await village.services.add_device("bbbbbbbb", "OTHER", village.users["eve"])
    await village.services.add_device("aaaaaaaa", "FREE", None)
    assert await village.refuse("bob", "cid") == "not_found"
    assert await village.refuse("ana", "bob", dsn="OTHER") == "not_found"
    assert await village.refuse("ana", "bob", dsn="FREE") == "not_found"
    assert await village.refuse("ana", "bob", dsn="UNKNOWN") == "not_found"
    assert await village.refuse("ana", "eve") == "not_found"
    assert await village.refuse("ana", "nobody") == "not_found"
    assert await village.refuse("ana", "ana") == "invalid"


async def test_at_most_one_share_of_a_device_and_a_user(village: Village) -> None:
    """A second share is a conflict; one that has ended is replaced."""
    now_s = village.services.clock.now_s()
    await village.share("ana", "bob", ShareTerms(end_at=now_s + 10))
    assert await village.refuse("ana", "bob") == "conflict"
    village.services.clock.turn(10)
    assert await village.services.shares.list_given(village.users["ana"]) == []
    await village.share("ana", "bob")


async def test_all_shares_of_a_request_or_none(village: Village) -> None:
    """One share that cannot be made keeps the others of its request from being made."""
    drafts = [ShareDraft(DSN, f"{name}@x.example", ShareTerms()) for name in ("bob", "nobody")]
    with pytest.raises(RequestError, match="user_email"):
        await village.services.shares.create(village.users["ana"], drafts)
    assert await village.services.shares.list_given(village.users["ana"]) == []


async def test_only_the_owner_changes_terms(village: Village) -> None:
    """The owner may change operation and times; the holder finds nothing to change."""
    shares = village.services.shares
    share = await village.share("ana", "bob")
    with pytest.raises(RequestError, match="not yours"):
        await shares.update(village.users["bob"], share.id, lambda _: ShareTerms(Operation.WRITE))
    changed = await shares.update(village.users["ana"], share.id, lambda _: ShareTerms(Operation.WRITE))
    assert (changed.id, changed.terms.operation) == (share.id, Operation.WRITE)
    with pytest.raises(RequestError) as caught:
        await shares.update(village.users["ana"], share.id, lambda _: ShareTerms(start_at=20.0, end_at=10.0))
    assert caught.value.field == "end_date_at"
    now_s = village.services.clock.now_s()
    with pytest.raises(RequestError, match="end_date_at must lie in the future"):
        await shares.update(village.users["ana"], share.id, lambda _: ShareTerms(end_at=now_s))


async def test_a_share_that_has_ended_is_made_anew(village: Village) -> None:
    """It is gone for both sides, and does not keep the owner from sharing the device with the same user again."""
    shares, now_s = village.services.shares, village.services.clock.now_s()
    share = await village.share("ana", "bob", ShareTerms(end_at=now_s + 10))
    assert (await shares.update(village.users["ana"], share.id, lambda _: ShareTerms(end_at=now_s + 20))).id == share.id
    village.services.clock.turn(20)
    assert await shares.list_given(village.users["ana"]) == []
    with pytest.raises(RequestError, match="not yours"):
        await shares.update(village.users["ana"], share.id, lambda _: ShareTerms(end_at=now_s + 30))
    await village.share("ana", "bob")
    assert await village.services.holders(DSN) == [village.users["bob"].uuid]


@pytest.mark.parametrize("who", ["ana", "bob"])
async def test_either_side_ends_a_share(village: Village, who: str) -> None:
    """Giver or holder may end it, by its id or by the device; ended twice it is not found."""
    shares = village.services.shares
    share = await village.share("ana", "bob")
    await shares.delete(village.users[who], share.id)
    assert await village.services.holders(DSN) == []
    await village.share("ana", "bob")
    await shares.delete_of_device(village.users[who], DSN)
    assert await village.services.holders(DSN) == []
    with pytest.raises(RequestError):
        await shares.delete_of_device(village.users[who], DSN)


async def test_a_device_that_changes_its_owner_takes_no_shares_along(village: Village) -> None:
    """Shares end with the registration, and do not come back with it."""
    await village.share("ana", "bob")

    def move(owner: User) -> object:
        def change(work: UnitOfWork) -> None:
            work.connection.execute("UPDATE device SET user_uuid = ?", (owner.uuid,))  # type: ignore[attr-defined]

        return change

    await village.services.store.run(move(village.users["cid"]))  # type: ignore[arg-type]
    assert await village.services.holders(DSN) == []
    assert await village.services.shares.list_received(village.users["bob"]) == []
    await village.share("cid", "bob")
    await village.services.store.run(lambda work: work.shares.end_all(DSN))
    await village.services.store.run(move(village.users["ana"]))  # type: ignore[arg-type]
    assert await village.services.holders(DSN) == []
