"""What databases' errors mean: wait, the same again, or give up, with a remedy and without a secret."""

from __future__ import annotations

import sqlite3

import psycopg
import pymysql
import pytest
import sqlalchemy as sa

from twinstream.collector.sink import SinkAwayError, SinkError
from twinstream.collector.sql_error import Meaning, judge, translate


def wrap(orig: BaseException, kind: type[sa.exc.DBAPIError] = sa.exc.OperationalError) -> sa.exc.DBAPIError:
    """An error as SQLAlchemy hands it on, with a statement and a value that nobody shall see."""
    return kind("INSERT secret", {"value": "secret"}, orig)


def sqlite_error(code: int) -> sqlite3.OperationalError:
    """An error of SQLite with that code."""
    error = sqlite3.OperationalError("words")
    error.sqlite_errorcode = code
    return error


AWAY, FULL, CONFLICT, FINAL = Meaning.AWAY, Meaning.FULL, Meaning.CONFLICT, Meaning.FINAL


@pytest.mark.parametrize(
    ("orig", "meaning"),
    [
        (sqlite_error(sqlite3.SQLITE_BUSY), AWAY),
        (sqlite_error(sqlite3.SQLITE_BUSY_SNAPSHOT), AWAY),
        (sqlite_error(sqlite3.SQLITE_IOERR_WRITE), AWAY),
        (sqlite_error(sqlite3.SQLITE_FULL), FULL),
        (sqlite_error(sqlite3.SQLITE_CANTOPEN), FINAL),
        (sqlite_error(sqlite3.SQLITE_CORRUPT), FINAL),
        (pymysql.err.OperationalError(2003, "Can't connect"), AWAY),
        (pymysql.err.OperationalError(2013, "Lost connection during query"), AWAY),
        (pymysql.err.OperationalError(1040, "Too many connections"), AWAY),
        (pymysql.err.OperationalError(1053, "Server shutdown in progress"), AWAY),
        (pymysql.err.InterfaceError(0, ""), AWAY),
        (pymysql.err.InterfaceError(), AWAY),
        (pymysql.err.Error("Already closed"), AWAY),
        (pymysql.err.InternalError("Packet sequence number wrong - got 3 expected 1"), AWAY),
        (pymysql.err.InternalError("Packet sequence number wrong - got 45 expected 0"), FINAL),
        (pymysql.err.OperationalError("received unknown auth switch request"), FINAL),
        (pymysql.err.OperationalError("Couldn't receive server's public key"), FINAL),
        (pymysql.err.OperationalError(0, "?"), FINAL),
        (pymysql.err.OperationalError(), FINAL),
        (pymysql.err.ProgrammingError("Cursor closed"), FINAL),
        (pymysql.err.OperationalError(1205, "Lock wait timeout exceeded"), AWAY),
        (pymysql.err.OperationalError(1213, "Deadlock found"), CONFLICT),
        (pymysql.err.OperationalError(1114, "The table is full"), FULL),
        (pymysql.err.OperationalError(1045, "Access denied"), FINAL),
        (pymysql.err.DataError(1406, "Data too long"), FINAL),
        (psycopg.errors.AdminShutdown(), AWAY),
        (psycopg.errors.CannotConnectNow(), AWAY),
        (psycopg.errors.TooManyConnections(), AWAY),
        (psycopg.errors.ReadOnlySqlTransaction(), AWAY),
        (psycopg.errors.DiskFull(), FULL),
        (psycopg.errors.DeadlockDetected(), CONFLICT),
        (psycopg.errors.SerializationFailure(), CONFLICT),
        (psycopg.errors.InsufficientPrivilege(), FINAL),
        (psycopg.errors.StringDataRightTruncation(), FINAL),
        (psycopg.OperationalError("connection failed: Connection refused"), AWAY),
        (psycopg.OperationalError("FATAL: the database system is starting up"), AWAY),
        (psycopg.OperationalError('FATAL: password authentication failed for user "x"'), FINAL),
        (psycopg.OperationalError('FATAL: database "x" does not exist'), FINAL),
    ],
)
def test_an_error_means(orig: Exception, meaning: Meaning) -> None:
    """What time heals is waited for, what two transactions did to each other is repeated, the rest is final."""
    assert judge(wrap(orig)) is meaning


def test_a_lost_connection_is_away_whatever_the_code() -> None:
    """SQLAlchemy knows more ways to lose one than this table."""
    error = sa.exc.OperationalError("", {}, pymysql.err.OperationalError(9999, "?"), connection_invalidated=True)
    assert judge(error) is AWAY


def test_connections_that_all_hang_are_away() -> None:
    """The pool gives none away in time when a database does not answer."""
    answer = translate(sa.exc.TimeoutError(), "mysql h/d")
    assert isinstance(answer, SinkAwayError)
    assert str(answer) == "mysql h/d: the database does not answer"


@pytest.mark.parametrize(
    ("orig", "text"),
    [
        (pymysql.err.OperationalError(1045, "Access denied"), "p: Access denied; check user and password"),
        (pymysql.err.DataError(1264, "Out of range"), "p: Out of range"),
        (psycopg.errors.UniqueViolation("dup\nDETAIL:  Key (value)=(secret)"), "p: dup; its events are in the table"),
        (sqlite_error(sqlite3.SQLITE_CANTOPEN), "p: words; make its folder first, and see that you may write there"),
    ],
)
def test_a_final_error_has_a_remedy_and_shows_no_value(orig: Exception, text: str) -> None:
    """The database's own words on one line, and what helps where that is known."""
    answer = translate(wrap(orig), "p")
    assert isinstance(answer, SinkError)
    assert str(answer).startswith(text)
    assert "secret" not in str(answer)


def test_a_full_disk_is_said_to_be_one() -> None:
    """Somebody must make room; that is more than being away."""
    answer = translate(wrap(psycopg.errors.DiskFull("no space left")), "p")
    assert isinstance(answer, SinkAwayError)
    assert answer.is_full
