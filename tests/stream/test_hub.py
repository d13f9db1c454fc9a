"""The hub admits sessions, shares their work, and collects what they want stored."""

from __future__ import annotations

import pytest

from tests.stream.stage import Stage, make_filter
from twinstream.errors import RequestError
from twinstream.model.event import Change, Control
from twinstream.ports.log import Cursor
from twinstream.stream.hub import MOST_GAPS


def test_sessions_that_count_alike_share_one_message() -> None:
    """A record is encoded once for each distinct number."""
    stage = Stage()
    stage.log.begin_stretch(2, make_filter("d"))
    stage.append("z", dsn="e")
    sockets = [stage.connect(), stage.connect(), stage.connect(subscription_id=2)]
    stage.append("a")
    first, second, other = (socket.messages[-1] for socket in sockets)
    assert first is second
    assert first == b'12|{"seq":"2",a'
    assert other == b'12|{"seq":"1",a'


def test_five_sessions_of_a_subscription_each_get_everything() -> None:
    """Each socket has its own place."""
    stage = Stage()
    stage.append("a")
    sockets = [stage.connect(seq_start=1) for _ in range(5)]
    stage.append("b")
    assert [socket.records for socket in sockets] == [["1:a", "2:b"]] * 5
    assert len(stage.hub.sessions_of(1)) == 5
    assert stage.hub.counters.delivered == 10


def test_a_flaw_in_a_dispatch_costs_nobody_a_number() -> None:
    """All sessions are closed with 1011, bookmarks stay true, and who comes back gets the same events and numbers."""
    stage = Stage()
    sockets = [stage.connect() for _ in range(3)]
    stage.append("a")

    def fail(message: bytes) -> None:
        raise RuntimeError

    sockets[1].session.send = fail
    with pytest.raises(RuntimeError):
        stage.append("bcd")
    assert [socket.close_code for socket in sockets] == [1011] * 3
    assert all(cursor.seq == cursor.position for cursor in stage.bookmarks())
    late = stage.connect()
    stage.append("ef")
    assert late.records == ["1:a", "2:b", "3:c", "4:d", "5:e", "6:f"]
    assert stage.connect(seq_start=3).records == ["3:c", "4:d", "5:e", "6:f"]


def test_one_more_replaces_the_one_silent_longest() -> None:
    """If that is silent for more than 35 s; else the newcomer is refused, and told when to come again."""
    stage = Stage()
    sockets = [stage.connect() for _ in range(5)]
    stage.pass_time(10, *sockets)
    stage.pass_time(30, *sockets[1:])
    with pytest.raises(RequestError) as caught:
        stage.hub.admit(1, stage.now_s)
    assert (caught.value.status, caught.value.code, caught.value.retry_after_s) == (429, "too_many_sessions", 5)
    stage.pass_time(6, *sockets[2:])
    stage.hub.admit(1, stage.now_s)
    assert [socket.close_code for socket in sockets] == [4409, None, None, None, None]
    stage.hub.admit(1, stage.now_s)
    assert len(stage.hub.sessions_of(1)) == 4


def test_gaps_that_could_not_be_stored_are_offered_again() -> None:
    """In their order, before newer ones, each counted once; of very many the newest are kept."""
    hub = Stage().hub
    hub.report_gap(1, 1, 2)
    gaps = hub.take_gaps()
    hub.report_gap(1, 3, 4)
    hub.return_gaps(gaps)
    assert [gap.from_seq for gap in hub.take_gaps()] == [1, 3]
    assert hub.counters.gaps == 2
    hub.report_gap(1, 5, 6)
    hub.return_gaps(gaps * MOST_GAPS)
    kept = hub.take_gaps()
    assert (len(kept), kept[-1].from_seq) == (MOST_GAPS, 5)


def test_disconnect_closes_a_subscriptions_sockets() -> None:
    """``DELETE /stream`` closes them 1000; the subscription stays."""
    stage = Stage()
    stage.log.begin_stretch(2, make_filter())
    sockets = [stage.connect(), stage.connect(serve=False), stage.connect(subscription_id=2)]
    assert stage.hub.disconnect(1) == 2
    assert [socket.close_code for socket in sockets] == [1000, 1000, None]
    assert stage.hub.disconnect(1) == 0
    assert stage.hub.counters.closes == {1000: 2}


def test_bookmarks_are_offered_every_thousand_matches_and_at_the_end() -> None:
    """Whether the matches came in pages, from the ring or live; each is a true count."""
    stage = Stage()
    stage.append("a" * 1500)
    socket = stage.connect(seq_start=1)
    assert [(cursor.position, cursor.seq) for cursor in stage.bookmarks()] == [(1000, 1000)]
    stage.append("b" * 700)
    assert [(cursor.position, cursor.seq) for cursor in stage.bookmarks()] == [(2000, 2000)]
    stage.log.append_control(Control(Change.FILTER, (99,)))
    stage.log.tell_tail()
    socket.session.on_closed()
    assert [(cursor.position, cursor.seq) for cursor in stage.bookmarks()] == [(2201, 2200)]


def test_of_bookmarks_with_one_number_the_furthest_is_kept() -> None:
    """It spares the next reader the most counting."""
    stage = Stage()
    stage.append("a")
    near, far = stage.connect(), stage.connect()
    near.session.on_closed()
    stage.log.append_control(Control(Change.FILTER, (99,)))
    stage.log.tell_tail()
    far.session.on_closed()
    stage.hub.report_bookmark(1, Cursor(1, 1))
    assert stage.bookmarks() == [Cursor(2, 1)]


def test_a_session_that_got_nowhere_offers_no_bookmark() -> None:
    """A bookmark where one is already is not worth a row."""
    stage = Stage()
    stage.connect(serve=False).session.on_closed()
    assert stage.bookmarks() == []


def test_a_batch_carries_several_records() -> None:
    """One message has up to ``batch_size`` records one after the other; what is left goes when the dispatch is done."""
    stage = Stage()
    stage.append("abcde")
    socket = stage.connect(seq_start=1, batch_size=2)
    assert [message.count(b"|") for message in socket.messages] == [2, 2, 1]
    stage.append("f")
    stage.append("ghi")
    assert stage.hub.counters.delivered == 9
    assert [message.count(b"|") for message in socket.messages] == [2, 2, 1, 1, 2, 1]
    assert "".join(record[-1] for record in socket.records) == "abcdefghi"


def test_the_short_way_is_taken_again_after_what_needed_more() -> None:
    """Numbers up to the next bookmark, or the end, need nothing but sending."""
    stage = Stage()
    skipping, ending = stage.connect(seq_start=3), stage.connect(seq_start=1, seq_end=1500)
    assert (skipping.session.plain_below, ending.session.plain_below) == (0, 1000)
    stage.append("ab")
    assert skipping.session.plain_below == 1000
    stage.append("c" * 998)
    assert (skipping.session.plain_below, ending.session.plain_below) == (2000, 1500)


def test_the_ring_is_bounded() -> None:
    """It remembers the latest records and knows where it begins."""
    stage = Stage(ring_records=3)
    stage.append("abcde")
    assert stage.hub.since(1) is None
    assert [record.position for record in stage.hub.since(2) or ()] == [3, 4, 5]
    assert stage.hub.since(5) == []


def test_a_round_of_heartbeats_is_bounded() -> None:
    """A tick serves so many sessions, and says that others wait."""
    stage = Stage(sessions_per_subscription=100)
    sockets = [stage.connect() for _ in range(10)]
    stage.now_s += 30
    assert stage.hub.tick(stage.now_s, limit=4) <= stage.now_s
    assert sum(socket.pings for socket in sockets) == 4
    assert stage.hub.tick(stage.now_s, limit=4) <= stage.now_s
    assert stage.hub.tick(stage.now_s, limit=4) > stage.now_s
    assert [socket.pings for socket in sockets] == [1] * 10
