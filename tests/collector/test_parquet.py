"""Parquet: a batch is a file, and the newest name is the cursor."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.collector.events import datapoint, datapoints
from twinstream.client.event import decode_event
from twinstream.collector.sink import SinkAwayError, SinkError, SinkTakenError

pq = pytest.importorskip("pyarrow.parquet")  # in CI it is always there: requirements.lock names it


def make(path: Path) -> Any:
    """A sink whose cursor was asked for, as the runner does."""
    from twinstream.collector.parquet import ParquetSink

    sink = ParquetSink(f"parquet:{path}/")
    sink.open()
    sink.cursor("s")
    return sink


def test_a_batch_is_a_file_whose_name_tells_its_numbers(tmp_path: Path) -> None:
    """All files together are read as one table with the stream as a column."""
    sink = make(tmp_path)
    sink.write("s", datapoints([1, 2]))
    sink.write("s", datapoints([4]))
    sink.close()
    folder = tmp_path / "stream=s"
    assert sorted(path.name for path in folder.glob("*.parquet")) == [
        "000000000001-000000000002.parquet",
        "000000000004-000000000004.parquet",
    ]
    table = pq.read_table(tmp_path)
    assert table["seq"].to_pylist() == [1, 2, 4]
    assert table["stream"].to_pylist() == ["s", "s", "s"]


def test_a_row_has_the_columns_of_the_table_and_a_real_time(tmp_path: Path) -> None:
    """A time that cannot be read is null there; the event beside it still tells it."""
    sink = make(tmp_path)
    unknown = decode_event('{"seq":"3","metadata":{"event_type":"later"}}')
    sink.write("s", [datapoint(1, 21.5), datapoint(2, None, time="yesterday"), unknown])
    sink.close()
    first, second, third = pq.read_table(tmp_path).to_pylist()
    assert first == {
        "seq": 1,
        "event_type": "datapoint",
        "oem_id": "0dfc7900",
        "oem_model": "freezer",
        "dsn": "AC000W000000001",
        "time": datetime(2026, 11, 21, 5, tzinfo=UTC),
        "user_uuid": "u",
        "property": "temperature",
        "value": "21.5",
        "event": datapoint(1, 21.5).text,
        "stream": "s",
    }
    assert (second["time"], second["value"]) == (None, None)
    assert third["event_type"] == "later"


def test_the_cursor_is_the_greatest_number_of_all_names(tmp_path: Path) -> None:
    """Whoever joins files into one keeps it; what is not called so does not count."""
    assert make(tmp_path).cursor("s") is None
    sink = make(tmp_path)
    sink.write("s", datapoints([1, 2]))
    sink.write("s", datapoints([3]))
    sink.close()
    folder = tmp_path / "stream=s"
    for path in folder.glob("*.parquet"):
        path.unlink()
    (folder / "000000000001-000000000003.parquet").touch()
    (folder / "000000000001-000000000009.parquet.bak").touch()
    assert make(tmp_path).cursor("s") == 3
    assert make(tmp_path).cursor("another.one/..") is None


def test_what_a_crash_has_left_counts_for_nothing_and_is_removed(tmp_path: Path) -> None:
    """A file has its name only when it is whole."""
    sink = make(tmp_path)
    sink.write("s", datapoints([1]))
    sink.close()
    left = tmp_path / "stream=s" / ".000000000002-000000000009.tmp"
    left.write_bytes(b"PAR1")
    sink = make(tmp_path)
    assert sink.cursor("s") == 1
    assert pq.read_table(tmp_path)["seq"].to_pylist() == [1]
    sink.write("s", datapoints([2]))
    sink.close()
    assert not left.exists()
    assert pq.read_table(tmp_path)["seq"].to_pylist() == [1, 2]


def test_only_one_writes_a_stream(tmp_path: Path) -> None:
    """Whoever comes second is told, whether the first is still there or not."""
    first, second, third = (make(tmp_path) for _ in range(3))
    first.write("s", datapoints([1]))
    with pytest.raises(SinkTakenError, match="another collector writes this"):
        second.write("s", datapoints([1]))
    first.close()
    with pytest.raises(SinkTakenError, match="it is at 1, this one was at None"):
        third.write("s", datapoints([1]))


def test_a_full_disk_is_waited_for_and_nothing_of_the_batch_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same batch again is whole."""
    sink = make(tmp_path)
    sink.write("s", datapoints([1]))

    def write(descriptor: int, content: memoryview) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        with pytest.raises(SinkAwayError, match="make room") as caught:
            sink.write("s", datapoints([2]))
    assert caught.value.is_full
    assert len(os.listdir(tmp_path / "stream=s")) == 2  # the first batch and the lock
    sink.write("s", datapoints([2]))
    sink.close()
    assert pq.read_table(tmp_path)["seq"].to_pylist() == [1, 2]


def test_options_are_refused() -> None:
    """There are none."""
    from twinstream.collector.parquet import ParquetSink

    with pytest.raises(SinkError, match="has no options"):
        ParquetSink("parquet:lake/?rotate=day")
