"""Events into SQLite, MySQL/MariaDB and PostgreSQL, each exactly once.

Owns the transaction that makes it so; what the tables look like is `table`'s business, how a database is reached
`engine`'s, what an error means `sql_error`'s.

How it works. A batch is one transaction: first ``UPDATE twinstream_cursor SET seq = <last> WHERE stream = <stream> AND
seq = <where we are>``, then the rows, then the commit. The UPDATE locks the cursor's row until the end, so of two
collectors on one stream one waits, then finds another number, changes no row, and ends: rows are never doubled. Rows
and cursor are committed together, so after a crash at any moment they agree. A connection that is lost during the
commit leaves open what has happened; then the batch is tried again: the UPDATE waits for what the first attempt may
still be doing and changes nothing if that was committed, which the cursor, read again, shows. Nothing is guessed. A
cursor that is lower than it was tells of a database that has lost commits: collectors only move it forward.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from twinstream.client.event import Event
from twinstream.collector.engine import make_engine, open_connection
from twinstream.collector.row import FIELDS, Row, read_row
from twinstream.collector.sink import SinkError, SinkSetBackError, SinkTakenError, go_on
from twinstream.collector.sql_error import Meaning, judge, translate
from twinstream.collector.table import choose_columns, explain_length, limit_lengths, make_cursor, make_events
from twinstream.wire.time import format_time

CONFLICT_ATTEMPTS = 10
ROWS_PER_STATEMENT = 250
"""Rows of one statement to SQLite. Its driver gives the interpreter away during a statement, and has to wait for the
task that reads the stream to get it back: a row at a time, the two keep each other from working."""

_T = TypeVar("_T")
_FIELDS = (*FIELDS, "stream")


class SqlSink:
    """A sink for a database given by SQLAlchemy's URL, ``sqlite:///file``, ``mysql://...`` or ``postgresql://...``.

    Rows go into the table ``events``, cursors into ``twinstream_cursor``.
    """

    def __init__(self, url: str, *, now: Callable[[], float] = time.time) -> None:
        """Make it, without touching the database.

        Raises:
            SinkError: the URL is not one of a database that is known here, or its driver is not installed.
        """
        self._engine = make_engine(url)
        self._place = _name_place(self._engine.url)
        self._now = now
        self._lock = threading.Lock()
        self._insert: _Insert | None = None
        self._cursor = make_cursor("twinstream_cursor", sa.MetaData())
        # Why made once: to put a statement together takes SQLAlchemy longer than SQLite to carry it out
        of, known = self._cursor.c.stream == sa.bindparam("of"), self._cursor.c.seq == sa.bindparam("known")
        self._advance = self._cursor.update().where(of, known)
        self._known: dict[str, int | None] = {}
        self._doubtful: set[str] = set()

    def open(self) -> None:
        """See `sink.Sink.open`: makes the tables that are missing, and finds out whether they may be written."""
        with self._lock:
            if self._insert is None:
                self._insert = self._run(self._prepare)

    def cursor(self, stream: str) -> int | None:
        """See `sink.Sink.cursor`."""
        seq = self._run(lambda connection: self._read_cursor(connection, stream))
        self._known[stream] = seq
        return seq

    def write(self, stream: str, events: Sequence[Event], release: Callable[[], None] = go_on) -> None:
        """See `sink.Sink.write`."""
        if self._insert is None:
            raise SinkError("the sink is not open")
        insert, last = self._insert, events[-1].seq
        rows = insert.make_rows(stream, events)
        if reason := insert.explain(rows):
            raise SinkError(f"{self._place}: {reason}")
        is_repeated = stream in self._doubtful
        self._doubtful.add(stream)

        def write_batch(connection: sa.Connection) -> bool:
            if not self._move_cursor(connection, stream, last):
                return False
            insert.execute(connection, rows)
            release()
            return True

        if not self._run(write_batch):
            seq = self._run(lambda connection: self._read_cursor(connection, stream))
            known = self._known[stream]
            if known is not None and (seq is None or seq < known):
                self._doubtful.discard(stream)
                raise SinkSetBackError(f"{self._place}: it was set back from {known} to {seq or 'nothing'}")
            if not (is_repeated and seq == last):
                raise SinkTakenError(
                    f"{self._place}: another collector writes the stream {stream!r}: it is at {seq}, this one was at "
                    f"{known}; end one of them, or give the streams different names"
                )
        self._doubtful.discard(stream)
        self._known[stream] = last

    def close(self) -> None:
        """See `sink.Sink.close`."""
        self._engine.dispose()

    def _run(self, work: Callable[[sa.Connection], _T]) -> _T:
        """Do some work in a transaction, again if another one was in the way."""
        for attempt in range(1, CONFLICT_ATTEMPTS + 1):
            try:
                with open_connection(self._engine, self._place) as connection, connection.begin():
                    return work(connection)
            except sa.exc.SQLAlchemyError as error:
                if judge(error) is not Meaning.CONFLICT or attempt == CONFLICT_ATTEMPTS:
                    raise translate(error, self._place) from None
            time.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311  # two that collide should not do so in step
        raise AssertionError("unreachable")

    def _read_cursor(self, connection: sa.Connection, stream: str) -> int | None:
        table = self._cursor
        return connection.execute(sa.select(table.c.seq).where(table.c.stream == stream)).scalar()

    def _move_cursor(self, connection: sa.Connection, stream: str, last: int) -> bool:
        """Move the cursor, and lock it, if it is where we know it; tell whether it was."""
        table, known = self._cursor, self._known[stream]
        changed = {"seq": last, "updated_at": format_time(self._now())}
        if known is not None:
            return connection.execute(self._advance, {"of": stream, "known": known} | changed).rowcount == 1
        try:
            connection.execute(table.insert().values(stream=stream, **changed))
        except sa.exc.IntegrityError:
            connection.rollback()
            return False
        return True

    def _prepare(self, connection: sa.Connection) -> _Insert:
        inspector = sa.inspect(connection)
        events = make_events("events", sa.MetaData())
        if inspector.has_table(events.name):
            events = sa.Table(events.name, sa.MetaData(), autoload_with=connection)
            columns = choose_columns(events)
        else:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")  # readers do not hold the writer up
            connection.execute(CreateTable(events, if_not_exists=True))
            columns = [events.c[name] for name in _FIELDS]
        if not inspector.has_table(self._cursor.name):
            connection.execute(CreateTable(self._cursor, if_not_exists=True))
        for table in (events, self._cursor):
            _check_transactions(connection, table)
        insert = _Insert(connection.dialect, columns)
        nothing = sa.select(*(sa.null() for _ in columns)).where(sa.false())
        connection.execute(events.insert().from_select(columns, nothing, include_defaults=False))
        connection.execute(self._cursor.update().where(sa.false()).values(seq=0))
        return insert


class _Insert:
    """The statement that inserts events into the columns of a table; ``sql`` in the driver's own form, for a row."""

    def __init__(self, dialect: sa.Dialect, columns: list[sa.Column[Any]]) -> None:
        quote = dialect.identifier_preparer
        names = ", ".join(quote.format_column(column) for column in columns)
        marks = f"({', '.join('?' if dialect.name == 'sqlite' else '%s' for _ in columns)})"
        head = f"INSERT INTO {quote.format_table(columns[0].table)} ({names}) VALUES "  # noqa: S608
        self.sql = head + marks
        self._sql_of_many = head + ", ".join([marks] * ROWS_PER_STATEMENT)
        self._columns = columns
        self._limits = [] if dialect.name == "sqlite" else limit_lengths(columns, dialect)  # SQLite takes any length
        names_of_columns = tuple(column.name for column in columns)
        is_whole = names_of_columns == _FIELDS
        self._pick = None if is_whole else itemgetter(*map(_FIELDS.index, names_of_columns))
        self._is_sqlite = dialect.name == "sqlite"
        self._refuses_nul = dialect.name == "postgresql"

    def execute(self, connection: sa.Connection, rows: list[Row]) -> None:
        """Insert the rows, in their order. PyMySQL makes statements of many rows itself, psycopg a pipeline."""
        whole = len(rows) - len(rows) % ROWS_PER_STATEMENT if self._is_sqlite else 0
        if whole:
            groups = (rows[first : first + ROWS_PER_STATEMENT] for first in range(0, whole, ROWS_PER_STATEMENT))
            connection.exec_driver_sql(self._sql_of_many, [tuple(chain.from_iterable(group)) for group in groups])
        if rows[whole:]:
            connection.exec_driver_sql(self.sql, rows[whole:])

    def make_rows(self, stream: str, events: Sequence[Event]) -> list[Row]:
        """Return what stands in the columns for each event."""
        last = (stream,)
        rows = [read_row(event) + last for event in events]
        if self._pick is not None:
            rows = list(map(self._pick, rows))
        if self._refuses_nul and any("\\u0000" in event.text for event in events):
            rows = [tuple(_replace_nul(content) for content in row) for row in rows]
        return rows

    def explain(self, rows: list[Row]) -> str | None:
        """Say which value is too long for its column, if one is."""
        return explain_length(self._columns, self._limits, rows)


def _check_transactions(connection: sa.Connection, table: sa.Table) -> None:
    """Refuse a table of MySQL without transactions: rows and cursor could come apart."""
    if connection.dialect.name != "mysql":
        return
    engine = connection.execute(
        sa.text("SELECT engine FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = :name"),
        {"name": table.name},
    ).scalar()
    if engine in ("MyISAM", "Aria", "MEMORY", "CSV", "ARCHIVE"):
        raise SinkError(
            f"the table {table.name} is kept by {engine}, which has no transactions; "
            f"convert it: ALTER TABLE {table.name} ENGINE=InnoDB"
        )


def _name_place(url: sa.URL) -> str:
    """Name a database for people, without user, password and parameters."""
    return f"{url.get_backend_name()} {'/'.join(filter(None, (url.host, url.database)))}"


def _replace_nul(content: Any) -> Any:
    """PostgreSQL's text has no NUL; the JSON beside it, where it is escaped, still tells it."""
    return content.replace("\0", "\ufffd") if isinstance(content, str) else content
