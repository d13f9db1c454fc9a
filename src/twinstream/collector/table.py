"""The tables of collected events: the documents' ``events``, what ours has more, and the cursors.

Owns columns and types per database, and what of a table that is there already can be used; writes nothing into it.
Invariant: the documents' CREATE TABLE makes a table that is used as it is, and their INSERT works on ours.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from twinstream.collector.sink import SinkError

DOCUMENTED = ("event_type", "oem_id", "oem_model", "dsn", "time", "user_uuid")
"""The columns of the documents' table beside ``id``; a table without one of them is not ours to write into."""

ADDED = ("stream", "seq", "property", "value", "event")
"""What a table of our making has more. In a table that was there, those are filled that it has with a fitting type."""

LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
"""MySQL's TEXT ends at 64 KiB, and one value may be longer."""
TEXT = sa.Text().with_variant(sa.String(255), "mysql", "mariadb")
"""Names and times. The documents say varchar(32); theirs fit in, and longer ones too."""
NAME = sa.Text().with_variant(mysql.VARCHAR(255, collation="utf8mb4_bin"), "mysql", "mariadb")
"""A stream's name, which differs from others in case too."""
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""64 bits everywhere: SQLite's INTEGER is that, and only under this name it numbers rows by itself."""


def make_events(name: str, metadata: sa.MetaData) -> sa.Table:
    """Describe the events' table as we make it. ``stream`` and ``seq`` may be null: the documents' INSERT has none."""
    return sa.Table(
        name,
        metadata,
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        *(sa.Column(column, TEXT) for column in DOCUMENTED),
        sa.Column("stream", NAME),
        sa.Column("seq", NUMBER),
        sa.Column("property", TEXT),
        sa.Column("value", LONG_TEXT),
        sa.Column("event", LONG_TEXT),
        sa.UniqueConstraint("stream", "seq", name=f"{name}_stream_seq"),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
    )


def make_cursor(name: str, metadata: sa.MetaData) -> sa.Table:
    """Describe the table of cursors: the number of the last event that the events' table holds, per stream."""
    return sa.Table(
        name,
        metadata,
        sa.Column("stream", NAME, primary_key=True),
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
    )


def choose_columns(table: sa.Table) -> list[sa.Column[object]]:
    """Return the columns of a table that was there already which an event fills, in our order.

    Raises:
        SinkError: it is no such table as the documents', or has columns that nobody fills and that must be filled.
    """
    if lacking := [name for name in DOCUMENTED if name not in table.c]:
        raise SinkError(
            f"the table {table.name} lacks the columns {', '.join(lacking)}: it is another one than that of events; "
            "choose another database"
        )
    chosen = [table.c[name] for name in DOCUMENTED]
    chosen += [table.c[name] for name in ADDED if name in table.c and _fits(table.c[name])]
    for column in table.c:
        if column not in chosen and not column.nullable and not _fills_itself(column):
            raise SinkError(
                f"the table {table.name} has a column {column.name} that must not be null and has no default; "
                "give it a default, or allow null"
            )
    return chosen


def limit_lengths(columns: list[sa.Column[object]], dialect: sa.Dialect) -> list[tuple[int, int]]:
    """Return where in a row a column stands that takes only so many characters, and how many."""
    types = (column.type.dialect_impl(dialect) for column in columns)
    lengths = ((position, getattr(type_, "length", None)) for position, type_ in enumerate(types))
    return [(position, length) for position, length in lengths if length is not None]


def explain_length(
    columns: list[sa.Column[object]], limits: list[tuple[int, int]], rows: list[tuple[object, ...]]
) -> str | None:
    """Name a value that is longer than its column takes, and what to do; None if there is none.

    Why not leave that to the database: blanks that are too many at an end are cut by MySQL and PostgreSQL in silence.
    """
    for position, limit in limits:
        for content in {row[position] for row in rows}:  # the same few names come again and again
            if isinstance(content, str) and len(content) > limit:
                column = columns[position]
                return (
                    f"the column {column.table.name}.{column.name} takes {limit} characters, and an event has "
                    f"{len(content)}; make it wider, nothing was lost"
                )
    return None


def _fits(column: sa.Column[object]) -> bool:
    expected = sa.Integer if column.name == "seq" else sa.String
    return isinstance(column.type, expected)


def _fills_itself(column: sa.Column[object]) -> bool:
    """Tell whether the database finds a value: a default, an identity, or the counting key of MySQL and SQLite."""
    return (
        column.server_default is not None
        or column.identity is not None
        or column.computed is not None
        or column is column.table.autoincrement_column
    )
