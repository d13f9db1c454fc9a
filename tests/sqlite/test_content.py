"""Rows of files and messages: which count, which comes next, whose bytes are wanted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sqlite.logs import OEMS
from twinstream.model.datapoint import Content, Datapoint
from twinstream.model.device import RegistrationType
from twinstream.model.property import Direction, PropertyPlan
from twinstream.model.value import BaseType
from twinstream.ports.datapoint import StoredDatapoint
from twinstream.ports.device import NewDevice
from twinstream.sqlite.store import SqliteStore

FILE, TEXT = 1, 2
"""Keys of the device's properties."""


@pytest.fixture
async def files(store: SqliteStore) -> SqliteStore:
    """A device with a file and a text property: files f1 to f3, opened in this order, and the text t."""

    def fill(work: Any) -> None:
        key = work.devices.add(
            NewDevice(
                dsn="D1",
                oem=OEMS[0],
                oem_model="ledevb",
                model="",
                product_name="D1",
                registration_type=RegistrationType.DSN,
            )
        )
        plans = [("file", BaseType.FILE), ("text", BaseType.STRING)]
        work.properties.add(
            key, [PropertyPlan(name=name, base_type=of, direction=Direction.INPUT) for name, of in plans]
        )
        opened = [make(f"f{number}", work.now_s, Content(FILE, None)) for number in (1, 2, 3)]
        work.datapoints.add([StoredDatapoint(FILE, datapoint) for datapoint in opened])
        work.datapoints.add([StoredDatapoint(TEXT, make("t", work.now_s, None))])

    await store.run(fill)
    return store


def make(id_: str, now_s: float, content: Content | None) -> Datapoint:
    """A datapoint; a file is open."""
    return Datapoint(
        id=id_, created_at=now_s, updated_at=now_s, created_at_from_device=None, user_uuid=None, echo=False,
        closed=False, value=None if content else "x", metadata={}, ack_enabled=False, content=content,
    )  # fmt: skip


async def find_next(store: SqliteStore) -> str | None:
    """The id of the next file."""
    found = await store.query(lambda view: view.contents.find_next(FILE))
    return None if found is None else str(found.id)


async def test_only_files_and_messages_are_found(files: SqliteStore) -> None:
    """A datapoint of another property is none, although it has an id."""
    found = await files.query(lambda view: [view.contents.find(id_) for id_ in ("f1", "t", "never")])
    assert [one and one.datapoint.id for one in found] == ["f1", None, None]


async def test_what_is_closed_last_is_the_value(files: SqliteStore) -> None:
    """Whichever was opened first; but files are read in the order of their opening."""
    for id_ in ("f2", "f1"):
        await files.run(lambda work, id_=id_: work.contents.close(FILE, id_, f"/{id_}"))  # type: ignore[misc]
    newest = await files.query(
        lambda view: view.connection.execute(
            "SELECT datapoint_id, value FROM property WHERE key = ?", (FILE,)
        ).fetchone()
    )
    assert newest == ("f1", '"/f1"')
    order = []
    while (next_id := await find_next(files)) is not None:
        order.append(next_id)
        await files.run(lambda work, id_=next_id: work.contents.mark(id_, fetched=True))  # type: ignore[misc]
    assert order == ["f1", "f2"]


async def test_a_mark_stays(files: SqliteStore) -> None:
    """What was fetched stays so when it is discarded as well."""
    for mark in ({"fetched": True}, {"discarded": True}, {}):
        await files.run(lambda work, mark=mark: work.contents.mark("f1", **mark))  # type: ignore[misc]
    found = await files.query(lambda view: view.contents.find("f1"))
    assert (found.datapoint.content.fetched, found.datapoint.content.discarded) == (True, True)


async def test_bytes_are_wanted_as_long_as_somebody_may_read_them(files: SqliteStore) -> None:
    """Those of open and of complete ones, not of fetched or discarded ones, nor of those without a datapoint."""
    await files.run(lambda work: work.contents.close(FILE, "f1", "/f1"))
    await files.run(lambda work: work.contents.mark("f2", discarded=True))
    kept = await files.query(lambda view: view.contents.list_kept(["f1", "f2", "f3", "never"]))
    assert sorted(kept) == ["f1", "f3"]
