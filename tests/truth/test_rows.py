"""Rows, read back from what a collector wrote: databases, real ones, and files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from twinstream.exits import CommandError
from twinstream.truth.journal import Value
from twinstream.truth.rows import read_event, read_rows
from twinstream.truth.verdict import Row

EVENT = (
    '{"seq":"7","metadata":{"oem_id":"0dfc7900","oem_model":"pad","dsn":"A","property_name":"level","event_type":'
    '"datapoint"},"datapoint":{"id":"id-1","value":%s}}'
)
ONLINE = '{"seq":"8","metadata":{"dsn":"A","event_type":"connectivity"},"connection":{"status":"Online"}}'


@pytest.fixture
def database(tmp_path: Path) -> Callable[..., str]:
    """Runs statements in a new database file; answers its URL."""
    url = f"sqlite:///{tmp_path / 'events.db'}"

    def run(*statements: str, **values: object) -> str:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(sa.text(statement), values)
        return url

    return run


TABLE = "CREATE TABLE events (id INTEGER PRIMARY KEY, stream TEXT, seq INTEGER, event TEXT, dsn TEXT)"


@pytest.mark.parametrize(("said", "value"), [("20", 20), ("21.5", 21.5), ('"a|Z"', "a|Z"), ("null", None)])
def test_a_datapoint_event_is_a_row(said: str, value: Value | None) -> None:
    """With its value in its own type: the columns beside the JSON would have it as text."""
    assert read_event("s", 7, EVENT % said) == Row("s", 7, "id-1", "A", "level", value)


def test_other_events_have_a_number_only() -> None:
    """An acknowledgement too, though it bears the id of its datapoint."""
    assert read_event("s", 8, ONLINE) == Row("s", 8)
    assert read_event("s", 7, (EVENT % 1).replace('"datapoint"},', '"datapointack"},')) == Row("s", 7)


def test_a_table_is_read_in_its_order(database: Callable[..., str]) -> None:
    """By id, not by number; rows that no stream brought are left out; one stream can be chosen."""
    insert = "INSERT INTO events (stream, seq, event) VALUES"
    url = database(
        TABLE,
        f"{insert} ('s', 8, :online)",
        f"{insert} ('s', 7, :event)",
        f"{insert} ('t', 1, :event)",
        "INSERT INTO events (dsn) VALUES ('A')",
        online=ONLINE,
        event=EVENT % 1,
    )
    assert [(row.stream, row.seq, row.id) for row in read_rows(url)] == [
        ("s", 8, None),
        ("s", 7, "id-1"),
        ("t", 1, "id-1"),
    ]
    assert [row.seq for row in read_rows(url, stream="t")] == [1]


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (["CREATE TABLE other (id INTEGER)"], "no table events"),
        (["CREATE TABLE events (id INTEGER, dsn TEXT)"], "no column stream, seq, event"),
        ([TABLE, "INSERT INTO events (stream, seq, event) VALUES ('s', 7, 'nonsense')"], "s #7 holds no event"),
    ],
)
def test_a_table_that_does_not_tell_is_refused(database: Callable[..., str], statements: list[str], told: str) -> None:
    """The documents' own table, say, has no numbers: with it nothing can be proved."""
    with pytest.raises(CommandError, match=told):
        list(read_rows(database(*statements)))


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """Looking leaves nothing behind."""
    with pytest.raises(CommandError, match="twinstream collect"):
        list(read_rows(f"sqlite:///{tmp_path / 'events.db'}"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["nonsense", "oracle://host/db", "sqlite://", "jsonl:"])
def test_a_url_that_is_none_is_told(url: str) -> None:
    """With what is expected."""
    with pytest.raises(CommandError, match="sqlite"):
        list(read_rows(url))


@pytest.mark.parametrize(
    "url", ["postgresql://me:hunter2@127.0.0.1:1/db", "mysql://me@127.0.0.1:1/db?password=hunter2"]
)
def test_no_password_is_told(url: str) -> None:
    """Wherever it stands in the URL of a database that cannot be reached."""
    with pytest.raises(CommandError, match=r"127\.0\.0\.1") as caught:
        list(read_rows(url))
    assert "hunter2" not in str(caught.value)
