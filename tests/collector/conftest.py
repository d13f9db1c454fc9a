"""What the collector's tests share: an empty database of each kind, on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.databases import DatabaseServer, running_database


@dataclass
class Database:
    """An empty database. ``server`` is None for SQLite."""

    kind: str
    url: str
    server: DatabaseServer | None = None
    _engine: sa.Engine = field(init=False)

    def __post_init__(self) -> None:
        self._engine = sa.create_engine(self.url, poolclass=sa.NullPool)

    def execute(self, *statements: str) -> list[Any]:
        """Run statements in a transaction of their own; the rows of the last, as tuples."""
        with self._engine.begin() as connection:
            results = [connection.exec_driver_sql(statement) for statement in statements]
            return [tuple(row) for row in results[-1]] if results[-1].returns_rows else []

    def clear(self) -> None:
        """Drop all tables."""
        names = sa.inspect(self._engine).get_table_names()
        if names:
            self.execute(*(f"DROP TABLE {name}" for name in names))


KINDS = (
    "sqlite",
    pytest.param("mariadb", marks=pytest.mark.needs("mariadb")),
    pytest.param("postgresql", marks=pytest.mark.needs("postgresql")),
)


@pytest.fixture(scope="session")
def _servers() -> Iterator[dict[str, DatabaseServer]]:
    """The servers that run by now; they end with the tests."""
    with ExitStack() as stack:
        servers = _Servers(stack)
        yield servers


class _Servers(dict[str, DatabaseServer]):
    def __init__(self, stack: ExitStack) -> None:
        super().__init__()
        self._stack = stack

    def __missing__(self, kind: str) -> DatabaseServer:
        self[kind] = self._stack.enter_context(running_database(kind))
        return self[kind]


def make_database(kind: str, folder: Path, servers: dict[str, DatabaseServer]) -> Database:
    """An empty database of that kind."""
    if kind == "sqlite":
        return Database(kind, f"sqlite:///{folder / 'events.db'}")
    server = servers[kind]
    database = Database(kind, server.url, server)
    database.clear()
    return database


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path, _servers: dict[str, DatabaseServer]) -> Database:
    """An empty database of every kind."""
    return make_database(request.param, tmp_path, _servers)


@pytest.fixture(params=KINDS[1:])
def served(request: pytest.FixtureRequest, tmp_path: Path, _servers: dict[str, DatabaseServer]) -> Database:
    """An empty database of every kind that has a server."""
    return make_database(request.param, tmp_path, _servers)


@pytest.fixture
def mariadb(tmp_path: Path, _servers: dict[str, DatabaseServer]) -> Database:
    """An empty database in MariaDB; the test needs("mariadb")."""
    return make_database("mariadb", tmp_path, _servers)


@pytest.fixture
def postgresql(tmp_path: Path, _servers: dict[str, DatabaseServer]) -> Database:
    """An empty database in PostgreSQL; the test needs("postgresql")."""
    return make_database("postgresql", tmp_path, _servers)
