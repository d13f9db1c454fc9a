"""What the sinks wrote, read back by `truth.rows`: every database tells it alike."""

from __future__ import annotations

from tests.collector.conftest import Database
from tests.collector.events import datapoint, make_event
from twinstream.collector.sql import SqlSink
from twinstream.truth.rows import read_rows
from twinstream.truth.verdict import Row


def test_a_verifier_reads_what_the_collector_wrote(database: Database) -> None:
    """In order and with values in their own types, whatever the database makes of them."""
    events = [
        datapoint(1, 21.5),
        datapoint(2, "a|Z \u00fc\U0001f600 \\ \" '"),
        make_event(3, "connectivity", connection={"status": "Online", "event_time": None, "user_uuid": None}),
        datapoint(4, 1),
    ]
    sink = SqlSink(database.url)
    sink.open()
    sink.cursor("freezers")
    sink.write("freezers", events[:2])
    sink.write("freezers", events[2:])
    sink.close()
    rows = list(read_rows(database.url))
    assert [row.value for row in rows] == [21.5, "a|Z \u00fc\U0001f600 \\ \" '", None, 1]
    assert rows[2] == Row("freezers", 3)
    assert rows[3] == Row("freezers", 4, "1ff9b91c-bfe4-11e8-1261-67d251d3ec96", "AC000W000340649", "Blue_LED", 1)
