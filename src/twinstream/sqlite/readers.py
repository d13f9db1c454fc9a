"""The reading connections: a few threads, each with one of its own.

Owns how a blocking question gets off the event loop; knows no table. Invariant: a connection is used by its thread
alone.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import apsw

from twinstream.sqlite.database import Database
from twinstream.sqlite.failure import as_request_error

T = TypeVar("T")


class Readers:
    """A pool of ``count`` threads; ``name`` shows in their names."""

    def __init__(self, database: Database, name: str, count: int) -> None:
        self._database = database
        self._own = threading.local()
        self._connections: list[apsw.Connection] = []
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name, initializer=self._connect)

    async def ask(self, question: Callable[[apsw.Connection], T]) -> T:
        """Answer a question. It is to be one transaction or one statement, and must not write.

        Raises: RequestError ``storage_failed`` if reading failed; it has no effect on anybody else.
        """
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._answer, question)

    def close(self) -> None:
        """Wait for the questions asked, then close the connections."""
        self._pool.shutdown()
        for connection in self._connections:
            connection.close()

    def _connect(self) -> None:
        self._own.connection = self._database.connect()
        self._connections.append(self._own.connection)

    def _answer(self, question: Callable[[apsw.Connection], T]) -> T:
        try:
            return question(self._own.connection)
        except apsw.Error as error:
            raise as_request_error(error, self._own.connection) from error
