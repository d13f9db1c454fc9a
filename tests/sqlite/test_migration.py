"""Schema versions."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from twinstream.sqlite.migration import migrate, version_of


def test_a_script_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    """Each script commits together with its number, so a failure (or a kill) half-way leaves no half-made version."""
    first, second = tmp_path / "1.sql", tmp_path / "2.sql"
    first.write_text("CREATE TABLE a (x);")
    second.write_text("CREATE TABLE b (x); CREATE TABLE a (x);")
    connection = apsw.Connection(":memory:")
    backups: list[int] = []
    with pytest.raises(apsw.SQLError, match="already exists"):
        migrate(connection, backups.append, [first, second])
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema")]
    assert (version_of(connection), tables, backups) == (1, ["a"], [])
    second.write_text("CREATE TABLE b (x);")
    migrate(connection, backups.append, [first, second])
    assert (version_of(connection), backups) == (2, [1])
    migrate(connection, backups.append, [first, second])
    assert backups == [1]
