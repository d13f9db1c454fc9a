"""The curves of waiting."""

from __future__ import annotations

from random import Random

import pytest

from tests.client.clock import HastyClock
from tests.client.play import play_of, playing, quick
from twinstream.client.back_off import back_off_s, full_jitter_s
from twinstream.client.state import Reconnecting
from twinstream.client.stream import connect

CAPS_S = [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_stream_waits_anything_up_to_a_doubled_second() -> None:
    """Full jitter: the upper end doubles up to the cap, and the wait is anywhere below."""
    waits_s = [full_jitter_s(n, cap_s=30, random=Random(n)) for n in range(1, 9)]
    assert waits_s == [Random(n).uniform(0, cap_s) for n, cap_s in enumerate(CAPS_S, 1)]
    assert 0 <= full_jitter_s(10**9, cap_s=30, random=Random(1)) <= 30


def test_a_device_waits_around_a_doubled_second() -> None:
    """Half as long to half as long again."""
    assert all(0.5 <= back_off_s(n, cap_s=60, random=Random(n)) / 2 ** (n - 1) <= 1.5 for n in range(1, 6))


async def test_waits_grow_until_something_comes() -> None:
    """Each attempt that brings nothing waits on the next stretch of the curve, and passes that time."""
    clock = HastyClock()
    async with playing(refuse=dict.fromkeys(range(99), 503)) as (url, _):
        began_s = clock.now_s()
        async with connect(url, patient=True, clock=clock, random=Random(7)) as stream:
            items = stream.items()
            states = [await anext(items) for _ in CAPS_S]
    same = Random(7)
    waits_s = [same.uniform(0, cap_s) for cap_s in CAPS_S]
    assert [(state.wait_s, state.failures) for state in states if isinstance(state, Reconnecting)] == [
        (wait_s, failures) for failures, wait_s in enumerate(waits_s, 1)
    ]
    assert clock.now_s() - began_s == pytest.approx(sum(waits_s[:-1]))


@pytest.mark.parametrize(("retry_after", "wait_s"), [("7", 7), ("0", 0), ("9999", 300), ("soon", 0)])
async def test_a_server_says_how_long_to_wait(retry_after: str, wait_s: float) -> None:
    """Retry-After counts at least, but no server can send us away for longer than five minutes."""
    async with playing(refuse={0: 503}, retry_after=retry_after) as (url, _), quick(url, patient=True) as stream:
        state = await anext(stream.items())
    assert isinstance(state, Reconnecting)
    assert state.wait_s == wait_s


@pytest.mark.parametrize(("code", "wait_s"), [(1012, 0), (1013, 60), (4429, 60)])
async def test_a_close_code_says_how_long_to_wait(code: int, wait_s: float) -> None:
    """Two codes ask for a minute."""
    async with playing(play_of(code=code)) as (url, _), quick(url) as stream:
        items = stream.items()
        await anext(items)
        state = await anext(items)
    assert isinstance(state, Reconnecting)
    assert state.wait_s == wait_s
