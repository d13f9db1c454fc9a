"""A session has one source at a time, sends every event once, in order, and ends for a reason."""

from __future__ import annotations

import pytest

from tests.stream.stage import Stage, make_filter
from twinstream.errors import Disconnect
from twinstream.model.event import Change, Control
from twinstream.ports.log import Cursor, Page
from twinstream.stream.opening import Opening
from twinstream.stream.state import IllegalMoveError


def test_history_then_live() -> None:
    """A session sends what the log has, then goes live, and numbers go on without a gap."""
    stage = Stage()
    stage.append("abc")
    socket = stage.connect(seq_start=1)
    assert socket.state == "live"
    stage.append("d")
    stage.append("ef")
    assert socket.records == ["1:a", "2:b", "3:c", "4:d", "5:e", "6:f"]
    assert not socket.requests


def test_a_page_that_runs_ahead_of_the_dispatch_is_not_repeated() -> None:
    """R3: what a page has sent is skipped when it is dispatched."""
    stage = Stage()
    stage.append("a")
    stage.append("bc", tell=False)
    socket = stage.connect(seq_start=1)
    assert socket.state == "live"
    stage.log.tell_tail()
    stage.append("d")
    assert socket.records == ["1:a", "2:b", "3:c", "4:d"]


def test_what_is_dispatched_while_a_page_is_read_comes_from_the_ring() -> None:
    """R2: a few records behind, a session goes live without reading again."""
    stage = Stage()
    stage.append("a")
    socket = stage.connect(seq_start=1, serve=False)
    page = stage.log.page(socket.requests.pop())
    stage.append("bc")
    socket.session.on_page(page)
    assert socket.records == ["1:a", "2:b", "3:c"]
    assert socket.state == "live"


def test_what_the_ring_has_not_is_read() -> None:
    """R2: too far behind, a session reads another page."""
    stage = Stage(ring_records=1)
    stage.append("a")
    socket = stage.connect(seq_start=1, serve=False)
    page = stage.log.page(socket.requests.pop())
    stage.append("bc")
    socket.session.on_page(page)
    assert socket.records == ["1:a"]
    assert socket.state == "reading"
    stage.serve(socket)
    assert socket.records == ["1:a", "2:b", "3:c"]


def test_pages_without_a_match_make_progress() -> None:
    """R1: the cursor moves to what was scanned."""
    stage = Stage()
    stage.log.begin_stretch(2, make_filter("rare"))
    stage.append("abcdefgh")
    stage.append("z", dsn="rare")
    socket = stage.connect(subscription_id=2, seq_start=1)
    assert socket.records == ["1:z"]
    assert socket.session.cursor == Cursor(stage.log.head, 1)


def test_a_full_outlet_steps_back_and_goes_on_where_it_was() -> None:
    """R4: full means READING; drained, the session goes on with the next number."""
    stage = Stage()
    socket = stage.connect(seq_start=1, high_water=2)
    stage.append("abcde")
    assert socket.records == ["1:a", "2:b"]
    assert socket.state == "reading"
    assert socket.session.status().full
    assert stage.hub.counters.demotions == 1
    socket.high_water = 100
    socket.drain()
    assert socket.records == ["1:a", "2:b", "3:c", "4:d", "5:e"]
    assert socket.state == "live"


def test_a_page_is_sent_whole_though_the_outlet_gets_full() -> None:
    """R4: the rest of a page is neither lost nor repeated; nothing is read until the outlet has drained."""
    stage = Stage(page_events=4)
    stage.append("abcdef")
    socket = stage.connect(seq_start=1, high_water=2)
    assert socket.records == ["1:a", "2:b", "3:c", "4:d"]
    assert not socket.requests
    socket.high_water = 100
    socket.drain()
    stage.serve(socket)
    assert socket.records == ["1:a", "2:b", "3:c", "4:d", "5:e", "6:f"]
    assert socket.state == "live"


def test_a_page_that_was_asked_for_before_the_outlet_got_full_is_taken() -> None:
    """Full and drained again while a page is read: one page, one request, nothing twice."""
    stage = Stage(page_events=2)
    stage.append("abcd")
    socket = stage.connect(seq_start=1, serve=False)
    socket.session.on_full(stage.now_s)
    socket.session.on_drained()
    assert len(socket.requests) == 1
    stage.serve(socket)
    assert socket.records == ["1:a", "2:b", "3:c", "4:d"]


def test_an_outlet_that_dies_under_a_page_leaves_the_cursor_before_it() -> None:
    """What may not have been sent is not counted as sent."""
    stage = Stage()
    stage.append("abc")
    socket = stage.connect(seq_start=1, serve=False)
    socket.dies_at = 2
    stage.serve(socket)
    assert socket.state == "closed"
    assert socket.session.cursor.seq == 0
    assert len(socket.messages) == 2
    assert socket.close_code is None


def test_a_session_that_closes_during_a_dispatch_stops_there() -> None:
    """Its neighbours get everything."""
    stage = Stage()
    dying, healthy = stage.connect(), stage.connect()
    dying.dies_at = 2
    stage.append("abc")
    assert dying.records == ["1:a", "2:b"]
    assert healthy.records == ["1:a", "2:b", "3:c"]
    assert stage.hub.sessions() == [healthy.session]
    stage.append("d")
    assert len(dying.messages) == 2


def test_a_neighbour_that_is_closed_during_a_dispatch_gets_no_more() -> None:
    """Whatever the sending to one socket does to another, a session that is CLOSED or READING is passed over."""
    stage = Stage()
    sockets = [stage.connect() for _ in range(3)]
    first, second, third = sockets

    def send(message: bytes) -> None:
        first.messages.append(message)
        second.session.end(Disconnect(1012))
        third.session.on_full(stage.now_s)

    first.session.send = send
    stage.append("ab")
    assert first.records == ["1:a", "2:b"]
    assert second.records == []
    assert third.records == []
    third.session.on_drained()
    assert third.records == ["1:a", "2:b"]


def test_stepping_back_keeps_the_place() -> None:
    """R4: what was offered to a session while it was LIVE is not read again, also if it had no match."""
    stage = Stage(ring_records=0)
    stage.log.begin_stretch(2, make_filter("rare"))
    socket = stage.connect(subscription_id=2)
    stage.append("abc")
    socket.session.on_full(stage.now_s)
    socket.session.on_drained()
    assert socket.requests == []
    assert socket.state == "live"


def test_a_change_of_the_filter_is_crossed_in_order() -> None:
    """R5: before the change the old filter holds, after it the new one, and numbers go on."""
    stage = Stage()
    socket = stage.connect(seq_start=1)
    stage.append("a", tell=False)
    stage.append("b", dsn="e", tell=False)
    stage.log.begin_stretch(1, make_filter("d"))
    stage.append("c", dsn="e", tell=False)
    stage.append("d", tell=False)
    stage.log.tell_tail()
    assert socket.state == "reading"
    stage.serve(socket)
    assert socket.records == ["1:a", "2:b", "3:d"]
    assert socket.state == "live"
    stage.append("e")
    stage.append("f", dsn="e")
    assert socket.records[3:] == ["4:e"]
    assert stage.connect(seq_start=1).records == ["1:a", "2:b", "3:d", "4:e"]


def test_a_change_in_the_ring_is_left_to_the_log() -> None:
    """R2: a ring that holds a change of this subscription is not used beyond it."""
    stage = Stage()
    stage.append("a")
    socket = stage.connect(seq_start=1, serve=False)
    page = stage.log.page(socket.requests.pop())
    stage.log.begin_stretch(1, make_filter("e"))
    stage.append("b")
    socket.session.on_page(page)
    assert socket.state == "reading"
    stage.serve(socket)
    assert socket.records == ["1:a"]
    assert socket.state == "live"


@pytest.mark.parametrize("change", [Change.SUSPENDED, Change.DELETED])
def test_suspending_and_deleting_close(change: Change) -> None:
    """Whatever the state, the socket is closed 4403."""
    stage = Stage()
    stage.log.begin_stretch(2, make_filter())
    live, reading, other = stage.connect(), stage.connect(serve=False), stage.connect(subscription_id=2)
    stage.log.append_control(Control(change, (1,)))
    stage.append("a")
    assert live.close_code == reading.close_code == 4403
    assert other.records == ["1:a"]
    reading.session.on_page(stage.log.page(reading.requests.pop()))
    assert not reading.messages


def test_a_subscription_that_is_gone_closes() -> None:
    """A page that finds no subscription closes 4403."""
    stage = Stage()
    socket = stage.connect(serve=False)
    stage.log.end_stretches(1)
    stage.serve(socket)
    assert socket.close_code == 4403


def test_seq_start_beyond_the_head_waits() -> None:
    """Nothing is sent until that number comes, also when the session is live already."""
    stage = Stage()
    stage.append("ab")
    socket = stage.connect(seq_start=5)
    assert socket.state == "live"
    stage.append("cd")
    assert socket.records == []
    stage.append("ef")
    assert socket.records == ["5:e", "6:f"]


def test_live_sends_nothing_old() -> None:
    """A subscription that starts live counts what was before, and sends what comes."""
    stage = Stage()
    stage.append("abc")
    socket = stage.connect(live=True)
    assert socket.records == []
    stage.append("d")
    assert socket.records == ["4:d"]


@pytest.mark.parametrize(
    ("seq_start", "seq_end", "sent"),
    [(1, 2, ["1:a", "2:b"]), (2, 2, ["2:b"]), (0, 3, ["1:a", "2:b", "3:c"]), (0, 0, [])],
)
def test_seq_end_in_the_past(seq_start: int, seq_end: int, sent: list[str]) -> None:
    """A bounded replay sends the range and closes 1000."""
    stage = Stage()
    stage.append("abcd")
    socket = stage.connect(seq_start=seq_start, seq_end=seq_end)
    assert socket.records == sent
    assert socket.close_code == 1000


@pytest.mark.parametrize("batch_size", [1, 10])
def test_seq_end_in_the_future(batch_size: int) -> None:
    """A range that reaches beyond the head goes live, and closes when it is complete."""
    stage = Stage()
    stage.append("a")
    socket = stage.connect(seq_start=1, seq_end=3, batch_size=batch_size)
    stage.append("b")
    assert socket.close_code is None
    stage.append("cd")
    assert socket.records == ["1:a", "2:b", "3:c"]
    assert socket.close_code == 1000


def test_a_page_nobody_asked_for_is_a_bug() -> None:
    """Illegal calls say what was expected."""
    stage = Stage()
    socket = stage.connect()
    with pytest.raises(IllegalMoveError, match="on_page: expected READING with a page asked for, got live"):
        socket.session.on_page(Page(1, (), Cursor(0, 0), None, None))


def test_a_closed_session_ignores_everything() -> None:
    """Late calls of the shell do nothing."""
    stage = Stage()
    socket = stage.connect()
    session = socket.session
    session.on_closed(1001)
    session.on_closed()
    session.on_full(stage.now_s)
    session.on_drained()
    session.on_text(b"Z", stage.now_s)
    session.on_change(1)
    assert not session.take(99, b"x")
    stage.append("a")
    stage.pass_time(100)
    assert not socket.messages
    assert socket.close_code is None
    assert stage.hub.counters.closes == {1001: 1}


def test_status_tells_how_far_a_session_is() -> None:
    """For the console: state, place, distance to the tail."""
    stage = Stage(page_events=1, ring_records=0)
    stage.append("abc")
    socket = stage.connect(seq_start=1, observe=True, serve=False)
    stage.serve(socket, pages=1)
    status = socket.session.status()
    assert (status.state, status.position, status.seq, status.lag, status.observe) == ("reading", 1, 1, 2, True)
    stage.serve(socket)
    status = socket.session.status()
    assert (status.state, status.position, status.seq, status.lag, status.full) == ("live", 3, 3, 0, False)


def test_a_session_asks_for_no_more_than_it_sends() -> None:
    """A bounded replay does not read what lies behind its end."""
    stage = Stage()
    stage.append("a")
    socket = stage.attach(Opening(1, Cursor(0, 0), skip_through=2, seq_end=4), serve=False)
    assert socket.requests[0].max_events == 2
    assert socket.requests[0].skip_through == 2
