"""Requests that are repeated: across a kill, in one group, after a day, and by who lost the right."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.service.killed import ONCE, kill
from tests.services import OPERATOR
from tests.twins import DSN, OEM, Scene, by_name, open_twins
from twinstream.errors import RequestError
from twinstream.model.datapoint import Datapoint
from twinstream.model.receipt import KEEP_S

POINT = by_name(DSN, "level", 1)


async def count_receipts(scene: Scene) -> int:
    """How many are stored."""
    found: int = await scene.twins.store.query(
        lambda view: view.connection.execute("SELECT count(*) FROM receipt").fetchone()[0]
    )
    return found


async def test_a_request_that_a_kill_left_unanswered_is_answered(tmp_path: Path) -> None:
    """Killed after the commit: its repetition finds the datapoint and makes no second one."""
    kill(tmp_path / "folder", "answer")
    async with open_twins(tmp_path / "folder") as twins:
        accounts = await twins.admin.list_users(OPERATOR, OEM)
        ana = accounts[0].user
        (stored,) = await twins.datapoints.list_newest(ana, (DSN, "level"))
        assert await twins.datapoints.create(ana, POINT, ONCE) == stored
        assert await twins.datapoints.list_newest(ana, (DSN, "level")) == [stored]
        assert twins.events() == []


async def test_repetitions_that_come_together_are_one(scene: Scene) -> None:
    """In one group, too, all have the same answer, and there is one event."""
    ana, datapoints = scene.users["ana"], scene.twins.datapoints
    made = await asyncio.gather(*[datapoints.create(ana, POINT, ONCE) for _ in range(5)])
    assert made == [made[0]] * 5
    assert len(scene.twins.events()) == 1


async def test_an_answer_that_came_to_nothing_is_not_kept(scene: Scene) -> None:
    """A refused request leaves the key free; of a batch the refusals are kept beside what was stored."""
    ana, datapoints = scene.users["ana"], scene.twins.datapoints
    with pytest.raises(RequestError):
        await datapoints.create(ana, by_name(DSN, "level", "x"), ONCE)
    assert await count_receipts(scene) == 0
    drafts = [POINT, by_name(DSN, "level", "x"), by_name(DSN, "unknown", 1)]
    first, again = [await datapoints.create_many(ana, drafts, ONCE) for _ in range(2)]
    assert isinstance(first[0], Datapoint)
    assert again[0] == first[0]
    assert [(one.code, one.message) for one in again[1:] if isinstance(one, RequestError)] == [
        (one.code, one.message) for one in first[1:] if isinstance(one, RequestError)
    ]
    assert len(scene.twins.events()) == 1


async def test_another_request_with_the_same_key_is_a_conflict(scene: Scene) -> None:
    """Alone and in a batch; its neighbours in the group are stored."""
    ana, datapoints = scene.users["ana"], scene.twins.datapoints
    await datapoints.create(ana, POINT, ONCE)
    other = replace(ONCE, content_hash="3" * 64)
    wrong, right = await asyncio.gather(
        datapoints.create_many(ana, [POINT], other), datapoints.create(ana, POINT), return_exceptions=True
    )
    assert isinstance(wrong, RequestError)
    assert wrong.code == "conflict"
    assert isinstance(right, Datapoint)
    assert len(scene.twins.events()) == 2


async def test_who_lost_the_right_is_not_answered(scene: Scene) -> None:
    """A repetition asks for the same right as the request."""
    cid, datapoints = scene.users["cid"], scene.twins.datapoints
    await datapoints.create(cid, POINT, ONCE)
    await scene.twins.shares.delete_of_device(cid, DSN)
    with pytest.raises(RequestError) as caught:
        await datapoints.create(cid, POINT, ONCE)
    assert caught.value.code == "not_found"


async def test_receipts_hold_for_a_day(scene: Scene) -> None:
    """After that the same request is a new one, and purging deletes what holds no more."""
    ana, datapoints, clock = scene.users["ana"], scene.twins.datapoints, scene.twins.clock
    first = await datapoints.create(ana, POINT, ONCE)
    clock.turn(KEEP_S - 1)
    await datapoints.purge()
    assert await datapoints.create(ana, POINT, ONCE) == first
    clock.turn(1)
    assert (await datapoints.create(ana, POINT, ONCE)).id != first.id
    clock.turn(KEEP_S)
    await datapoints.purge()
    assert await count_receipts(scene) == 0
