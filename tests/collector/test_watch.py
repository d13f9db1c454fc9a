"""What is told of a running collector."""

from __future__ import annotations

import os

import pytest

from tests.collector.routes import change, route
from twinstream.collector.progress import State
from twinstream.collector.watch import HEALTHY, Notice, Watch


def told(notices: list[Notice]) -> list[tuple[str, str, dict[str, str | int | float]]]:
    """Level, event and details of notices."""
    return [(notice.level, notice.event, notice.details) for notice in notices]


def test_a_state_is_told_once_when_it_changes() -> None:
    """Trouble as a warning, an end that cannot be mended as an error, with what is known of it."""
    watched = route()
    watch = Watch([watched], 0.0)
    assert list(watch.look(0)) == []
    change(watched.progress, state=State.STREAMING, seq=7)
    assert told(list(watch.look(1))) == [("info", "streaming", {"seq": 7})]
    assert list(watch.look(2)) == []
    change(watched.progress, state=State.SINK_AWAY, reason="no route to host")
    assert told(list(watch.look(3))) == [("warning", "sink away", {"seq": 7, "reason": "no route to host"})]
    change(watched.progress, state=State.FAILED, reason="gone")
    assert told(list(watch.look(4))) == [("error", "failed", {"seq": 7, "reason": "gone"})]
    change(watched.progress, state=State.ENDED, reason="", written=3)
    assert told(list(watch.look(5))) == [("info", "ended", {"seq": 7, "written": 3})]


@pytest.mark.parametrize("state", [State.STARTING, State.RECONNECTING, State.SINK_AWAY, State.SINK_FULL])
def test_where_somebody_waits_for_the_end_they_are_reminded_of_what_is_waited_for(state: State) -> None:
    """Again and again, until it has come."""
    watched = route()
    watch, silent = Watch([watched], 0.0, reminds=True), Watch([watched], 0.0)
    change(watched.progress, state=state, reason="429")
    list(watch.look(1)), list(silent.look(1))
    looks = [told(list(watch.look(now_s))) for now_s in range(2, 33)]
    assert [look for look in looks if look] == [[("info", "waiting", {"state": state, "reason": "429"})]] * 2
    change(watched.progress, state=State.STREAMING, reason="")
    assert [notice.event for notice in watch.look(33)] == ["streaming"]
    assert [notice for now_s in range(34, 99) for notice in watch.look(now_s)] == []
    assert [notice.event for now_s in range(2, 99) for notice in silent.look(now_s)] == ["streaming"]


def test_each_gap_is_told_once_with_its_numbers() -> None:
    """However many come between two looks."""
    watched = route()
    watch = Watch([watched], 0.0)
    change(watched.progress, missing=1, gaps=[(4, 4)])
    assert told(list(watch.look(1))) == [("warning", "gap", {"first": 4, "last": 4, "events": 1})]
    change(watched.progress, missing=13, gaps=[(4, 4), (6, 7), (10, 19)])
    assert [notice.details["first"] for notice in watch.look(2)] == [6, 10]
    assert list(watch.look(3)) == []


def test_the_status_says_how_it_was_at_the_last_look() -> None:
    """The last trouble stays to be seen when it is over."""
    watched = route("freezers", "mysql://me:hunter2@h/d")
    watch = Watch([watched], 1_800_000_000.0)
    change(watched.progress, state=State.RECONNECTING, reason="connection refused")
    list(watch.look(1_800_000_001))
    change(
        watched.progress,
        state=State.STREAMING,
        reason="",
        seq=9,
        read=12,
        written=9,
        written_at=1_800_000_002.5,
        event_time="2027-01-15T08:00:00Z",
        reconnects=1,
        sink_retries=2,
        missing=2,
        gaps=[(1, 2)],
    )
    assert watch.status().routes[0].state == "reconnecting"
    assert not watch.status().is_healthy
    list(watch.look(1_800_000_004))
    status = watch.status()
    assert (status.pid, status.started_at, status.is_healthy) == (os.getpid(), "2027-01-15T08:00:00Z", True)
    (found,) = status.routes
    assert (found.stream, found.output, found.state, found.seq) == ("freezers", "mysql://me@h/d", "streaming", 9)
    assert (found.written, found.waiting, found.rate, found.lag_s) == (9, 3, 3.0, 2.5)
    assert (found.missing, found.gaps, found.reconnects, found.retries) == (2, ((1, 2),), 1, 2)
    assert (found.last_error, found.last_error_at) == ("connection refused", "2027-01-15T08:00:01Z")
    assert found.written_at == "2027-01-15T08:00:02Z"


def test_the_rate_is_that_of_the_last_ten_seconds() -> None:
    """What was before does not count."""
    watched = route()
    watch = Watch([watched], 0.0)
    rates = []
    for second in range(31):
        change(watched.progress, written=100 * min(second, 10))
        list(watch.look(second))
        rates.append(watch.status().routes[0].rate)
    assert rates[0] == 0
    assert rates[1] == rates[10] == 100
    assert rates[15] == 50
    assert rates[20] == rates[30] == 0


@pytest.mark.parametrize("time", [None, "yesterday", "2027-01-15T08:00:00"])
def test_there_is_no_lag_where_the_event_does_not_say_when(time: str | None) -> None:
    """Nor where it says so in a way that can be read in two."""
    watched = route()
    change(watched.progress, written_at=1.0, event_time=time)
    assert Watch([watched], 0.0).status().routes[0].lag_s is None


def test_the_lag_grows_while_an_event_waits() -> None:
    """And is never less than that of the last one written."""
    watched = route()
    watch = Watch([watched], 0.0)
    change(watched.progress, oldest_at=100.0)
    lags = []
    for now_s in (90.0, 100.5, 175.0):
        list(watch.look(now_s))
        lags.append(watch.status().routes[0].lag_s)
    change(watched.progress, oldest_at=174.0, written_at=175.0, event_time="1970-01-01T00:01:40Z")
    list(watch.look(175.0))
    assert [*lags, watch.status().routes[0].lag_s] == [0.0, 0.5, 75.0, 75.0]


def test_every_state_is_healthy_or_not() -> None:
    """Nobody needs to do anything in these, and in no others."""
    assert set(State) - HEALTHY == {State.RECONNECTING, State.SINK_AWAY, State.SINK_FULL, State.FAILED}
