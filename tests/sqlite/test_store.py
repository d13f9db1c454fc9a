"""The store as a whole: queries beside the writer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.sqlite.logs import make_event
from twinstream.errors import RequestError
from twinstream.sqlite.store import SqliteStore


async def test_a_query_sees_one_state(store: SqliteStore) -> None:
    """All statements of a question are answered from the same snapshot, however much is stored meanwhile."""

    def count_twice(view: Any) -> tuple[int, int]:
        first = view.connection.execute("SELECT count(*) FROM event").get
        asyncio.run_coroutine_threadsafe(store.run(lambda work: work.log.append(make_event())), loop).result(20)
        return first, view.connection.execute("SELECT count(*) FROM event").get

    loop = asyncio.get_running_loop()
    assert await store.query(count_twice) == (0, 0)
    assert await store.query(lambda view: view.connection.execute("SELECT count(*) FROM event").get) == 1


async def test_a_query_cannot_write(store: SqliteStore) -> None:
    """Reading threads have connections that SQLite keeps from writing."""
    with pytest.raises(RequestError, match="nothing was stored"):
        await store.query(lambda view: view.connection.execute("DELETE FROM oem"))
    assert await store.query(lambda view: view.connection.execute("SELECT count(*) FROM oem").get) == 2


async def test_a_question_that_fails_harms_no_other(store: SqliteStore) -> None:
    """Its error reaches its caller; the thread and its connection go on."""
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            await store.query(lambda view: 1 / 0)
    assert await store.query(lambda view: view.connection.in_transaction)
