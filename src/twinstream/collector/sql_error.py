"""What a database's error means for a collector: wait, try again at once, or give up with a remedy.

Owns the codes of SQLite, MySQL/MariaDB and PostgreSQL. Invariants: no text made here holds a password, an SQL statement
or a value; an error that is not known is final, so nothing is repeated for ever.
"""

from __future__ import annotations

from enum import Enum, auto

import sqlalchemy as sa

from twinstream.collector.sink import SinkAwayError, SinkError


class Meaning(Enum):
    """What to do about an error."""

    AWAY = auto()
    """The database cannot be reached or does not answer: wait. Whether a commit has happened is unknown."""
    FULL = auto()
    """There is no room: wait for somebody to make some."""
    CONFLICT = auto()
    """Two transactions were in each other's way: the same again, at once."""
    FINAL = auto()
    """Waiting does not help."""


Code = int | str
"""MySQL's error number, SQLite's primary result code, or PostgreSQL's SQLSTATE (five characters)."""

MYSQL: dict[Meaning, frozenset[Code]] = {
    Meaning.AWAY: frozenset(
        {
            *(1040, 1203, 1226),  # too many connections: of all, of this user
            *(1053, 1077, 1079, 1080, 1152, 1184, 1927, 4031),  # shutting down, connection ended
            *(1158, 1159, 1160, 1161),  # network
            1205,  # somebody holds a lock for long
            *(1290, 1836, 3100),  # read-only: a replica before it takes over
            *(2002, 2003, 2006, 2013, 2014, 2055),  # the client's own: refused, gone away, lost
        }
    ),
    Meaning.FULL: frozenset({3, 28, 1021, 1026, 1041, 1114}),
    Meaning.CONFLICT: frozenset({1020, 1213}),
}
"""Source: the server error references of MySQL and MariaDB, and MySQL's client error reference."""

SQLITE: dict[Meaning, frozenset[Code]] = {
    Meaning.AWAY: frozenset({5, 6, 10}),  # busy, locked, input or output failed
    Meaning.FULL: frozenset({13}),
}
"""Source: sqlite.org/rescode.html."""

POSTGRESQL: dict[Meaning, frozenset[Code]] = {
    Meaning.AWAY: frozenset({"08", "25006", "53", "55P03", "57", "58"}),
    Meaning.FULL: frozenset({"53100"}),
    Meaning.CONFLICT: frozenset({"40", "42P07"}),  # the latter: another collector made the table just now
}
"""SQLSTATEs, and classes of them (two characters). Source: PostgreSQL's manual, appendix A."""

_NO_RIGHTS = "the user needs the rights CREATE, SELECT, INSERT and UPDATE there"
_PARAMETERS = "look at the parameters in the URL"
_DOUBLED = "its events are in the table already, though its cursor says they are not: one of the two is a copy"

_LOST = 2013
_UNKNOWN_TO_PYMYSQL = 0
"""Stands for what never heals: no MySQL at all, or a way to sign in that PyMySQL does not know."""

REMEDIES: dict[Code, str] = {
    _UNKNOWN_TO_PYMYSQL: "see that MySQL or MariaDB listens there, and that its user signs in with a password",
    **dict.fromkeys((1045, 1698), "check user and password"),
    **dict.fromkeys((1044, 1142, 1143, "42501"), _NO_RIGHTS),
    1049: "make the database first (CREATE DATABASE)",
    1153: "raise max_allowed_packet; nothing was lost",
    **dict.fromkeys((1366, "22P05"), "let the column hold UTF-8 (MySQL: CHARACTER SET utf8mb4); nothing was lost"),
    **dict.fromkeys((1062, 19, "23505"), _DOUBLED),
    8: "see that you may write the file and its folder",
    14: "make its folder first, and see that you may write there",
    26: "choose another file",
}
"""What helps against final errors."""

REFUSALS: dict[str, str] = {
    "authentication failed": "check user and password",
    "no password supplied": "put the password into the URL, or into a .pgpass file",
    "no pg_hba.conf entry": "let the user in from here: pg_hba.conf",
    "does not exist": "make the user or the database first (CREATE ROLE, CREATE DATABASE)",
    "permission denied": _NO_RIGHTS,
    **dict.fromkeys(
        (
            *("invalid value", "invalid sslmode value", "invalid port number", "invalid connection option"),
            *("unrecognized configuration parameter", "does not support SSL"),
        ),
        _PARAMETERS,
    ),
}
"""How PostgreSQL refuses a connection for good, in words: libpq gives no SQLSTATE for it."""


def judge(error: sa.exc.SQLAlchemyError) -> Meaning:
    """Say what an error means."""
    if isinstance(error, sa.exc.TimeoutError):
        return Meaning.AWAY  # all connections hang in a database that does not answer
    if not isinstance(error, sa.exc.DBAPIError):
        return Meaning.FINAL
    code, table = _read_code(error.orig)
    meaning = _find(code, table) or (_find(code[:2], table) if isinstance(code, str) else None)
    if meaning is None and code is None and isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        return Meaning.FINAL if _read_refusal(error.orig) else Meaning.AWAY
    return meaning or (Meaning.AWAY if error.connection_invalidated else Meaning.FINAL)


def translate(error: sa.exc.SQLAlchemyError, place: str) -> SinkAwayError | SinkError:
    """Make an error of the database one of a sink's, with a text for people; ``place`` names the database."""
    if isinstance(error, sa.exc.DBAPIError):
        code, _ = _read_code(error.orig)
        words = _describe(error.orig)
        remedy = _read_refusal(error.orig) if code is None else REMEDIES.get(code, "")
    else:
        words, remedy = "the database does not answer", ""
        if not isinstance(error, sa.exc.TimeoutError):
            words = type(error).__name__
    meaning = judge(error)
    if meaning is Meaning.FINAL:
        return SinkError(f"{place}: {words}; {remedy}" if remedy else f"{place}: {words}")
    return SinkAwayError(f"{place}: {words}", is_full=meaning is Meaning.FULL)


def _read_code(orig: BaseException | None) -> tuple[Code | None, dict[Meaning, frozenset[Code]]]:
    """Return the driver's code and the table to look it up in."""
    driver = type(orig).__module__.partition(".")[0]
    if driver == "pymysql":
        return _read_number(orig), MYSQL
    if driver == "sqlite3":
        code = getattr(orig, "sqlite_errorcode", None)
        return (None if code is None else code & 0xFF), SQLITE
    return getattr(orig, "sqlstate", None), POSTGRESQL


def _read_number(orig: BaseException | None) -> int:
    """Return MySQL's number, or the one that PyMySQL's own words stand for: it has words without a number for a
    connection that is closed or came out of step, and for what greets in another way or refuses its authentication.
    """
    code = orig.args[0] if orig is not None and orig.args else None
    if isinstance(code, int) and code:
        return code
    words = str(orig)
    is_out_of_step = words.startswith("Packet sequence number wrong") and not words.endswith("expected 0")
    is_closed = type(orig).__name__ == "InterfaceError" or words == "Already closed"
    return _LOST if is_out_of_step or is_closed else _UNKNOWN_TO_PYMYSQL


def _find(code: Code | None, table: dict[Meaning, frozenset[Code]]) -> Meaning | None:
    return next((meaning for meaning, codes in table.items() if code in codes), None)


def _read_refusal(orig: BaseException | None) -> str:
    return next((remedy for words, remedy in REFUSALS.items() if words in str(orig)), "")


def _describe(orig: BaseException | None) -> str:
    """Return the database's own words on one line; what follows the first line of PostgreSQL shows values."""
    args = orig.args if orig is not None else ()
    text = str(args[1] if len(args) > 1 and isinstance(args[0], int) else orig)
    words = text.partition("\nDETAIL:")[0].split()
    return " ".join(words) or type(orig).__name__
