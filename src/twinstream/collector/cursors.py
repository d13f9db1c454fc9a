"""What an output says of itself while no collector runs: the cursor of every stream in it.

Owns asking; changes nothing and makes nothing. Knows nothing of running collectors.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from twinstream.collector.plan import Output
from twinstream.collector.route import make_sink


def read_cursors(output: Output) -> dict[str, int]:
    """Return the number of the last event of each stream in an output; nothing where there is nothing yet.

    Raises:
        SinkError, SinkAwayError: it cannot be asked.
        CommandError: a library is missing.
    """
    sink = make_sink(output)
    try:
        if output.kind in ("jsonl", "parquet"):
            from twinstream.collector.lines import LinesSink

            return cast(LinesSink, sink).cursors()
        return _read_table(output)
    finally:
        sink.close()


def _read_table(output: Output) -> dict[str, int]:
    import sqlalchemy as sa

    from twinstream.collector.engine import make_engine, open_connection
    from twinstream.collector.sql_error import translate
    from twinstream.collector.table import make_cursor

    engine = make_engine(output.url.reveal())
    table = make_cursor("twinstream_cursor", sa.MetaData())
    database = engine.url.database
    try:
        if engine.dialect.name == "sqlite" and not _exists(database):
            return {}
        with open_connection(engine, output.label) as connection:
            if not sa.inspect(connection).has_table(table.name):
                return {}
            rows = connection.execute(sa.select(table.c.stream, table.c.seq))
            return {row.stream: row.seq for row in rows}
    except sa.exc.SQLAlchemyError as error:
        raise translate(error, output.label) from None
    finally:
        engine.dispose()


def _exists(database: str | None) -> bool:
    """Tell whether SQLite's file is there; asking would make it."""
    return database is not None and Path(database).exists()
