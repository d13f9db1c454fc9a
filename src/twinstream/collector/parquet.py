"""Events into a folder of Parquet files, each exactly once.

Owns the files, their columns, and the cursor in their names; knows nothing of streams but their names.

The layout. A batch is a file, ``FOLDER/stream=NAME/FIRST-LAST.parquet`` with the numbers of the first and the last
event in it; tools that know Hive's partitions (pyarrow, DuckDB, Spark, Polars) show ``stream`` as a column. Therefore:

1. The cursor is the greatest LAST of all names. Nothing else is kept, so events and cursor cannot come apart.
2. A file is written under another name, ``.FIRST-LAST.tmp``, made durable, and renamed, and the folder is made durable:
   under its name it is whole. What a crash leaves under the other name is removed before the next file is written.
3. Whoever writes holds a lock on ``.lock``, and finds the cursor anew when it takes it.

Whoever joins small files into a big one keeps all this if the new file is called FIRST-LAST.parquet too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from twinstream.client import Event
from twinstream.collector.disk import judging, lock, quote_name, sync_folder, write_all
from twinstream.collector.row import FIELDS, read_row
from twinstream.collector.sink import SinkError, SinkTakenError, go_on

SCHEMA = pa.schema(
    [
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("event_type", pa.string()),
        pa.field("oem_id", pa.string()),
        pa.field("oem_model", pa.string()),
        pa.field("dsn", pa.string()),
        pa.field("time", pa.timestamp("us", tz="UTC")),
        pa.field("user_uuid", pa.string()),
        pa.field("property", pa.string()),
        pa.field("value", pa.string()),
        pa.field("event", pa.string(), nullable=False),
    ]
)
"""The columns: those of the table `events`, with a real time (None where the event's cannot be read)."""

_NAME = re.compile(r"(\d+)-(\d+)\.parquet")


class ParquetSink:
    """A sink for ``parquet:FOLDER/``."""

    def __init__(self, url: str) -> None:
        """Make it, without touching the disk.

        Raises:
            SinkError: something stands behind a question mark.
        """
        path, _, query = url.removeprefix("parquet:").partition("?")
        if query:
            raise SinkError("a folder of Parquet files has no options; expected parquet:FOLDER/")
        self._path = Path(path)
        self._locks: dict[str, int] = {}
        self._known: dict[str, int | None] = {}

    def open(self) -> None:
        """See `sink.Sink.open`: makes the folder."""
        with judging(self._path):
            self._path.mkdir(parents=True, exist_ok=True)

    def cursor(self, stream: str) -> int | None:
        """See `sink.Sink.cursor`. It changes nothing."""
        folder = self._folder(stream)
        with judging(folder):
            self._known[stream] = _find_last(folder)
        return self._known[stream]

    def cursors(self) -> dict[str, int]:
        """Return the cursor of every stream that is here; it changes nothing."""
        folders = self._path.glob("stream=*")
        found = {unquote(folder.name.removeprefix("stream=")): _find_last(folder) for folder in sorted(folders)}
        return {stream: seq for stream, seq in found.items() if seq is not None}

    def write(self, stream: str, events: Sequence[Event], release: Callable[[], None] = go_on) -> None:
        """See `sink.Sink.write`."""
        folder = self._folder(stream)
        content = _encode(events)
        release()
        with judging(folder):
            if stream not in self._locks:
                self._locks[stream] = self._take(folder, stream)
            name = f"{events[0].seq:012}-{events[-1].seq:012}"
            _write_file(folder, name, content)
        self._known[stream] = events[-1].seq

    def close(self) -> None:
        """See `sink.Sink.close`."""
        while self._locks:
            os.close(self._locks.popitem()[1])

    def _folder(self, stream: str) -> Path:
        return self._path / f"stream={quote_name(stream)}"

    def _take(self, folder: Path, stream: str) -> int:
        """Lock the stream's folder, make sure that nobody has written since, and remove what a crash has left."""
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            lock(descriptor, folder)
            seq, known = _find_last(folder), self._known[stream]
            if seq != known:
                raise SinkTakenError(
                    f"{folder}: another collector writes the stream {stream!r}: it is at {seq}, this one was at "
                    f"{known}; end one of them"
                )
            for left in folder.glob(".*.tmp"):
                left.unlink()
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor


def _encode(events: Sequence[Event]) -> pa.Buffer:
    rows = [read_row(event) for event in events]
    columns = {name: [row[at] for row in rows] for at, name in enumerate(FIELDS)}
    columns["time"] = [event.time for event in events]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, schema=SCHEMA), sink, compression="zstd")
    return sink.getvalue()


def _write_file(folder: Path, name: str, content: pa.Buffer) -> None:
    """Make a file that is there whole or not at all, also after a power cut."""
    beside = folder / f".{name}.tmp"
    try:
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            write_all(descriptor, memoryview(content))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        beside.rename(folder / f"{name}.parquet")
        sync_folder(folder)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _find_last(folder: Path) -> int | None:
    """Return the greatest number in the names of a folder; None if there is none, or no folder."""
    if not folder.is_dir():
        return None
    found = (_NAME.fullmatch(name) for name in os.listdir(folder))
    return max((int(match[2]) for match in found if match), default=None)
