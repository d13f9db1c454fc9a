"""The one writer: a thread that runs what waits as one group in one transaction, and answers after the commit.

Owns the order of commands, their isolation, the commit and the checkpoints; knows no table. Its guarantees are those of
`ports.work`. How a group goes:

1. BEGIN IMMEDIATE. Each command runs in a savepoint; neighbours of one batched kind run in one call, in one savepoint.
   A command that raises is rolled back alone; a batch that raises is rolled back and run again one by one, so that
   only the culprits fail.
2. The records that the commands appended are inserted, a few statements for all of them.
3. COMMIT (fsync). If that fails, all of the group failed: nothing of it is dispatched, memory is thrown away.
4. One call into the event loop hands the records to the tail and answers the callers, in this order.

The GIL decides the speed of the thread beside a busy loop, so a group crosses it a handful of times, not per row;
whoever runs the process also sets `sys.setswitchinterval` to 0.2 ms (design.md section 2).

Invariant: after a failed fsync nothing is committed or answered with success any more (`fatal` ends the process), since
the kernel may have dropped what SQLite takes for written.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

import apsw
import structlog

from twinstream.errors import RequestError
from twinstream.model.event import Record
from twinstream.ports.clock import Clock
from twinstream.ports.work import Batch, UnitOfWork
from twinstream.sqlite.append import Appender
from twinstream.sqlite.database import Database
from twinstream.sqlite.failure import as_request_error, is_fsync_failure
from twinstream.sqlite.work import Work

T = TypeVar("T")
C = TypeVar("C")
R = TypeVar("R")

MAX_GROUP = 1000
"""The weight of commands after which a transaction takes no more, so that nobody waits long for neighbours."""

MAX_PENDING = 20_000
"""Commands that may wait; above it callers are told to come again."""

CHECKPOINT_PAGES = 1000
"""New WAL pages (4 MiB) after which the writer checkpoints, between two groups; 8 to 15 ms (performance.md)."""

PLACE_CHECK_INTERVAL_S = 1.0
"""How often the writer looks whether the database file is still where it was."""

_log = structlog.get_logger(__name__)


class Command(NamedTuple):
    """What waits: a command, the kind that runs it (None: it runs itself), the caller's future, and its weight."""

    kind: Batch[Any, Any] | None
    command: Any
    future: asyncio.Future[Any]
    weight: int = 1


class Answer(NamedTuple):
    """What a caller gets: a result, or an error to raise."""

    future: asyncio.Future[Any]
    result: Any
    error: BaseException | None


class Writer:
    """See the module. Make and close it on the running event loop, the only place to call it from.

    ``dispatch`` hears of committed records, on the loop; ``fatal`` of a failure after which the process must end, once.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        dispatch: Callable[[Sequence[Record]], None],
        fatal: Callable[[BaseException], None],
    ) -> None:
        self._database = database
        self._connection = database.writer
        self._clock = clock
        self._dispatch = dispatch
        self._fatal = fatal
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Command | None] = SimpleQueue()
        self._pending = 0
        self._closing = False
        self._failing = False
        self._dead = False
        self._log = Appender(self._connection)
        self._wal_pages = 0
        self._checkpointed_pages = 0
        self._place_checked_s = clock.monotonic_s()
        self._connection.set_wal_hook(self._note_wal_pages)
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    # On the event loop

    @property
    def pending(self) -> int:
        """How many commands wait or are under way."""
        return self._pending

    async def run(self, command: Callable[[Any], T]) -> T:
        """Run a command; see `ports.work.Store.run`."""
        result: T = await self._submit(None, command)
        return result

    async def run_batched(self, kind: Batch[C, R], command: C, weight: int = 1) -> R:
        """Run a command with its neighbours; see `ports.work.Store.run_batched`."""
        result: R = await self._submit(kind, command, weight)
        return result

    async def close(self) -> None:
        """Refuse new commands, finish those that wait, empty the WAL, end the thread."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await self._loop.run_in_executor(None, self._thread.join)

    def _submit(self, kind: Batch[Any, Any] | None, command: Any, weight: int = 1) -> asyncio.Future[Any]:
        if self._dead:
            raise RequestError("storage_failed")
        if self._closing:
            raise RequestError("shutting_down")
        if self._pending >= MAX_PENDING:
            raise RequestError("too_many_requests", "The server has more to store than it can.", retry_after_s=1)
        future: asyncio.Future[Any] = self._loop.create_future()
        self._pending += 1
        self._queue.put(Command(kind, command, future, weight))
        return future

    def _publish(self, answers: Sequence[Answer], records: Sequence[Record]) -> None:
        """Let the tail and the callers know. Futures of callers that went away are done already."""
        self._pending -= len(answers)
        try:
            if records:
                self._dispatch(records)
        finally:
            for future, result, error in answers:
                if future.done():
                    continue
                if error is None:
                    future.set_result(result)
                else:
                    future.set_exception(error)

    # On the writer's thread

    def _work(self) -> None:
        while group := self._next_group():
            self._run_group(group)
        if not self._dead:
            self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def _next_group(self) -> list[Command]:
        """Wait for a command and take all that wait with it; an empty group ends the thread."""
        group: list[Command] = []
        weight = 0
        command = self._queue.get()
        try:
            while command is not None:
                group.append(command)
                weight += command.weight
                if weight >= MAX_GROUP:
                    return group
                command = self._queue.get_nowait()
        except Empty:
            return group
        if group:
            self._queue.put(None)  # The end was in sight; see it again after this group.
        return group

    def _run_group(self, group: Sequence[Command]) -> None:
        try:
            self._check_alive()
            answers, records = self._execute(group)
            self._finish(answers, records)
        except Exception as error:
            self._abandon(group, error)
        else:
            if self._failing:
                self._failing = False
                _log.info("storing works again")
            if self._wal_pages - self._checkpointed_pages >= CHECKPOINT_PAGES:
                self._checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _finish(self, answers: Sequence[Answer], records: Sequence[Record]) -> None:
        """Commit, and only then let anybody know."""
        self._commit()
        self._announce(answers, records)

    def _commit(self) -> None:
        self._connection.execute("COMMIT")

    def _announce(self, answers: Sequence[Answer], records: Sequence[Record]) -> None:
        self._call_loop(self._publish, answers, records)

    def _execute(self, group: Sequence[Command]) -> tuple[list[Answer], Sequence[Record]]:
        """Run the group's commands up to the commit."""
        self._connection.execute("BEGIN IMMEDIATE")
        now_s = self._clock.now_s()
        self._log.begin(now_s)
        work = Work(self._connection, now_s, self._log)
        answers: list[Answer] = []
        for kind, neighbours in groupby(group, key=lambda command: command.kind):
            if kind is None:
                for command in neighbours:
                    answers += self._run(_run_alone, work, [command])
            else:
                answers += self._run(kind, work, list(neighbours))
        return answers, self._log.flush()

    def _run(self, kind: Batch[Any, Any], work: Work, commands: Sequence[Command]) -> list[Answer]:
        try:
            with self._savepoint():
                results = kind(work, [command.command for command in commands])
                if len(results) != len(commands):
                    raise RuntimeError(f"{kind!r} gave {len(results)} answers to {len(commands)} commands")
        except _GroupLostError:
            raise
        except Exception as error:
            if len(commands) > 1:
                return [answer for command in commands for answer in self._run(kind, work, [command])]
            return [Answer(commands[0].future, None, as_request_error(error, self._connection))]
        return [
            Answer(command.future, None, result)
            if isinstance(result, RequestError)
            else Answer(command.future, result, None)
            for command, result in zip(commands, results, strict=True)
        ]

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        """Let what happens inside happen whole or not at all."""
        mark = self._log.mark()
        self._connection.execute("SAVEPOINT command")
        try:
            yield
        except Exception as error:
            if not self._connection.in_transaction:
                raise _GroupLostError from error  # SQLite rolled all of it back: disk full, out of memory, I/O error.
            self._connection.execute("ROLLBACK TO command")
            self._connection.execute("RELEASE command")
            self._log.rewind(mark)
            raise
        self._connection.execute("RELEASE command")

    def _abandon(self, group: Sequence[Command], error: Exception) -> None:
        """Fail a whole group: roll back, believe nothing in memory, tell the callers."""
        cause = error.__cause__ if isinstance(error, _GroupLostError) and error.__cause__ else error
        told = as_request_error(cause, self._connection)
        if not isinstance(told, RequestError):
            told = RequestError("storage_failed")
        if not self._dead:
            if not self._failing:  # Once, not per group: the log may be on the same full disk.
                _log.error("nothing can be stored at present", error=repr(cause), commands=len(group))
            self._failing = True
            self._recover(cause)
        self._announce([Answer(command.future, None, told) for command in group], ())

    def _recover(self, cause: BaseException) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._log.forget()
        except Exception as error:
            self._die(error)
        if is_fsync_failure(cause):
            self._die(cause)

    def _die(self, cause: BaseException) -> None:
        """Store nothing more; a close of the connection leaves the WAL to the next start's recovery, too."""
        if not self._dead:
            self._dead = True
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            self._call_loop(self._fatal, cause)

    def _check_alive(self) -> None:
        if self._dead:
            raise RequestError("storage_failed")
        now_s = self._clock.monotonic_s()
        if now_s - self._place_checked_s >= PLACE_CHECK_INTERVAL_S:
            self._place_checked_s = now_s
            if not self._database.is_in_place():
                gone = RequestError("storage_failed", f"{self._database.path} was moved or deleted.")
                self._die(gone)
                raise gone

    def _note_wal_pages(self, _connection: apsw.Connection, _schema: str, pages: int) -> int:
        """Hear, within each commit, how many pages the WAL has. Having a hook turns automatic checkpoints off."""
        if pages < self._wal_pages:
            self._checkpointed_pages = 0  # All was checkpointed and the WAL began anew.
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _checkpoint(self, mode: int) -> None:
        try:
            self._connection.wal_checkpoint(mode=mode)
        except apsw.Error as error:
            _log.warning("the checkpoint failed; it is tried again later", error=repr(error))
            if is_fsync_failure(error):
                self._die(error)
        self._checkpointed_pages = self._wal_pages

    def _call_loop(self, function: Callable[..., None], *arguments: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)


class _GroupLostError(Exception):
    """A command's failure, the cause, took the whole transaction with it."""


def _run_alone(work: UnitOfWork, commands: Sequence[Callable[[UnitOfWork], Any]]) -> Sequence[Any]:
    return [command(work) for command in commands]
