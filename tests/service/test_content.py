"""Files and messages between the disk and the database: killed between the two, and two who change one at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.service.killed import PLANS, kill, send
from tests.sqlite.test_blob import full_disk
from tests.twins import DSN, Scene, by_name, open_twins
from twinstream.errors import RequestError
from twinstream.model.content import MESSAGE_LIMIT_BYTES, WHOLE, Part


async def test_bytes_without_their_commit_are_not_served(tmp_path: Path) -> None:
    """After a kill the file is still open, whatever is on the disk; its bytes come again, and those count."""
    (left,) = kill(tmp_path / "folder", "file")
    assert left.read_bytes() == b"first"
    async with open_twins(tmp_path / "folder") as twins:
        with pytest.raises(RequestError, match="not complete"):
            await twins.contents.read(left.name)
        await twins.contents.upload(left.name, WHOLE, send(b"again"))
        assert (await twins.contents.read(left.name))[1] == b"again"
        assert [body["datapoint"]["id"] for body in twins.bodies()] == [left.name]
    assert [path.name for path in left.parent.iterdir()] == [left.name]


async def test_bytes_of_no_datapoint_are_not_served_and_go(tmp_path: Path) -> None:
    """A message whose creation was killed does not exist; its bytes are deleted once they are old."""
    (left,) = kill(tmp_path / "folder", "message")
    async with open_twins(tmp_path / "folder") as twins:
        with pytest.raises(RequestError) as caught:
            await twins.contents.read(left.name)
        assert caught.value.code == "not_found"
        await twins.contents.sweep()
        assert left.exists(), "it may still be on its way"
        os.utime(left, (1, 1))
        await twins.contents.sweep()
    assert not left.exists()


async def test_a_message_that_does_not_fit_leaves_its_neighbours_alone(scene: Scene) -> None:
    """On a full disk it is storage_full, and what was set beside it is stored."""
    twins, ana = scene.twins, scene.users["ana"]
    await twins.store.run(lambda work: work.properties.add(scene.device.key, PLANS[:2]))
    sizes = [path.stat().st_size for path in twins.folder.rglob("*") if path.is_file()]
    content = "x" * MESSAGE_LIMIT_BYTES
    assert max(sizes) + 50_000 < len(content)
    with full_disk(max(sizes) + 50_000):
        outcomes = await asyncio.gather(
            twins.datapoints.create(ana, by_name(DSN, "message", content)),
            twins.datapoints.create(ana, by_name(DSN, "level", 1)),
            return_exceptions=True,
        )
    assert isinstance(outcomes[0], RequestError)
    assert outcomes[0].code == "storage_full"
    assert not isinstance(outcomes[1], BaseException)
    assert [body["datapoint"]["value"] for body in twins.bodies()] == [1]


async def test_one_at_a_time_changes_the_bytes(scene: Scene) -> None:
    """While somebody sends them another upload is a conflict, and so is saying that all have come."""
    twins, ana = scene.twins, scene.users["ana"]
    await twins.store.run(lambda work: work.properties.add(scene.device.key, PLANS[:2]))
    opened = await twins.datapoints.create(ana, by_name(DSN, "file", None))
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def dribble() -> AsyncIterator[bytes]:
        yield b"ab"
        begun.set()
        await go_on.wait()
        yield b"cd"

    async with asyncio.TaskGroup() as group:
        slow = group.create_task(twins.contents.upload(opened.id, Part(0, 4), dribble()))
        await begun.wait()
        for attempt in (twins.contents.upload(opened.id, WHOLE, send(b"x")), twins.contents.complete(ana, opened.id)):
            with pytest.raises(RequestError) as caught:
                await attempt
            assert caught.value.code == "conflict"
        go_on.set()
        await slow
    assert (await twins.contents.read(opened.id))[1] == b"abcd"
    assert (await twins.contents.complete(ana, opened.id)).closed


async def test_what_is_discarded_takes_no_more_bytes(scene: Scene) -> None:
    """Also from whoever is sending them: that is no fault of the server."""
    twins, ana = scene.twins, scene.users["ana"]
    await twins.store.run(lambda work: work.properties.add(scene.device.key, PLANS[:2]))
    opened = await twins.datapoints.create(ana, by_name(DSN, "file", None))

    async def discard_between() -> AsyncIterator[bytes]:
        yield b"ab"
        await twins.contents.finish(ana, opened.id, discard=True)
        yield b"cd"

    with pytest.raises(RequestError) as caught:
        await twins.contents.upload(opened.id, Part(0, 4), discard_between())
    assert caught.value.code == "incomplete"
    assert list((twins.folder / "blobs").iterdir()) == []
