"""The comparison of a truth file with what was collected, once, or until everything has arrived.

Owns when things are read: what was accepted by now, then the rows, then the whole truth. Invariant: so the verdict
holds while fleet and collector go on: what must be there was accepted before the look, and no row is of something that
the truth does not know yet.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twinstream.truth.journal import read_truth
from twinstream.truth.rows import read_rows
from twinstream.truth.verdict import Verdict, judge

POLL_S = 0.5


def verify(
    truth: Path,
    url: str,
    *,
    table: str = "events",
    stream: str | None = None,
    wait_s: float = 0.0,
    sleep: Callable[[float], None],
    notify: Callable[[Verdict], None],
) -> Verdict:
    """Compare, again and again until nothing is missing, but at most ``wait_s`` (of ``sleep``); answer the verdict.

    What is missing is what was accepted before the first look. ``notify`` is told of every verdict
    that time may better.

    Raises:
        TruthError, CommandError: something cannot be read.
    """
    required = {one.id for one in read_truth(truth) if one.id is not None}
    while True:
        rows = list(read_rows(url, table, stream))
        verdict = judge(read_truth(truth), rows, required=required)
        if not verdict.findings["missing"].count or wait_s <= 0:
            return verdict
        notify(verdict)
        wait_s -= POLL_S
        sleep(POLL_S)
