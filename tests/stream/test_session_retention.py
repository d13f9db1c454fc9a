"""Where retention has removed what a session wants, it is told; nobody is led over a gap in silence."""

from __future__ import annotations

import pytest

from tests.stream.stage import Stage
from twinstream.ports.log import Cursor
from twinstream.stream.limits import StreamLimits


def test_a_trimmed_beginning_is_a_gap() -> None:
    """A reader that asks for what is trimmed starts at the oldest kept, and the gap is told."""
    stage = Stage()
    stage.append("abcde")
    stage.log.trim("o", 3)
    assert stage.connect(seq_start=2).records == ["4:d", "5:e"]
    gap, *more = stage.hub.take_gaps()
    assert (gap.subscription_id, gap.from_seq, gap.through_seq) == (1, 2, 3)
    assert not more
    assert stage.connect(seq_start=0).records == ["4:d", "5:e"]
    assert stage.connect(seq_start=4).records == ["4:d", "5:e"]
    assert not stage.hub.take_gaps()
    assert stage.hub.counters.gaps == 1


def test_an_unacknowledged_beginning_that_is_trimmed_is_a_gap() -> None:
    """Without seq_start, too, nothing is skipped in silence."""
    stage = Stage()
    stage.append("abcde")
    stage.log.store_acknowledgements([(1, Cursor(1, 1))])
    stage.log.trim("o", 3)
    assert stage.connect().records == ["4:d", "5:e"]
    assert [(gap.from_seq, gap.through_seq) for gap in stage.hub.take_gaps()] == [(2, 3)]


@pytest.mark.parametrize(("seq_end", "lost"), [(2, (1, 2)), (3, (1, 3)), (4, (1, 3))])
def test_a_trimmed_range(seq_end: int, lost: tuple[int, int]) -> None:
    """A bounded replay of what is trimmed tells the gap, sends what is left, and closes 1000."""
    stage = Stage()
    stage.append("abcde")
    stage.log.trim("o", 3)
    socket = stage.connect(seq_start=1, seq_end=seq_end)
    assert socket.records == ["4:d"][: seq_end - 3 if seq_end > 3 else 0]
    assert [(gap.from_seq, gap.through_seq) for gap in stage.hub.take_gaps()] == [lost]
    assert socket.close_code == 1000


def test_retention_that_overtakes_an_attached_reader_closes_it() -> None:
    """Whoever has been sent something is never led over a gap in silence: 4410."""
    stage = Stage(page_events=1, ring_records=0)
    stage.append("abcde")
    socket = stage.connect(seq_start=1, serve=False)
    stage.serve(socket, pages=1)
    stage.log.trim("o", 3)
    stage.serve(socket)
    assert socket.records == ["1:a"]
    assert socket.close_code == 4410
    assert not stage.hub.take_gaps()


def test_retention_that_overtakes_a_reader_that_was_live_closes_it() -> None:
    """Whoever was level is attached, also if nothing has been sent to it."""
    stage = Stage(ring_records=0)
    socket = stage.connect()
    socket.session.on_full(stage.now_s)
    stage.append("abc")
    stage.log.trim("o", 2)
    socket.session.on_drained()
    stage.serve(socket)
    assert socket.close_code == 4410


def test_retention_that_overtakes_a_reader_served_from_the_ring_closes_it() -> None:
    """Whoever has been sent something is attached, wherever that came from."""
    stage = Stage(ring_records=2)
    socket = stage.connect(high_water=1, serve=False)
    page = stage.log.page(socket.requests.pop())
    stage.append("ab")
    socket.session.on_page(page)
    assert socket.records == ["1:a"]
    stage.append("cd")
    stage.log.trim("o", 3)
    socket.drain()
    stage.serve(socket)
    assert socket.close_code == 4410


def test_retention_that_takes_nothing_wanted_harms_nobody() -> None:
    """What is at or below the cursor, or not asked for, may go."""
    stage = Stage(page_events=1, ring_records=0)
    stage.append("abcde")
    first, last = stage.connect(seq_start=1, serve=False), stage.connect(seq_start=5, serve=False)
    stage.serve(first, pages=3)
    stage.log.trim("o", 3)
    stage.serve(first)
    stage.serve(last)
    assert first.records == ["1:a", "2:b", "3:c", "4:d", "5:e"]
    assert last.records == ["5:e"]
    assert not stage.hub.take_gaps()


def test_numbers_survive_a_restart_and_a_purge() -> None:
    """After a crash and after everything was trimmed, the next event has the next number."""
    stage = Stage()
    stage.append("abc")
    stage.log.trim("o", 3)
    stage.log.reopen()
    stage.start_hub(StreamLimits())
    socket = stage.connect(seq_start=0)
    stage.append("d")
    assert socket.records == ["4:d"]
