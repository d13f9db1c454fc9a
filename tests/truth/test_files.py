"""Collected events in files: read in the order in which they were written, whatever the collector is doing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinstream.client.event import Event, decode_event
from twinstream.collector.lines import LinesSink
from twinstream.collector.parquet import ParquetSink
from twinstream.collector.sink import Sink
from twinstream.exits import CommandError
from twinstream.truth.rows import read_rows


def event(seq: int) -> Event:
    """A datapoint event."""
    said = {"event_type": "datapoint", "dsn": "A", "property_name": "level"}
    return decode_event(
        json.dumps({"seq": str(seq), "metadata": said, "datapoint": {"id": f"id-{seq}", "value": f"ü|{seq}"}})
    )


def fill(sink: Sink) -> None:
    """Write two streams in several batches."""
    sink.open()
    for stream in ("a b", "c"):
        sink.cursor(stream)
        for first in range(1, 31, 5):
            sink.write(stream, [event(seq) for seq in range(first, first + 5)])
    sink.close()


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_what_the_collector_wrote_is_read_in_its_order(tmp_path: Path, kind: str) -> None:
    """Each stream's numbers ascend, over rotated files and those of all batches."""
    url = f"{kind}:{tmp_path}/"
    fill(LinesSink(f"{url}?rotate=1KB") if kind == "jsonl" else ParquetSink(url))
    assert len(list(tmp_path.rglob(f"*.{kind}"))) > 4
    for stream in ("a b", "c"):
        rows = list(read_rows(url, stream=stream))
        assert [row.seq for row in rows] == list(range(1, 31))
        assert (rows[6].id, rows[6].dsn, rows[6].property, rows[6].value) == ("id-7", "A", "level", "ü|7")
    assert len(list(read_rows(url))) == 60


def test_one_file_is_read_with_those_that_were_rotated_away(tmp_path: Path) -> None:
    """Named as the collector's output was."""
    sink = LinesSink(f"jsonl:{tmp_path}/e.jsonl?rotate=1KB")
    sink.open()
    sink.cursor("s")
    for seq in range(1, 21):
        sink.write("s", [event(seq)])
    sink.close()
    (tmp_path / "other.jsonl").write_text("not ours\n")
    assert [row.seq for row in read_rows(f"jsonl:{tmp_path}/e.jsonl?rotate=1KB")] == list(range(1, 21))


def test_a_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    """It is not yet collected; a line that is none is told."""
    file = tmp_path / "plain.jsonl"
    file.write_text(event(1).text + "\n" + event(2).text[:20])
    assert [(row.stream, row.seq) for row in read_rows(f"jsonl:{file}")] == [("plain", 1)]
    file.write_text(event(1).text + "\nnonsense\n")
    with pytest.raises(CommandError, match=r"plain\.jsonl, line 2"):
        list(read_rows(f"jsonl:{file}"))


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_place_without_events_is_told(tmp_path: Path, kind: str) -> None:
    """Rather than everything called missing."""
    with pytest.raises(CommandError, match="holds no"):
        list(read_rows(f"{kind}:{tmp_path}/"))
