"""What the sinks wrote, read back by `truth.rows`: every database tells it alike."""

from __future__ import annotations

import json

from tests.collector.conftest import Database
from twinstream.client.event import Event, decode_event
from twinstream.collector.sql import SqlSink
from twinstream.truth.rows import read_rows
from twinstream.truth.verdict import Row

TEXT = "a|Z \u00fc\U0001f600 \\ \" '"


def datapoint(seq: int, value: object) -> Event:
    """A datapoint event."""
    said = {"event_type": "datapoint", "dsn": "A", "property_name": "level"}
    return decode_event(
        json.dumps({"seq": str(seq), "metadata": said, "datapoint": {"id": f"id-{seq}", "value": value}})
    )


def online(seq: int) -> Event:
    """A connectivity event."""
    said = {"event_type": "connectivity", "dsn": "A"}
    return decode_event(json.dumps({"seq": str(seq), "metadata": said, "connection": {"status": "Online"}}))


def test_a_verifier_reads_what_the_collector_wrote(database: Database) -> None:
    """In order and with values in their own types, whatever the database makes of them."""
    sink = SqlSink(database.url)
    sink.open()
    sink.cursor("freezers")
    sink.write("freezers", [datapoint(1, 21.5), datapoint(2, TEXT)])
    sink.write("freezers", [online(3), datapoint(4, 1)])
    sink.close()
    rows = list(read_rows(database.url))
    assert [row.value for row in rows] == [21.5, TEXT, None, 1]
    assert rows[2:] == [Row("freezers", 3), Row("freezers", 4, "id-4", "A", "level", 1)]
