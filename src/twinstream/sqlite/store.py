"""The store (`ports.work.Store`) on SQLite: one writer, a few readers, the log. What `server` opens and closes.

Owns the order of starting and stopping the parts; knows no table.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from twinstream.ports.clock import Clock
from twinstream.ports.work import Batch
from twinstream.sqlite.append import last_position
from twinstream.sqlite.database import Database
from twinstream.sqlite.log import SqliteLog
from twinstream.sqlite.page import snapshot
from twinstream.sqlite.readers import Readers
from twinstream.sqlite.work import View
from twinstream.sqlite.writer import Writer

T = TypeVar("T")
C = TypeVar("C")
R = TypeVar("R")

QUERY_THREADS = 2
PAGE_THREADS = 1
"""Pages have a thread of their own, so that thousands of sessions that read at once don't delay anyone's sign-in."""


class SqliteStore:
    """See the module. ``log`` is the event log. Make it with `open`."""

    def __init__(self, database: Database, clock: Clock, fatal: Callable[[BaseException], None]) -> None:
        self._database = database
        self._clock = clock
        self._queries = Readers(database, "query", QUERY_THREADS)
        self._pages = Readers(database, "page", PAGE_THREADS)
        self.log = SqliteLog(self._pages, last_position(database.writer))
        self._writer = Writer(database, clock, self.log.dispatch, fatal)

    @classmethod
    def open(cls, folder: Path, clock: Clock, fatal: Callable[[BaseException], None]) -> SqliteStore:
        """Open the data folder. Call it on the running event loop, before anything is served: it blocks for a moment.

        ``fatal`` is called on the loop when the disk has failed for good (a failed fsync): end the process with
        EX_IOERR; whatever is asked of the store until then fails.

        Raises: see `Database.open`.
        """
        return cls(Database.open(folder), clock, fatal)

    @property
    def pending(self) -> int:
        """How many commands wait for the writer or are under way."""
        return self._writer.pending

    async def run(self, command: Callable[[Any], T]) -> T:
        """Run a command in a unit of work."""
        return await self._writer.run(command)

    async def run_batched(self, kind: Batch[C, R], command: C, weight: int = 1) -> R:
        """Run a command together with its neighbours."""
        return await self._writer.run_batched(kind, command, weight)

    async def query(self, question: Callable[[Any], T]) -> T:
        """Answer a read-only question on one snapshot."""

        def ask(connection: Any) -> T:
            with snapshot(connection):
                return question(View(connection, self._clock.now_s()))

        return await self._queries.ask(ask)

    async def close(self) -> None:
        """Finish the commands that wait, then close everything. Nothing may be asked of the store any more."""
        await self._writer.close()
        self._queries.close()
        self._pages.close()
        self._database.close()
