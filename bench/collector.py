"""Measure the collector beside plain bulk inserts: `python bench/collector.py [--quick] [DATABASE...]`.

Both put the same events into the same empty table of the same database with the same driver, in the same number per
transaction, and take turns. The plain inserts have their rows ready in memory and do nothing else: an ``executemany``
and a commit per batch. The collector reads the events from a WebSocket, takes them apart, checks their numbers, and
moves its cursor with each batch. The frames come ready made from a process of its own, `replay`. The figures are events
per second, from the start (the collector: before it connects) to the last commit; and the processor time of this
process for an event, to the closed connection, which other work on the machine disturbs less. Medians of the rounds
with their middle half.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
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
from twinstream.collector.batch import Limits
from twinstream.collector.progress import State
from twinstream.collector.row import read_event
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

    def insert(self) -> tuple[float, float]:
        """Insert the rows with the plain driver; return events per second, and microseconds of processor per event."""
        self._empty()
        connection = self._engine.raw_connection()
        cursor = connection.cursor()
        began, began_cpu = time.perf_counter(), time.process_time()
        for first in range(0, self._count, LIMITS.batch_events):
            cursor.executemany(self._sql, self._rows[first : first + LIMITS.batch_events])
            connection.commit()
        took_s = time.perf_counter() - began
        connection.close()
        return self._count / took_s, (time.process_time() - began_cpu) / self._count * 1e6

    def collect(self) -> tuple[float, float]:
        """Collect the stream; return events per second, and microseconds of processor per event."""
        sink = self._empty()
        source = Source("bench", self._connect, sink, LIMITS)
        began_cpu = time.process_time()
        (progress,) = asyncio.run(run_collector([source], now=time.perf_counter))
        took_cpu_s = time.process_time() - began_cpu
        assert progress.state is State.ENDED, progress.reason
        assert progress.written == self._count, progress
        assert progress.started_at is not None
        assert progress.written_at is not None
        with self._engine.connect() as database:
            found = database.exec_driver_sql("SELECT count(*), count(DISTINCT seq) FROM events").one()
        assert tuple(found) == (self._count, self._count)
        return self._count / (progress.written_at - progress.started_at), took_cpu_s / self._count * 1e6

    def _connect(self, _: int) -> Stream:
        return connect(self._stream, seq_start=1, seq_end=self._count, decode=read_event)

    def _empty(self) -> SqlSink:
        with self._engine.begin() as connection:
            for name in sa.inspect(connection).get_table_names():
                connection.exec_driver_sql(f"DROP TABLE {name}")
        sink = SqlSink(self._url)
        sink.open()
        sink.close()
        return sink


def measure(kind: str, stream: str, events: list[Event], rounds: int, folder: Path) -> list[Figure]:
    """Let the two take turns; return events per second of either, collector / plain of each round in percent, and the
    processor time of either.
    """
    with database_of(kind, folder) as url:
        bench = Bench(url, stream, events)
        gc.freeze()  # the rows that wait in memory are no work of either
        ways: tuple[Callable[[], tuple[float, float]], ...] = (bench.insert, bench.collect)
        for way in ways:
            way()  # so that caches and files are warm for both
        figures = [[way() for way in ways] for _ in range(rounds)]
    plain, plain_cpu, collected, collected_cpu = zip(*((*p, *c) for p, c in figures), strict=True)
    shares = [100 * c / p for p, c in zip(plain, collected, strict=True)]
    return [Figure.of(of) for of in (plain, collected, shares, plain_cpu, collected_cpu)]


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
        heads = ("plain inserts/s", "collected/s", "collector, % of plain", "plain, µs CPU", "collector, µs CPU")
        print(f"{'':<12}" + "".join(f"{head:>26}" for head in heads))
        for kind in arguments.databases:
            found = measure(kind, stream, events, rounds, Path(folder))
            said = [figure.text(digits) for figure, digits in zip(found, (0, 0, 0, 1, 1), strict=True)]
            print(f"{kind:<12}" + "".join(f"{text:>26}" for text in said), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
