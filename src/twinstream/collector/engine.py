"""How a database is reached: drivers, time-outs, and what no URL may change.

Owns SQLAlchemy's engines; knows no tables. Invariant: whatever the URL and the server's configuration say, a connection
waits for our commit, cuts no value, and sends every text.
"""

from __future__ import annotations

import warnings
from typing import Any

import sqlalchemy as sa

from twinstream.collector.sink import SinkError

DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
"""The databases, by the scheme of their URL, and the driver of each."""
CONNECTIONS = 4
"""Most connections at once: batches of so many streams are written side by side. SQLite has one writer anyway."""
ANSWER_TIMEOUT_S = 60
"""A database that leaves a statement without an answer for so long is away; longer than MySQL's wait for a lock."""
CONNECT_TIMEOUT_S = 10

_TIMEOUTS: dict[str, dict[str, int]] = {
    "sqlite+pysqlite": {"timeout": 5},
    "mysql+pymysql": {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "read_timeout": ANSWER_TIMEOUT_S,
        "write_timeout": ANSWER_TIMEOUT_S,
    },
    "postgresql+psycopg": {"connect_timeout": CONNECT_TIMEOUT_S, "tcp_user_timeout": ANSWER_TIMEOUT_S * 1000},
}
_TEXT: dict[str, dict[str, Any]] = {
    "sqlite+pysqlite": {},
    "mysql+pymysql": {"charset": "utf8mb4", "use_unicode": True},
    "postgresql+psycopg": {"client_encoding": "utf8"},
}
"""How texts go to the database, whatever the URL says: nothing else takes every event."""


def make_engine(url: str) -> sa.Engine:
    """Make SQLAlchemy's engine for a database that is known here, with time-outs and without silent truncation.

    Raises:
        SinkError: the URL is not one of those, or its driver is not installed.
    """
    try:
        parsed = sa.make_url(url)
        backend = parsed.get_backend_name()
        engine_url = parsed.set(drivername=DRIVERS[backend])
    except (sa.exc.ArgumentError, KeyError, ValueError):
        raise SinkError(f"that is no URL of a database known here; expected one of {', '.join(DRIVERS)}") from None
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise SinkError("an SQLite database in memory would be lost; name a file: sqlite:///events.db")
    terms: dict[str, Any] = {"pool_size": CONNECTIONS, "max_overflow": 0, "pool_timeout": ANSWER_TIMEOUT_S}
    arguments: dict[str, Any] = {
        name: limit for name, limit in _TIMEOUTS[engine_url.drivername].items() if name not in parsed.query
    } | _TEXT[engine_url.drivername]
    if backend == "sqlite":
        terms["pool_size"] = 1
    try:
        with warnings.catch_warnings(action="error", category=sa.exc.SAWarning):  # of a name that it does not know
            engine = sa.create_engine(engine_url, connect_args=arguments, hide_parameters=True, **terms)
    except ModuleNotFoundError as error:
        raise SinkError(f"{error.name} is missing; install it with: pip install 'twinstream[collector]'") from None
    except (sa.exc.ArgumentError, sa.exc.SAWarning, ValueError) as error:
        said = str(error).partition(";")[0].partition("(Background")[0].strip()
        raise SinkError(f"the parameters in the URL cannot be: {said}") from None
    if engine.dialect.name == "mysql":
        sa.event.listen(engine, "connect", _be_strict)
    if engine.dialect.name == "postgresql":
        sa.event.listen(engine, "connect", _use_transactions)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _checkpoint_rarely)
    return engine


def open_connection(engine: sa.Engine, place: str) -> sa.Connection:
    """Connect to a database; ``place`` names it for people.

    Raises:
        SinkError: the driver does not understand the URL, or lacks a library.
        sqlalchemy.exc.SQLAlchemyError: anything else.
    """
    try:
        return engine.connect()
    except sa.exc.SQLAlchemyError:
        raise
    except Exception as error:  # drivers have no error of their own for that
        raise SinkError(f"{place}: no connection can be made: {error}; look at the parameters in the URL") from None


def _use_transactions(connection: Any, _: Any) -> None:
    """Have PostgreSQL wait for our commit, whatever the URL says: else rows and cursor come apart."""
    connection.autocommit = False


def _be_strict(connection: Any, _: Any) -> None:
    """Have MySQL refuse what does not fit into a column, whatever its configuration: else it cuts it in silence. And
    have it wait for our commit, whatever the URL says: else rows and cursor come apart.
    """
    connection.autocommit(False)
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = CONCAT_WS(',', NULLIF(@@SESSION.sql_mode, ''), 'STRICT_ALL_TABLES')")


def _checkpoint_rarely(connection: Any, _: Any) -> None:
    """Let SQLite carry its log over into the database every 40 MB, not every 4: a third of the time of an insert.

    A commit is on the disk all the same.
    """
    connection.execute("PRAGMA wal_autocheckpoint=10000").close()
