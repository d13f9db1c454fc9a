"""Faults are a function of seed, connection and event: repeatable, and never more than what was set."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinstream.model.fault import Close, FaultCounts, Faults
from twinstream.stream.fault import REORDER_HOLD_S, FaultLine, draw, split_message
from twinstream.wire.event import HEARTBEAT, encode_record

FAULTS = st.builds(
    Faults,
    seed=st.integers(0, 2**63 - 1),
    drop=st.floats(0, 0.5),
    duplicate=st.floats(0, 0.5),
    reorder=st.integers(0, 5),
    mute_heartbeats=st.floats(0, 1),
)


def record(seq: int) -> bytes:
    """A record as a session sends it."""
    return encode_record(seq, b'"metadata":{}}')


def numbers(messages: list[bytes]) -> list[int]:
    """The numbers of the records among messages."""
    return [seq for message in messages if message != HEARTBEAT for seq, _ in split_message(message)]


def run(faults: Faults, groups: list[list[int]], connection: int = 1) -> tuple[list[int], FaultCounts]:
    """Send groups of events, each as one message, and answer the numbers that come out in the end."""
    counts = FaultCounts()
    line = FaultLine(faults, connection, counts, 0.0)
    out: list[bytes] = []
    for group in groups:
        line.take(b"".join(map(record, group)), 0.0)
        out += line.release(0.0)
    return numbers(out + line.empty(0.0)), counts


@given(FAULTS, st.lists(st.integers(1, 7), max_size=30))
def test_the_same_seed_and_events_have_the_same_faults(faults: Faults, sizes: list[int]) -> None:
    """How events come together in messages changes nothing."""
    events = list(range(1, sum(sizes) + 1))
    groups = [[events.pop(0) for _ in range(size)] for size in sizes]
    singles = [[seq] for group in groups for seq in group]
    assert run(faults, groups) == run(faults, singles)


@given(FAULTS, st.integers(0, 200))
def test_what_comes_out_is_what_went_in_less_what_was_dropped(faults: Faults, count: int) -> None:
    """Records are lost and doubled as counted, none is made up, and none is overtaken by more than was set."""
    came, counts = run(faults, [[seq] for seq in range(1, count + 1)])
    assert len(set(came)) == count - counts.dropped
    assert len(came) == count - counts.dropped + counts.duplicated
    assert set(came) <= set(range(1, count + 1))
    for place, seq in enumerate(came):
        assert len({other for other in came[:place] if other > seq}) <= faults.reorder
    if not faults.reorder:
        assert came == sorted(came)
        assert counts.reordered == 0


def test_reorder_mixes() -> None:
    """With a window events do change places, and it is counted."""
    came, counts = run(Faults(seed=7, reorder=3), [[seq] for seq in range(1, 101)])
    assert came != sorted(came) == list(range(1, 101))
    assert 0 < counts.reordered < 100


def test_the_next_connection_decides_anew() -> None:
    """What one connection drops is not what the next one drops, so a client that asks again gets it."""
    groups = [[seq] for seq in range(1, 201)]
    lost = [set(range(1, 201)) - set(run(Faults(drop=0.2), groups, connection)[0]) for connection in range(1, 9)]
    assert all(lost)
    assert not set.intersection(*lost)


def test_shares_are_met() -> None:
    """A share of 0.1 is about one in ten; draws of different kinds have nothing to do with each other."""
    drops = {seq for seq in range(10_000) if draw(7, 1, "drop", seq) < 0.1}
    doubles = {seq for seq in range(10_000) if draw(7, 1, "duplicate", seq) < 0.1}
    assert 900 < len(drops) < 1100
    assert 50 < len(drops & doubles) < 150


@given(st.integers(0, 1000), st.lists(st.floats(0, 0.3), min_size=1, max_size=40))
def test_delay_keeps_the_order_and_the_bounds(seed: int, steps: list[float]) -> None:
    """Every record comes out in order, not before its least delay, and not after its most unless one before does."""
    line = FaultLine(Faults(seed=seed, delay_ms=(100, 800)), 1, FaultCounts(), 0.0)
    now_s, taken, due, came = 0.0, dict[int, float](), dict[int, float](), list[int]()
    for seq, step in enumerate(steps, 1):
        now_s += step
        line.take(record(seq), now_s)
        taken[seq] = now_s
        for number in numbers(line.release(now_s)):
            due[number] = now_s
            came.append(number)
    while line.due_s() < inf:
        now_s = line.due_s()
        for number in numbers(line.release(now_s)):
            due[number] = now_s
            came.append(number)
    assert came == list(range(1, len(steps) + 1))
    assert all(due[seq] >= taken[seq] + 0.1 for seq in came)
    assert line.held_bytes == 0
    latest = 0.0
    for seq in came:
        latest = max(latest, taken[seq] + 0.8)
        assert due[seq] <= latest + max(steps)


@pytest.mark.parametrize("faults", [Faults(seed=3, reorder=5), Faults(seed=3, delay_ms=(50, 500))])
def test_a_heartbeat_overtakes_no_record(faults: Faults) -> None:
    """What was sent before a heartbeat comes before it, so that its answer means what it means without faults."""
    line = FaultLine(faults, 1, FaultCounts(), 0.0)
    for seq in range(1, 21):
        line.take(record(seq), 0.0)
    line.take(HEARTBEAT, 0.0)
    line.take(record(21), 0.0)
    out = line.release(100.0)
    at = out.index(HEARTBEAT)
    assert sorted(numbers(out[:at])) == list(range(1, 21))
    assert numbers(out[at:] + line.empty(100.0)) == [21]


def test_a_silent_stream_keeps_no_record() -> None:
    """A record that nobody overtakes goes after a moment."""
    line = FaultLine(Faults(seed=1, reorder=100), 1, FaultCounts(), 0.0)
    line.take(record(1), 0.0)
    assert line.release(0.0) == []
    assert line.due_s() == REORDER_HOLD_S
    assert numbers(line.release(REORDER_HOLD_S)) == [1]
    assert line.due_s() == inf


def test_heartbeats_are_muted_with_their_pings() -> None:
    """A share of 1 mutes all; records still come."""
    counts = FaultCounts()
    line = FaultLine(Faults(mute_heartbeats=1.0), 1, counts, 0.0)
    line.take(HEARTBEAT, 0.0)
    line.take(record(1), 0.0)
    assert line.mutes_ping()
    assert numbers(line.release(0.0)) == [1]
    assert counts.muted == 1


def test_a_close_comes_behind_so_many_records() -> None:
    """Exactly as many records go out as were set; what is behind them stays behind."""
    line = FaultLine(Faults(close=Close(1012, after_events=3)), 1, FaultCounts(), 0.0)
    line.take(b"".join(map(record, range(1, 6))), 0.0)
    assert numbers(line.release(0.0)) == [1, 2, 3]
    assert line.closes(0.0)


def test_a_close_comes_with_time() -> None:
    """``every_s`` counts from the opening of the socket."""
    line = FaultLine(Faults(close=Close(None, every_s=45)), 1, FaultCounts(), 100.0)
    assert line.due_s() == 145.0
    assert not line.closes(144.9)
    assert line.closes(145.0)


@pytest.mark.parametrize(("dropped", "lowest"), [(1.0, 1), (0.0, None)])
def test_the_lowest_dropped_number_is_known(dropped: float, lowest: Any) -> None:
    """Acknowledgements must stay below it."""
    line = FaultLine(Faults(drop=dropped), 1, FaultCounts(), 0.0)
    line.take(record(1) + record(2), 0.0)
    assert line.first_dropped == lowest
