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
    monotonic_s: Callable[[], float],
    notify: Callable[[Verdict], None],
) -> Verdict:
    """Compare, again and again until nothing is missing; answer the verdict.

    No look begins later than ``wait_s`` after the first verdict, however long looking takes. What is missing is what
    was accepted before the first look. ``notify`` is told of every verdict that time may better.

    Raises:
        TruthError, CommandError: something cannot be read.
    """
    required = {one.id for one in read_truth(truth) if one.id is not None}
    deadline_s: float | None = None
    while True:
        rows = list(read_rows(url, table, stream))
        verdict = judge(read_truth(truth), rows, required=required)
        if not verdict.findings["missing"].count or wait_s <= 0:
            return verdict
        now_s = monotonic_s()
        deadline_s = now_s + wait_s if deadline_s is None else deadline_s
        if now_s >= deadline_s:
            return verdict
        notify(verdict)
        sleep(min(POLL_S, deadline_s - now_s))
