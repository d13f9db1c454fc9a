"""Batch after batch into a file sink, for `test_power`; each last number is told when the sink has it.

``python -m tests.collector.load KIND URL [careless]``; careless: the bug that nothing is synced.
"""

from __future__ import annotations

import os
import sys

from tests.collector.events import datapoint
from twinstream.collector.lines import LinesSink
from twinstream.collector.parquet import ParquetSink

BATCHES = 150


def main(url: str, how: str = "") -> None:
    """Write until killed, or long enough."""
    sink = LinesSink(url) if url.startswith("jsonl:") else ParquetSink(url)
    if how == "careless":
        os.fsync = os.fdatasync = _forget  # type: ignore[assignment]
    sink.open()
    seq = sink.cursor("s") or 0
    for _ in range(BATCHES):
        sink.write("s", [datapoint(seq + number, "x" * 300) for number in range(1, 11)])
        seq += 10
        print(seq, flush=True)  # noqa: T201
    sys.stdin.read()


def _forget(descriptor: int) -> None:
    """Sync nothing."""


if __name__ == "__main__":
    main(*sys.argv[1:])
