"""Events in real databases: the documents' table and ours, the cursor, two collectors, what does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
import sqlalchemy as sa

from tests.collector.conftest import Database
from tests.collector.samples import USER, datapoint, datapoints, make_event
from twinstream.collector.sink import SinkAwayError, SinkError, SinkSetBackError, SinkTakenError
from twinstream.collector.sql import SqlSink

DOCUMENTS_CREATE = """CREATE TABLE events(
id int NOT NULL AUTO_INCREMENT,
event_type varchar(32),
oem_id varchar(32),
oem_model varchar(32),
dsn varchar(32),
time varchar(32),
user_uuid varchar(64),
PRIMARY KEY (id)
);"""
DOCUMENTS_INSERT = """INSERT INTO events (event_type, oem_id, oem_model, dsn, time, user_uuid)
VALUES (
'connectivity',
'0dfc7900',
'ledevb',
'AC000W000340649',
'2018-09-24T10:26:37Z',
'40e45b84-690c-11e8-acf3-12f911dcfe40'
);"""
DOCUMENTED = "event_type, oem_id, oem_model, dsn, time, user_uuid"
SAMPLE = ("connectivity", "0dfc7900", "ledevb", "AC000W000340649", "2018-09-24T10:26:37Z", USER)
COUNTING = {"sqlite": "INTEGER", "mariadb": "int NOT NULL AUTO_INCREMENT", "postgresql": "serial"}


@pytest.fixture
def sink(database: Database) -> Iterator[SqlSink]:
    """A sink on the database, open."""
    sink = SqlSink(database.url, now=lambda: 0)
    sink.open()
    yield sink
    sink.close()


def write(sink: SqlSink, *events: Any, stream: str = "s") -> None:
    """Write a batch as the runner does at its start."""
    sink.cursor(stream)
    sink.write(stream, events)


def make_documented(database: Database, **changes: str) -> None:
    """Make the documents' table in the database's own words, with other types, or more columns."""
    columns = dict.fromkeys(DOCUMENTED.split(", "), "varchar(32)") | {"user_uuid": "varchar(64)"} | changes
    lines = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    database.execute(f"CREATE TABLE events (id {COUNTING[database.kind]}, {lines}, PRIMARY KEY (id))")


def test_rows_and_cursor_are_there_together(database: Database, sink: SqlSink) -> None:
    """A batch leaves its rows, with the whole event as it came, and the cursor at its last number."""
    events = [datapoint(7, "a|Zé😀"), datapoint(9, 5)]
    assert sink.cursor("s") is None
    sink.write("s", events)
    rows = database.execute("SELECT stream, seq, property, value, event, dsn FROM events ORDER BY id")
    assert rows == [
        ("s", 7, "Blue_LED", "a|Zé😀", events[0].text, "AC000W000340649"),
        ("s", 9, "Blue_LED", "5", events[1].text, "AC000W000340649"),
    ]
    assert database.execute("SELECT * FROM twinstream_cursor") == [("s", 9, "1970-01-01T00:00:00Z")]
    assert sink.cursor("s") == 9


def test_a_batch_that_fails_leaves_neither_rows_nor_cursor(database: Database, sink: SqlSink) -> None:
    """A row that is there already, behind the cursor's back, ends the stream; nothing else of the batch is stored."""
    database.execute("INSERT INTO events (stream, seq) VALUES ('s', 3)")
    with pytest.raises(SinkError, match="in the table already"):
        write(sink, *datapoints(1, 5))
    assert database.execute("SELECT seq FROM events") == [(3,)]
    assert sink.cursor("s") is None


def test_streams_have_cursors_of_their_own(database: Database, sink: SqlSink) -> None:
    """Names that differ in case or in an accent are different streams."""
    for last, name in enumerate(("s", "S", "ś"), 1):
        write(sink, *datapoints(1, last), stream=name)
    assert [sink.cursor(name) for name in ("s", "S", "ś")] == [1, 2, 3]


def test_a_large_value_fits(database: Database, sink: SqlSink) -> None:
    """A megabyte is no trouble, in any database."""
    write(sink, datapoint(1, "é" * 500_000))
    assert len(database.execute("SELECT value FROM events")[0][0]) == 500_000


def test_a_value_with_a_nul_is_stored(database: Database, sink: SqlSink) -> None:
    """PostgreSQL has no NUL in a text: the column shows a replacement, the JSON has it escaped."""
    event = datapoint(1, "a\0b")
    write(sink, event)
    shown = "a\ufffdb" if database.kind == "postgresql" else "a\0b"
    assert database.execute("SELECT value, event FROM events") == [(shown, event.text)]


def test_an_event_of_an_unknown_type_is_stored(database: Database, sink: SqlSink) -> None:
    """What a later server may invent is a row like others."""
    event = make_event(1, "activation", thing={"created_at": "2026-01-01T00:00:00Z"})
    write(sink, event)
    assert database.execute("SELECT event_type, time, event FROM events") == [
        ("activation", "2026-01-01T00:00:00Z", event.text)
    ]


def test_the_documents_insert_works_on_our_table(database: Database, sink: SqlSink) -> None:
    """A client written after the documents writes beside us, as often as it likes."""
    database.execute(DOCUMENTS_INSERT, DOCUMENTS_INSERT)
    assert database.execute(f"SELECT {DOCUMENTED}, stream, seq FROM events") == [(*SAMPLE, None, None)] * 2


@pytest.mark.needs("mariadb")
def test_the_documents_table_is_used_as_it_is(mariadb: Database) -> None:
    """Their CREATE TABLE makes a table that we fill as their INSERT does, without a change."""
    mariadb.execute("DROP TABLE IF EXISTS events;", DOCUMENTS_CREATE, DOCUMENTS_INSERT)
    before = mariadb.execute("SHOW CREATE TABLE events")
    sink = SqlSink(mariadb.url)
    sink.open()
    online = {"event_time": SAMPLE[4], "user_uuid": USER, "status": "Online"}
    write(sink, make_event(1, "connectivity", connection=online))
    write(sink, datapoint(2))
    sink.close()
    first, ours, _ = mariadb.execute(f"SELECT {DOCUMENTED} FROM events ORDER BY id")
    assert first == ours == SAMPLE
    assert mariadb.execute("SELECT seq FROM twinstream_cursor") == [(2,)]
    assert mariadb.execute("SHOW CREATE TABLE events")[0][1].split("AUTO_INC")[0] == before[0][1].split("AUTO_INC")[0]


def test_of_a_table_that_is_there_the_columns_that_fit_are_filled(database: Database) -> None:
    """More columns are no trouble; ours among them are filled if their type is right."""
    make_documented(database, note="varchar(9)", counted="int DEFAULT 5", event="text", seq="varchar(9)", value="int")
    sink = SqlSink(database.url)
    sink.open()
    event = datapoint(1, "x")
    write(sink, event)
    sink.close()
    rows = database.execute("SELECT dsn, note, counted, event, seq, value FROM events")
    assert rows == [("AC000W000340649", None, 5, event.text, None, None)]


def test_a_value_too_long_for_a_column_ends_the_stream_before_it_is_cut(database: Database) -> None:
    """The column and both lengths are named, and nothing is stored. SQLite takes any length."""
    make_documented(database)
    sink = SqlSink(database.url)
    sink.open()
    if database.kind == "sqlite":
        write(sink, datapoint(1, dsn="x" * 33))
        assert database.execute("SELECT dsn FROM events") == [("x" * 33,)]
    else:
        with pytest.raises(SinkError, match=r"events\.dsn takes 32 characters, and an event has 33"):
            write(sink, datapoint(1), datapoint(2, dsn="x" * 33))
        assert database.execute("SELECT * FROM events") == []
    sink.close()


def test_blanks_at_the_end_are_not_cut_in_the_documents_table(served: Database) -> None:
    """Databases cut those that are too many, however strict they are; so the length is looked at before."""
    make_documented(served)
    sink = SqlSink(served.url)
    sink.open()
    write(sink, datapoint(1, dsn="x" + " " * 31))
    with pytest.raises(SinkError, match=r"events\.dsn takes 32 characters, and an event has 33"):
        sink.write("s", [datapoint(2, dsn="x" + " " * 32)])
    sink.close()
    assert served.execute("SELECT dsn FROM events") == [("x" + " " * 31,)]


def test_blanks_at_the_end_are_not_cut_in_a_table_of_ours(database: Database, sink: SqlSink) -> None:
    """What MySQL's columns take is kept whole, and what they do not take is refused; the others take any length."""
    blanks = [datapoint(1, "x" + " " * 70_000), datapoint(2, dsn="x" + " " * 254)]
    write(sink, *blanks)
    longer = datapoint(3, dsn="x" + " " * 255)
    if database.kind == "mariadb":
        with pytest.raises(SinkError, match=r"events\.dsn takes 255 characters, and an event has 256"):
            sink.write("s", [longer])
    else:
        sink.write("s", [longer])
    rows = database.execute("SELECT value, dsn FROM events ORDER BY id")
    assert rows[0][0] == "x" + " " * 70_000
    assert [dsn for _, dsn in rows[1:]] == ["x" + " " * n for n in (254, 255)[: len(rows) - 1]]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [({"time": ""}, "lacks the columns"), ({"must": "int NOT NULL"}, "must not be null")],
)
def test_a_table_that_is_not_for_events_is_left_alone(
    database: Database, changes: dict[str, str], complaint: str
) -> None:
    """A table without the documents' columns, or with one that nobody could fill, is refused at the start."""
    if "time" in changes:
        database.execute("CREATE TABLE events (id int, place varchar(9))")
    else:
        make_documented(database, **changes)
    sink = SqlSink(database.url)
    with pytest.raises(SinkError, match=complaint):
        sink.open()
    sink.close()


@pytest.mark.needs("mariadb")
def test_a_table_without_transactions_is_refused(mariadb: Database) -> None:
    """In MyISAM rows stay when the transaction does not."""
    mariadb.execute(DOCUMENTS_CREATE, "ALTER TABLE events ENGINE=MyISAM")
    sink = SqlSink(mariadb.url)
    with pytest.raises(SinkError, match="ENGINE=InnoDB"):
        sink.open()
    sink.close()


@pytest.mark.parametrize("start", [0, 5])
def test_two_collectors_on_one_stream_do_not_double_a_row(database: Database, sink: SqlSink, start: int) -> None:
    """The second to write finds the cursor elsewhere and ends; also if both were the first ever."""
    if start:
        write(sink, *datapoints(1, start))
    other = SqlSink(database.url)
    other.open()
    assert sink.cursor("s") == other.cursor("s") == (start or None)
    sink.write("s", datapoints(start + 1, start + 3))
    with pytest.raises(SinkTakenError, match="another collector writes the stream 's'"):
        other.write("s", datapoints(start + 1, start + 4))
    sink.write("s", datapoints(start + 4, start + 9))
    other.close()
    assert database.execute("SELECT seq FROM events ORDER BY id") == [(seq,) for seq in range(1, start + 10)]


@pytest.mark.parametrize("left", [3, None])
def test_a_database_that_has_lost_commits_is_gone_on_with(database: Database, sink: SqlSink, left: int | None) -> None:
    """A cursor that is lower than it was, or gone, is no other collector's doing: its own number counts from then."""
    write(sink, *datapoints(1, 5))
    kept = left or 0
    cursor = "DELETE FROM twinstream_cursor" if left is None else f"UPDATE twinstream_cursor SET seq = {left}"
    database.execute(f"DELETE FROM events WHERE seq > {kept}", cursor)
    with pytest.raises(SinkSetBackError, match="set back from 5 to"):
        sink.write("s", datapoints(6, 7))
    assert sink.cursor("s") == left
    sink.write("s", datapoints(kept + 1, 7))
    assert database.execute("SELECT seq FROM events ORDER BY id") == [(seq,) for seq in range(1, 8)]


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("start", [0, 5])
def test_a_commit_in_doubt_is_found_out(database: Database, sink: SqlSink, start: int, committed: bool) -> None:
    """A connection that is lost around the commit: the same batch again stores it once, in either case."""
    if start:
        write(sink, *datapoints(1, start))
    sink.cursor("s")

    def lose(connection: sa.Connection) -> None:
        if committed:
            connection.connection.commit()
        else:
            connection.connection.rollback()
        sa.event.remove(sink._engine, "commit", lose)
        raise sa.exc.OperationalError("COMMIT", {}, Exception("lost"), connection_invalidated=True)

    sa.event.listen(sink._engine, "commit", lose)
    with pytest.raises(SinkAwayError):
        sink.write("s", datapoints(start + 1, start + 3))
    sink.write("s", datapoints(start + 1, start + 3))
    sink.write("s", datapoints(start + 4, start + 5))
    assert database.execute("SELECT seq FROM events ORDER BY id") == [(seq,) for seq in range(1, start + 6)]


def test_a_database_that_is_away_is_waited_for(served: Database) -> None:
    """Killed at any moment, also before the start: `SinkAwayError` until it is back, then the same batch goes in."""
    assert served.server is not None
    sink = SqlSink(served.url)
    served.server.kill()
    with pytest.raises(SinkAwayError):
        sink.open()
    served.server.start()
    sink.open()
    write(sink, *datapoints(1, 2))
    served.server.kill()
    with pytest.raises(SinkAwayError):
        sink.write("s", datapoints(3, 4))
    with pytest.raises(SinkAwayError):
        sink.cursor("s")
    served.server.start()
    sink.write("s", datapoints(3, 4))
    assert sink.cursor("s") == 4
    sink.close()
    assert served.execute("SELECT count(*) FROM events") == [(4,)]


def test_a_full_disk_is_waited_for(tmp_path: Path) -> None:
    """SQLite finds no room: `SinkAwayError`, and the same batch goes in when there is some."""
    sink = SqlSink(f"sqlite:///{tmp_path / 'events.db'}")
    sink.open()
    limit = 20

    def bound(connection: Any, *_: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={limit}")

    sa.event.listen(sink._engine, "checkout", bound)
    sink.cursor("s")
    with pytest.raises(SinkAwayError) as caught:
        sink.write("s", datapoints(1, 300))
    assert caught.value.is_full
    limit = 100_000
    sink.write("s", datapoints(1, 300))
    assert sink.cursor("s") == 300
    sink.close()


def test_a_deadlock_is_nobodys_business(database: Database, sink: SqlSink) -> None:
    """The transaction that was chosen to give way is done again at once."""
    errors = [pymysql.err.OperationalError(1213, "Deadlock"), psycopg.errors.SerializationFailure()]

    def give_way(connection: sa.Connection) -> None:
        if errors:
            connection.connection.rollback()
            raise sa.exc.OperationalError("", {}, errors.pop())

    sa.event.listen(sink._engine, "commit", give_way)
    write(sink, *datapoints(1, 3))
    assert database.execute("SELECT seq FROM events") == [(1,), (2,), (3,)]


@pytest.mark.needs("postgresql")
def test_missing_rights_are_told_at_the_start(postgresql: Database) -> None:
    """Also the right to insert, before any event was read."""
    sink = SqlSink(postgresql.url)
    sink.open()
    sink.close()
    postgresql.execute(
        "DROP ROLE IF EXISTS poor", "CREATE ROLE poor LOGIN PASSWORD 'x'", "GRANT SELECT ON events TO poor"
    )
    poor = SqlSink(postgresql.url.replace("twin:s3cret%2Fp%40ss", "poor:x"))
    with pytest.raises(SinkError, match="needs the rights CREATE, SELECT, INSERT and UPDATE"):
        poor.open()
    poor.close()
    postgresql.execute("DROP OWNED BY poor", "DROP ROLE poor")
