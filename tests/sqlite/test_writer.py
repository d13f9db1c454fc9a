"""The one writer: groups, isolation, order, failures."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.services import TurnedClock
from tests.sqlite.logs import all_of, make_event
from twinstream.errors import RequestError
from twinstream.model.event import Record
from twinstream.ports.log import Cursor, PageRequest
from twinstream.sqlite import writer
from twinstream.sqlite.store import SqliteStore


class Gate:
    """Holds the writer up in a command, so that what is submitted meanwhile becomes one group."""

    def __init__(self, store: SqliteStore) -> None:
        self._open = threading.Event()
        self._reached = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wait(_work: Any) -> None:
            loop.call_soon_threadsafe(self._reached.set)
            self._open.wait(20)

        self._task = asyncio.create_task(store.run(wait))

    async def __aenter__(self) -> None:
        await self._reached.wait()

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0)  # The tasks made inside have called `run` after this turn of the loop.
        self._open.set()
        await self._task


def _append(number: int) -> Callable[[Any], Any]:
    return lambda work: work.log.append(make_event(number))


def _append_and_fail(work: Any) -> None:
    work.log.append(make_event(99))
    work.connection.execute("INSERT INTO access_rule (id) VALUES (1)")


def _break_commit(work: Any) -> None:
    """Leave a row whose foreign key leads nowhere, which COMMIT finds."""
    work.connection.pragma("defer_foreign_keys", True)
    work.connection.execute(
        "INSERT INTO application (app_id, app_secret_hash, oem, name, created_at) VALUES ('a', '', 'none', '', 0)"
    )


def _numbers(records: Sequence[Record]) -> list[int]:
    return [record.position for record in records]


async def test_the_answer_comes_after_the_commit(store: SqliteStore, tmp_path: Path) -> None:
    """Once `run` has answered, any other connection sees what the command did."""
    other = apsw.Connection(str(tmp_path / "folder" / "twinstream.db"), flags=apsw.SQLITE_OPEN_READONLY)
    for number in range(1, 4):
        position = await store.run(_append(number))
        assert other.execute("SELECT max(position) FROM event").get == position == number
    other.close()


async def test_the_tail_hears_of_every_record_once_and_before_the_caller(store: SqliteStore) -> None:
    """Records reach the tail in the order of positions; when the caller goes on, tail and head have them."""
    heard: list[Record] = []
    store.log.follow(heard.extend)
    answers = await asyncio.gather(*[store.run(_append(number)) for number in range(1, 30)])
    assert answers == _numbers(heard) == list(range(1, 30))
    assert store.log.head == 29


async def test_a_command_that_raises_changes_nothing_and_harms_no_neighbour(store: SqliteStore) -> None:
    """Its rows and its events are gone, and the events of the others take the positions."""
    heard: list[Record] = []
    store.log.follow(heard.extend)
    async with Gate(store):
        runs = [asyncio.create_task(store.run(command)) for command in (_append(1), _append_and_fail, _append(2))]
    first, failed, second = await asyncio.gather(*runs, return_exceptions=True)
    assert isinstance(failed, apsw.ConstraintError)
    assert [first, second] == _numbers(heard) == [1, 2]
    assert b"99" not in b"".join(record.entry.tail for record in heard)  # type: ignore[union-attr]


async def test_neighbours_of_a_kind_run_in_one_call(store: SqliteStore) -> None:
    """A batched kind gets all commands that wait in a row, in their order, and answers each."""
    calls: list[Sequence[int]] = []

    def double(work: Any, commands: Sequence[int]) -> Sequence[int | RequestError]:
        calls.append(list(commands))
        return [RequestError("not_found") if number == 3 else number * 2 for number in commands]

    async with Gate(store):
        runs = [asyncio.create_task(store.run_batched(double, number)) for number in range(1, 5)]
    results = await asyncio.gather(*runs, return_exceptions=True)
    assert calls == [[1, 2, 3, 4]]
    assert [result if isinstance(result, int) else type(result) for result in results] == [2, 4, RequestError, 8]


async def test_a_batch_that_raises_fails_the_culprit_alone(store: SqliteStore) -> None:
    """It is rolled back and run again one by one, so its neighbours succeed and nothing is appended twice."""

    def append(work: Any, commands: Sequence[int]) -> Sequence[int]:
        positions = [work.log.append(make_event(number)) for number in commands]
        if 2 in commands:
            raise ZeroDivisionError
        return positions

    async with Gate(store):
        runs = [asyncio.create_task(store.run_batched(append, number)) for number in (1, 2, 3)]
    results = await asyncio.gather(*runs, return_exceptions=True)
    assert [type(result) for result in results] == [int, ZeroDivisionError, int]
    assert await store.query(lambda view: view.connection.execute("SELECT count(*) FROM event").get) == 2


async def test_commands_take_effect_in_the_order_of_the_calls(store: SqliteStore) -> None:
    """Batched or not, in one group or several, a later call sees what an earlier one did."""
    order: list[int] = []

    def note(work: Any, commands: Sequence[int]) -> Sequence[None]:
        order.extend(commands)
        return [None] * len(commands)

    async with Gate(store):
        runs = [
            asyncio.create_task(
                store.run_batched(note, number)
                if number % 3
                else store.run(lambda work, number=number: order.append(number))  # type: ignore[misc]
            )
            for number in range(20)
        ]
    await asyncio.gather(*runs)
    assert order == list(range(20))


async def test_a_caller_that_goes_away_does_not_undo_its_command(store: SqliteStore) -> None:
    """Its event is stored and the tail hears of it; the neighbours get their answers."""
    heard: list[Record] = []
    store.log.follow(heard.extend)
    async with Gate(store):
        gone = asyncio.create_task(store.run(_append(1)))
        stays = asyncio.create_task(store.run(_append(2)))
        await asyncio.sleep(0)
        gone.cancel()
    assert await stays == 2
    assert gone.cancelled()
    assert _numbers(heard) == [1, 2]


async def test_a_commit_that_fails_fails_its_whole_group(store: SqliteStore, failures: list[BaseException]) -> None:
    """Nothing of the group is stored or dispatched; the next group starts at the same position and with the truth."""
    heard: list[Record] = []
    store.log.follow(heard.extend)
    async with Gate(store):
        runs = [asyncio.create_task(store.run(command)) for command in (_append(1), _break_commit)]
    results = await asyncio.gather(*runs, return_exceptions=True)
    assert [getattr(result, "code", result) for result in results] == ["storage_failed", "storage_failed"]
    assert not heard
    assert not failures
    assert await store.run(_append(2)) == 1
    assert _numbers(heard) == [1]


async def test_a_full_disk_is_told_and_gone_when_there_is_room_again(store: SqliteStore) -> None:
    """Producers get storage_full and readers go on; once there is room, the same call succeeds. Nothing is lost."""

    def allow_pages(work: Any, more: int) -> None:
        work.connection.pragma("max_page_count", work.connection.pragma("page_count") + more)

    async def fill() -> None:
        for _ in range(1000):
            stored.append(await store.run(lambda work: work.log.append(make_event(padding=900))))

    await store.run(lambda work: work.log.begin_stretch(1, all_of()))
    stored = [await store.run(_append(1))]
    for _ in range(3):
        await store.run(lambda work: allow_pages(work, 2))
        with pytest.raises(RequestError) as failure:
            await fill()
        assert failure.value.code == "storage_full"
        assert failure.value.status == 503
        page = await store.log.read_page(PageRequest(1, Cursor(0, 0)))
        assert page.through == Cursor(stored[-1], len(stored))
        await store.run(lambda work: allow_pages(work, 1000))
        stored.append(await store.run(_append(2)))
    assert stored == list(range(1, len(stored) + 1))


async def test_too_many_waiting_commands_are_told_to_come_again(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the bound a command is refused at once, with the time to wait; the ones before it are not harmed."""
    monkeypatch.setattr(writer, "MAX_PENDING", 3)
    async with Gate(store):
        runs = [asyncio.create_task(store.run(_append(number))) for number in range(3)]
    results = await asyncio.gather(*runs, return_exceptions=True)
    assert results[:2] == [1, 2]
    assert isinstance(results[2], RequestError)
    assert (results[2].code, results[2].retry_after_s) == ("too_many_requests", 1)
    assert store.pending == 0


async def test_closing_finishes_what_waits_and_refuses_the_rest(tmp_path: Path, clock: TurnedClock) -> None:
    """Every command submitted before the close is answered; the WAL is empty and the folder free afterwards."""
    store = SqliteStore.open(tmp_path, clock, lambda error: None)
    runs = [asyncio.create_task(store.run(_append(number))) for number in range(50)]
    await asyncio.sleep(0)
    await store.close()
    assert [await run for run in runs] == list(range(1, 51))
    with pytest.raises(RequestError) as refused:
        await store.run(_append(1))
    assert refused.value.code == "shutting_down"
    assert not (tmp_path / "twinstream.db-wal").exists()
    again = SqliteStore.open(tmp_path, clock, lambda error: None)
    assert again.log.head == 50
    await again.close()


async def test_a_file_that_was_deleted_gets_no_more_events(
    store: SqliteStore, tmp_path: Path, clock: TurnedClock, failures: list[BaseException]
) -> None:
    """Within a second the writer notices, answers nothing with success any more and calls it fatal, once."""
    (tmp_path / "folder" / "twinstream.db").rename(tmp_path / "elsewhere.db")
    clock.turn(1)
    for _ in range(2):
        with pytest.raises(RequestError) as refused:
            await store.run(_append(1))
        assert refused.value.code == "storage_failed"
    assert len(failures) == 1


async def test_the_writer_keeps_the_wal_short(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It checkpoints between groups, so that the WAL begins anew instead of growing."""
    monkeypatch.setattr(writer, "CHECKPOINT_PAGES", 20)
    for number in range(100):
        await store.run(_append(number))
    assert (tmp_path / "folder" / "twinstream.db-wal").stat().st_size < 50 * 4200


async def test_a_lock_that_another_process_keeps_is_an_error_not_a_deadlock(store: SqliteStore, tmp_path: Path) -> None:
    """The writer waits for a while, tells the producers, and goes on once the lock is gone."""
    await store.run(lambda work: work.connection.set_busy_timeout(20))
    other = apsw.Connection(str(tmp_path / "folder" / "twinstream.db"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(RequestError) as refused:
        await store.run(_append(1))
    assert refused.value.code == "storage_failed"
    other.execute("ROLLBACK")
    other.close()
    assert await store.run(_append(1)) == 1


async def test_all_of_a_group_has_one_time(store: SqliteStore) -> None:
    """`now_s` is the same for every command of a group."""
    clock_times: list[float] = []
    async with Gate(store):
        runs = [asyncio.create_task(store.run(lambda work: clock_times.append(work.now_s))) for _ in range(5)]
    await asyncio.gather(*runs)
    assert len(set(clock_times)) == 1


async def test_a_group_takes_as_much_as_it_may_weigh(store: SqliteStore) -> None:
    """A command that costs as much as many counts as many: the group ends with the one that fills it."""
    groups: list[int] = []

    def kind(work: Any, commands: Sequence[int]) -> Sequence[int | RequestError]:
        groups.append(len(commands))
        return commands

    async with Gate(store):
        heavy = writer.MAX_GROUP // 2
        tasks: list[asyncio.Task[int]] = [
            asyncio.create_task(store.run_batched(kind, number, heavy)) for number in range(5)
        ]
    assert await asyncio.gather(*tasks) == [0, 1, 2, 3, 4]
    assert groups == [2, 2, 1]
