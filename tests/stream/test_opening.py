"""The numbers of a query decide where a session begins."""

from __future__ import annotations

import pytest

from twinstream.ports.log import Cursor, StartPoint
from twinstream.stream.opening import MAX_SEQ, Opening, open_at, wanted_seq

POINT = StartPoint(bookmark=Cursor(40, 4), oldest_seq=3, acknowledged=Cursor(70, 7))


@pytest.mark.parametrize(
    ("seq_start", "seq_end", "live", "opening"),
    [
        (None, None, False, Opening(1, Cursor(70, 7))),
        (None, None, True, Opening(1, Cursor(40, 4), live=True)),
        (None, 9, False, Opening(1, Cursor(70, 7))),
        (0, None, False, Opening(1, Cursor(40, 4), skip_through=2)),
        (6, None, False, Opening(1, Cursor(40, 4), skip_through=5)),
        (6, None, True, Opening(1, Cursor(40, 4), skip_through=5)),
        (6, 9, False, Opening(1, Cursor(40, 4), skip_through=5, seq_end=9)),
        (MAX_SEQ, None, False, Opening(1, Cursor(40, 4), skip_through=MAX_SEQ - 1)),
    ],
)
def test_openings(seq_start: int | None, seq_end: int | None, live: bool, opening: Opening) -> None:
    """No number: behind the acknowledgement, or live. 0: all that is kept. n: from n on. The end needs a start."""
    assert open_at(POINT, subscription_id=1, seq_start=seq_start, seq_end=seq_end, live=live) == opening


@pytest.mark.parametrize(
    ("seq_start", "live", "wanted"),
    [(None, False, 1), (None, True, MAX_SEQ), (0, False, 1), (6, False, 6), (6, True, 6)],
)
def test_wanted_seq(seq_start: int | None, live: bool, wanted: int) -> None:
    """The log is asked for a place before the wanted number; whoever starts live wants the nearest to the head."""
    assert wanted_seq(seq_start, live=live) == wanted
    assert MAX_SEQ == 9223372036854775807
