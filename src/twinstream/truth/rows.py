"""What a collector has collected, read back as rows: from a database, or from files (`truth.files`).

Owns how an event in such a place becomes a `verdict.Row`, and what is said of places that cannot be judged; reads only.
Invariant: rows come in the order in which they were stored; what no stream brought (rows without stream and number, as
the documents' own INSERT makes them) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from twinstream.errors import TwinstreamError
from twinstream.exits import EX_DATAERR, EX_UNAVAILABLE, CommandError
from twinstream.truth.verdict import Row

if TYPE_CHECKING:
    import sqlalchemy as sa

ROWS_AT_ONCE = 5_000
NEEDED = ("stream", "seq", "event")
"""The columns without which nothing can be told; a table of the collector's own making has them."""


def read_rows(url: str, table: str = "events", stream: str | None = None) -> Iterator[Row]:
    """Yield the rows of a place, named as the collector's outputs are: a database, ``jsonl:PATH``, ``parquet:FOLDER``.

    ``stream``: only those of this one. The table counts for databases.

    Raises:
        CommandError: 65 for a place that holds no such rows, 69 for one that cannot be reached or a missing library.
    """
    from twinstream.collector.plan import make_output
    from twinstream.truth.files import read_lines, read_parquet

    try:
        output = make_output(url)
    except ValueError as error:
        raise CommandError(EX_DATAERR, f"the database: {error}") from None
    path = Path(output.url.reveal().partition(":")[2].partition("?")[0])
    if output.kind == "jsonl":
        rows = read_lines(path)
    elif output.kind == "parquet":
        rows = read_parquet(path)
    else:
        rows = _read_table(output.url.reveal(), output.label, table)
    return (row for row in rows if stream in (None, row.stream))


def read_event(stream: str, seq: int, text: str | bytes) -> Row:
    """Make the row of an event, given its JSON object. Raises msgspec.DecodeError."""
    event = _DECODER.decode(text)
    if event.metadata.event_type != "datapoint" or event.datapoint is None:
        return Row(stream, seq)
    said = event.metadata
    return Row(stream, seq, event.datapoint.id, said.dsn, said.property_name, event.datapoint.value)


class _Metadata(msgspec.Struct, frozen=True):
    event_type: str = ""
    dsn: str | None = None
    property_name: str | None = None


class _Datapoint(msgspec.Struct, frozen=True):
    id: str | None = None
    value: int | float | str | None = None


class _Event(msgspec.Struct, frozen=True):
    """What counts of an event; further members are left alone."""

    metadata: _Metadata = _Metadata()
    datapoint: _Datapoint | None = None


_DECODER = msgspec.json.Decoder(_Event)


def _read_table(url: str, place: str, name: str) -> Iterator[Row]:
    try:
        import sqlalchemy as sa

        from twinstream.collector.engine import make_engine, open_connection
        from twinstream.collector.sink import SinkError
        from twinstream.collector.sql_error import translate
    except ModuleNotFoundError as error:
        raise CommandError(
            EX_UNAVAILABLE, f"{error.name} is missing; install it with: pip install 'twinstream[collector]'"
        ) from None
    try:
        engine = make_engine(url)
    except TwinstreamError as error:
        raise CommandError(EX_DATAERR, f"the database: {error}") from None
    path = engine.url.database
    if engine.dialect.name == "sqlite" and not (path and Path(path).is_file()):
        raise CommandError(EX_DATAERR, f"{place}: there is no such file; `twinstream collect` makes it")
    try:
        with open_connection(engine, place) as connection:
            yield from _read_connection(connection, name, place)
    except SinkError as error:
        raise CommandError(EX_DATAERR, str(error)) from None
    except sa.exc.SQLAlchemyError as error:
        raise CommandError(EX_UNAVAILABLE, str(translate(error, place))) from None
    finally:
        engine.dispose()


def _read_connection(connection: sa.Connection, name: str, place: str) -> Iterator[Row]:
    import sqlalchemy as sa

    if not sa.inspect(connection).has_table(name):
        raise CommandError(EX_DATAERR, f"{place}: has no table {name}; name another with --table")
    table = sa.Table(name, sa.MetaData(), autoload_with=connection)
    if lacking := [column for column in NEEDED if column not in table.c]:
        raise CommandError(
            EX_DATAERR,
            f"{place}: the table {name} has no column {', '.join(lacking)}: its rows do not say what they are of; "
            "let the collector make a table of its own",
        )
    order = table.c.id if "id" in table.c else table.c.seq
    wanted = sa.select(*(table.c[column] for column in NEEDED)).where(table.c.stream.is_not(None)).order_by(order)
    for stream, seq, event in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(wanted):
        text: Any = event if isinstance(event, (str, bytes)) else msgspec.json.encode(event)  # a column of type JSON
        try:
            yield read_event(stream, seq, text)
        except msgspec.DecodeError as error:
            raise CommandError(EX_DATAERR, f"{place}: {name}, {stream} #{seq} holds no event: {error}") from None
