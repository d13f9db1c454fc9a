"""Heartbeats go out, their answers acknowledge, and silence ends a session."""

from __future__ import annotations

import pytest

from tests.stream.stage import Stage
from twinstream.ports.log import Cursor
from twinstream.stream.limits import StreamLimits
from twinstream.stream.pulse import Pulse


def test_a_heartbeat_and_a_ping_every_interval() -> None:
    """``1|Z`` every 30 s, with a WebSocket ping, as a message of its own."""
    stage = Stage()
    socket = stage.connect(batch_size=10)
    stage.append("a")
    stage.pass_time(29, socket)
    assert len(socket.messages) == 1
    stage.pass_time(62, socket)
    assert socket.messages[1:] == [b"1|Z", b"1|Z", b"1|Z"]
    assert socket.pings == 3
    assert stage.hub.counters.heartbeats == 3


def test_nothing_inbound_closes() -> None:
    """Nothing at all for 45 s: 4408; a pong is enough to stay."""
    stage = Stage()
    silent, alive = stage.connect(), stage.connect()
    stage.pass_time(44, alive)
    assert [silent.close_code] == [None]
    stage.pass_time(1, alive)
    assert silent.close_code == 4408
    assert alive.close_code is None


def test_unanswered_heartbeats_close() -> None:
    """Three heartbeats without an answer close 4408 though pongs come; one answer begins the count anew."""
    stage = Stage()
    mute, lazy = stage.connect(), stage.connect()
    stage.pass_time(95, mute, lazy)
    lazy.session.on_text(b"Z", stage.now_s)
    assert [mute.close_code] == [None]
    stage.pass_time(26, mute, lazy)
    assert mute.close_code == 4408
    stage.pass_time(50, lazy)
    assert lazy.close_code is None


def test_heartbeat_misses_0_never_closes() -> None:
    """Who sends pongs may leave heartbeats unanswered for ever."""
    stage = Stage(heartbeat_misses=0)
    socket = stage.connect()
    stage.pass_time(1000, socket)
    assert socket.close_code is None


def test_a_full_outlet_that_does_not_move_is_closed() -> None:
    """4008 after 30 s without progress; the heartbeat that is queued meanwhile is no progress, nor is it regress."""
    stage = Stage()
    stuck, slow = stage.connect(high_water=3), stage.connect(high_water=3)
    stage.append("abc")
    stage.pass_time(29, stuck, slow)
    slow.drain(1)
    assert [stuck.close_code] == [None]
    stage.pass_time(1, stuck, slow)
    assert stuck.close_code == 4008
    stage.pass_time(29, slow)
    assert [slow.close_code] == [None]
    stage.pass_time(1, slow)
    assert slow.close_code == 4008


def test_a_page_that_arrives_while_full_hides_no_progress() -> None:
    """What was drained before more was queued counts."""
    stage = Stage()
    stage.append("abcdef")
    socket = stage.connect(seq_start=1, serve=False)
    socket.messages = [b"x" * 50, b"y"]
    socket.session.on_full(stage.now_s)
    socket.drain(1)
    stage.serve(socket)
    stage.pass_time(30, socket)
    assert [socket.close_code] == [None]
    stage.pass_time(30, socket)
    assert socket.close_code == 4008


def test_a_heartbeat_while_full_hides_no_progress() -> None:
    """What was drained before the heartbeat was queued counts."""
    stage = Stage(heartbeat_interval_s=10, heartbeat_misses=0)
    socket = stage.connect(high_water=2)
    stage.pass_time(10, socket)
    stage.append("a")
    stage.pass_time(5, socket)
    socket.drain(1)
    stage.pass_time(25, socket)
    assert socket.pings == 4
    assert socket.close_code is None


def test_a_short_slow_reader_timeout_is_kept_between_heartbeats() -> None:
    """Becoming full brings the session's next turn forward."""
    stage = Stage(slow_reader_timeout_s=3)
    socket = stage.connect(high_water=1)
    stage.append("a")
    stage.pass_time(3)
    assert socket.close_code == 4008


def test_a_server_that_slept_blames_nobody() -> None:
    """After the process was stopped for minutes, sessions get their time anew, and one heartbeat."""
    stage = Stage()
    socket = stage.connect()
    stage.pass_time(90, socket)
    full = stage.connect(high_water=1)
    stage.append("a")
    assert socket.messages[:3] == [b"1|Z"] * 3
    stage.now_s += 300
    stage.pass_time(1)
    assert [socket.close_code, full.close_code] == [None, None]
    assert socket.messages[4:] == [b"1|Z"]
    stage.pass_time(46)
    assert socket.close_code == 4408


@pytest.mark.parametrize("answer", [b"Z", b"1|Z"])
def test_an_answer_acknowledges_what_was_sent_before_its_heartbeat(answer: bytes) -> None:
    """Not what came after it."""
    stage = Stage()
    socket = stage.connect()
    stage.append("ab")
    stage.pass_time(30, socket)
    stage.append("c")
    socket.session.on_text(answer, stage.now_s)
    assert stage.acknowledged() == {1: 2}
    assert stage.acknowledged() == {}


def test_the_kth_answer_confirms_the_kth_heartbeat() -> None:
    """Answers are counted, also when they come late; a surplus answer confirms nothing."""
    stage = Stage()
    socket = stage.connect()
    for name in "abc":
        stage.append(name)
        stage.pass_time(30, socket)
    for seq in (1, 2, 3):
        socket.session.on_text(b"Z", stage.now_s)
        assert stage.acknowledged() == {1: seq}
    stage.append("d")
    socket.session.on_text(b"Z", stage.now_s)
    assert stage.acknowledged() == {}
    stage.pass_time(30, socket)
    assert stage.acknowledged() == {}


@pytest.mark.parametrize("text", [b"", b"z", b"Z ", b" Z", b"ZZ", b"Z\n", b"1|X", b"1|Z1|Z", b"2|Z", b"{}"])
def test_other_text_acknowledges_nothing(text: bytes) -> None:
    """It is a sign of life and no more."""
    stage = Stage()
    socket = stage.connect()
    stage.append("a")
    stage.pass_time(30, socket)
    stage.pass_time(14)
    socket.session.on_text(text, stage.now_s)
    assert stage.acknowledged() == {}
    stage.pass_time(10)
    assert socket.close_code is None


def test_observers_and_bounded_replays_never_acknowledge() -> None:
    """Looking never costs a collector its place."""
    stage = Stage()
    stage.append("a")
    watching, bounded, other = stage.connect(observe=True), stage.connect(seq_start=1, seq_end=9), stage.connect()
    stage.pass_time(30, watching, bounded, other)
    watching.session.on_text(b"Z", stage.now_s)
    bounded.session.on_text(b"Z", stage.now_s)
    assert watching.records == bounded.records == ["1:a"]
    assert stage.acknowledged() == {}
    other.session.on_text(b"Z", stage.now_s)
    assert stage.acknowledged() == {1: 1}


def test_the_furthest_of_several_sockets_counts() -> None:
    """Acknowledgements of one subscription join; a later one that is behind changes nothing."""
    stage = Stage()
    first, second = stage.connect(), stage.connect()
    stage.append("a")
    stage.pass_time(30, first, second)
    stage.append("b")
    stage.pass_time(30, first, second)
    for _ in range(2):
        second.session.on_text(b"Z", stage.now_s)
    first.session.on_text(b"Z", stage.now_s)
    assert stage.acknowledged() == {1: 2}


def test_an_idle_socket_has_nothing_to_store() -> None:
    """Answers that confirm nothing new are not handed over again and again."""
    stage = Stage()
    socket = stage.connect()
    stage.append("a")
    for expected in ({1: 1}, {}, {}):
        stage.pass_time(30, socket)
        socket.session.on_text(b"Z", stage.now_s)
        assert stage.acknowledged() == expected


def test_a_client_that_never_answers_costs_bounded_memory() -> None:
    """Old heartbeats keep their cursors; late ones join, and are confirmed only when all of them are answered."""
    pulse = Pulse(StreamLimits(), 0.0)
    for n in range(1, 21):
        pulse.heartbeat(Cursor(n, n), 0.0)
    assert [pulse.answer() for _ in range(7)] == [Cursor(n, n) for n in range(1, 8)]
    assert [pulse.answer() for _ in range(13)] == [None] * 12 + [Cursor(20, 20)]
    assert pulse.answer() is None
