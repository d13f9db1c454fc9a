"""What the repositories of all nouns share: a connection, the time, and reading rows.

Invariant: rows are fetched whole before anything else happens, so no statement stays open when a command ends or
raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import apsw

Row = tuple[Any, ...]


class Repository:
    """Base of the repositories; see `sqlite.work` for how they are used."""

    def __init__(self, connection: apsw.Connection, now_s: float) -> None:
        self._connection = connection
        self._now_s = now_s

    def _run(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """Run a statement to its end and answer its rows."""
        return cast("list[Row]", self._connection.execute(statement, values).fetchall())

    def _first(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Row | None:
        """Run a statement to its end and answer its first row, None if it has none."""
        rows = self._run(statement, values)
        return rows[0] if rows else None
