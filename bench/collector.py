"""Measure the collector beside plain bulk inserts: `python bench/collector.py [--quick] [DATABASE...]`.

Both put the same events into the same empty table of the same database with the same driver, in the same number per
transaction, and take turns. The plain inserts have their rows ready in memory and do nothing else: an ``executemany``
and a commit per batch. The collector reads the events from a WebSocket, takes them apart, checks their numbers, and
moves its cursor with each batch. The frames come ready made from a process of its own, `replay`. The figures are events
per second, from the start (the collector: before it connects) to the last commit; medians of the rounds with their
middle half.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import sqlalchemy as sa

from bench import machine
from bench.replay import make_messages
from bench.report import Figure
from tests.databases import running_database
from twinstream.client import Event, Stream, connect
from twinstream.client.event import decode_event
from twinstream.client.frame import split_message
from twinstream.client.unread import number_event
from twinstream.collector.batch import Limits
from twinstream.collector.progress import State
from twinstream.collector.runner import Source, run_collector
from twinstream.collector.sql import SqlSink

DATABASES = ("sqlite", "mariadb", "postgresql")
LIMITS = Limits(batch_age_s=60)
"""Batches as large as the collector makes them by default; here none waits for its age."""


class Bench:
    """A database, and the two ways to fill it with ``events``."""

    def __init__(self, url: str, stream: str, events: list[Event]) -> None:
        self._url = url
        self._stream = stream
        self._count = len(events)
        self._engine = sa.create_engine(url, poolclass=sa.NullPool)
        sink = self._empty()
        assert sink._insert is not None
        self._sql = sink._insert.sql
        self._rows = sink._insert.make_rows("bench", events)

    def insert(self) -> float:
        """Insert the rows with the plain driver; return events per second."""
        self._empty()
        connection = self._engine.raw_connection()
        cursor = connection.cursor()
        began = time.perf_counter()
        for first in range(0, self._count, LIMITS.batch_events):
            cursor.executemany(self._sql, self._rows[first : first + LIMITS.batch_events])
            connection.commit()
        took_s = time.perf_counter() - began
        connection.close()
        return self._count / took_s

    def collect(self) -> float:
        """Collect the stream; return events per second."""
        sink = self._empty()
        source = Source("bench", self._connect, sink, LIMITS)
        (progress,) = asyncio.run(run_collector([source], now=time.perf_counter))
        assert progress.state is State.ENDED, progress.reason
        assert progress.written == self._count, progress
        assert progress.started_at is not None
        assert progress.written_at is not None
        with self._engine.connect() as database:
            found = database.exec_driver_sql("SELECT count(*), count(DISTINCT seq) FROM events").one()
        assert tuple(found) == (self._count, self._count)
        return self._count / (progress.written_at - progress.started_at)

    def _connect(self, _: int) -> Stream:
        return connect(self._stream, seq_start=1, seq_end=self._count, decode=number_event)

    def _empty(self) -> SqlSink:
        with self._engine.begin() as connection:
            for name in sa.inspect(connection).get_table_names():
                connection.exec_driver_sql(f"DROP TABLE {name}")
        sink = SqlSink(self._url)
        sink.open()
        sink.close()
        return sink


def measure(kind: str, stream: str, events: list[Event], rounds: int, folder: Path) -> tuple[Figure, Figure, Figure]:
    """Let the two take turns; return events per second of either, and collector / plain of each round in percent."""
    with database_of(kind, folder) as url:
        bench = Bench(url, stream, events)
        ways: tuple[Callable[[], float], ...] = (bench.insert, bench.collect)
        for way in ways:
            way()  # so that caches and files are warm for both
        figures: list[list[float]] = [[way() for way in ways] for _ in range(rounds)]
    plain, collected = zip(*figures, strict=True)
    return Figure.of(plain), Figure.of(collected), Figure.of([100 * c / p for p, c in figures])


@contextmanager
def database_of(kind: str, folder: Path) -> Iterator[str]:
    """Give the URL of an empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'events.db'}"
    else:
        with running_database(kind) as server:
            yield server.url


@contextmanager
def playing(count: int) -> Iterator[str]:
    """Start the server of ready frames; give the stream's URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.replay", str(count)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parent.parent,
    )
    try:
        assert process.stdout is not None
        yield f"ws://127.0.0.1:{int(process.stdout.readline())}/stream?stream_key=bench"
    finally:
        process.kill()
        process.communicate()


def main() -> int:
    """Run it and print a table; 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("databases", nargs="*", default=DATABASES, metavar="DATABASE", help=", ".join(DATABASES))
    parser.add_argument("--quick", action="store_true", help="fewer events and rounds")
    arguments = parser.parse_args()
    count, rounds = (20_000, 3) if arguments.quick else (60_000, 7)
    events = [decode_event(text) for message in make_messages(count) for text in split_message(message)]
    size = statistics.mean(len(event.text) for event in events)
    print(f"{count} events of {size:.0f} bytes, {LIMITS.batch_events} per transaction, {rounds} rounds")
    with tempfile.TemporaryDirectory(prefix="twinstream-") as folder, playing(count) as stream:
        described: dict[str, Any] = machine.describe(Path(folder))
        print("; ".join(f"{name} {said}" for name, said in described.items()))
        print(f"{'':<12}{'plain inserts/s':>26}{'collected/s':>26}{'collector, % of plain':>26}")
        for kind in arguments.databases:
            plain, collected, share = measure(kind, stream, events, rounds, Path(folder))
            print(f"{kind:<12}{plain.text(0):>26}{collected.text(0):>26}{share.text(0):>26}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
