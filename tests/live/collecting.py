"""A collector process for `test_collect_kill`, as it should be or with a seeded bug. Never part of the product.

``python -m tests.live.collecting URL-OF-STREAM URL-OF-DATABASE [rows-first | cursor-first]``; small batches, so that
there are many moments to be killed at. It prints `WRITING` when the first batch is written, and a line at its end.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from twinstream.client import Event, Stream, connect
from twinstream.collector.batch import Limits
from twinstream.collector.progress import Progress
from twinstream.collector.runner import Source, run_collector
from twinstream.collector.sink import go_on
from twinstream.collector.sql import SqlSink

STREAM = "s"
WRITING = "writing"
LIMITS = Limits(batch_events=50, batch_age_s=0.05)
BREATH_S = 0.3
"""How long a bug leaves rows and cursor apart: long enough to be hit."""


class RowsFirst(SqlSink):
    """A seeded bug: the rows, and then the cursor, in a transaction of its own. A kill between doubles rows."""

    def write(self, stream: str, events: Sequence[Event], release: Callable[[], None] = go_on) -> None:
        """Write in two steps."""
        self._run(lambda connection: self._insert_rows(connection, stream, events))
        time.sleep(BREATH_S)
        self._run(lambda connection: self._move_cursor(connection, stream, events[-1].seq))
        self._known[stream] = events[-1].seq

    def _insert_rows(self, connection: sa.Connection, stream: str, events: Sequence[Event]) -> None:
        assert self._insert is not None
        connection.exec_driver_sql(self._insert.sql, self._insert.make_rows(stream, events))


class CursorFirst(RowsFirst):
    """A seeded bug: the cursor, and then the rows. A kill between loses rows."""

    def write(self, stream: str, events: Sequence[Event], release: Callable[[], None] = go_on) -> None:
        """Write in two steps."""
        self._run(lambda connection: self._move_cursor(connection, stream, events[-1].seq))
        self._known[stream] = events[-1].seq
        time.sleep(BREATH_S)
        self._run(lambda connection: self._insert_rows(connection, stream, events))


SINKS = {"": SqlSink, "rows-first": RowsFirst, "cursor-first": CursorFirst}


def main(stream: str, database: str, bug: str = "") -> None:
    """Collect until killed."""

    def open_stream(seq_start: int) -> Stream:
        return connect(stream, seq_start=seq_start, patient=True)

    asyncio.run(collect(Source(STREAM, open_stream, SINKS[bug](database), LIMITS)))


async def collect(source: Source) -> None:
    """Collect one stream, and tell."""
    progress = Progress(STREAM)
    collecting = asyncio.create_task(run_collector([source], progress=[progress]))
    while not progress.written and not collecting.done():  # noqa: ASYNC110  # progress is only looked at
        await asyncio.sleep(0.01)
    print(WRITING, flush=True)  # noqa: T201
    await collecting
    print(progress.state, progress.reason, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
