"""Inserting many rows at once."""

from __future__ import annotations

import apsw
import pytest

from twinstream.sqlite.insert import insert_rows


@pytest.mark.parametrize("count", [0, 1, 2, 3, 255, 256, 257, 700])
def test_all_rows_are_inserted_in_their_order(count: int) -> None:
    """Whatever the number, every row arrives once, in order, in few statements."""
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY AUTOINCREMENT, a, b)")
    rows = [(number, str(number)) for number in range(count)]
    statements: list[str] = []
    connection.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: statements.append(event["sql"]))
    insert_rows(connection, "INSERT INTO t (a, b)", rows)
    connection.trace_v2(0)
    assert connection.execute("SELECT a, b FROM t ORDER BY n").fetchall() == rows
    assert len(statements) <= 9
