"""Where a session begins: the query string's numbers and the log's start point become one `Opening`.

Pure. Whoever opens a socket asks `wanted_seq` what to ask the log for, asks the log, and gives its answer to `open_at`.
"""

from __future__ import annotations

import msgspec

from twinstream.ports.log import Cursor, StartPoint

MAX_SEQ = 2**63 - 1
"""The largest number that a query may name (errors.py, ``bad_seq_start``)."""


class Opening(msgspec.Struct, frozen=True):
    """How a session begins and what it may do.

    ``start``: where to begin counting. Matches numbered at or below ``skip_through`` are counted, not sent; if
    ``live``, all are until the session is level with the tail for the first time. After ``seq_end`` it closes 1000.
    ``observe``: answers to heartbeats never move the remembered acknowledgement (nor do they with ``seq_end``).
    ``batch_size``: 1 to 1000 records a message.
    """

    subscription_id: int
    start: Cursor
    skip_through: int = 0
    seq_end: int | None = None
    live: bool = False
    observe: bool = False
    batch_size: int = 1


def wanted_seq(seq_start: int | None, *, live: bool) -> int:
    """Answer the ``wanted_seq`` for `EventLog.start_point`: the number asked for, or what makes counting cheapest."""
    if seq_start is not None:
        return max(seq_start, 1)
    return MAX_SEQ if live else 1


def open_at(
    point: StartPoint,
    *,
    subscription_id: int,
    seq_start: int | None = None,
    seq_end: int | None = None,
    live: bool = False,
    observe: bool = False,
    batch_size: int = 1,
) -> Opening:
    """Decide where a session begins, given what `EventLog.start_point` answered to `wanted_seq`.

    ``seq_start`` None: after the last acknowledged event, or (``live``) at the head; 0: at the oldest kept; n: at n,
    and if that is trimmed the session itself starts at the oldest kept and reports the gap. ``seq_end`` without
    ``seq_start`` is ignored.
    """
    if seq_start is None:
        start, skip_through, seq_end = (point.bookmark if live else point.acknowledged), 0, None
    else:
        live, start = False, point.bookmark
        skip_through = (seq_start or point.oldest_seq) - 1
    return Opening(subscription_id, start, skip_through, seq_end, live, observe, batch_size)
