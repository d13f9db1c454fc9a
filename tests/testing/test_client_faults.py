"""The SDK against a server that breaks things: nothing comes twice, and what does not come is reported."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import chain
from random import Random
from typing import Any

import pytest

from twinstream.client import Counters, Gap, connect_sync
from twinstream.client.clock import SystemClock
from twinstream.client.event import BaseEvent
from twinstream.testing import Cloud, serve_in_thread

COUNT = 600
DSN = "AC000W000000001"


class HastyClock(SystemClock):
    """The machine's clock, but nobody waits long before trying again."""

    async def sleep(self, seconds: float) -> None:
        """Sleep a thousandth."""
        await super().sleep(seconds / 1000)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """A cloud whose clock goes on only when the test lets it."""
    with serve_in_thread() as cloud:
        cloud.clock.patience_s = 0.2
        yield cloud


def read(cloud: Cloud, count: int = COUNT, **faults: Any) -> tuple[list[int], list[Gap], Counters, dict[str, int]]:
    """Read all events while they happen and time passes; answer numbers, gaps, and what both sides counted."""
    device, stream = cloud.add_device(DSN, properties={"level": "integer"}), cloud.stream()
    stream.faults(**faults)
    numbers: list[int] = []
    gaps: list[Gap] = []
    done = threading.Event()

    def collect() -> None:
        with connect_sync(
            stream.url, seq_start=1, seq_end=count, clock=HastyClock(), random=Random(1), idle_timeout_s=60
        ) as client:
            for item in client.items():
                if isinstance(item, BaseEvent):
                    numbers.append(item.seq)
                elif isinstance(item, Gap):
                    gaps.append(item)
            counters.append(client.counters)
        done.set()

    counters: list[Counters] = []
    reader = threading.Thread(target=collect, daemon=True)
    reader.start()
    stream.wait_connected()
    for at in range(0, count, count // 12):
        device.report_many("level", list(range(at, at + count // 12)))
        cloud.clock.advance(12)
    for _ in range(3000):  # Why so many: a busy machine takes long to reconnect
        if done.wait(0.02):
            break
        cloud.clock.advance(1)
    reader.join(10)
    assert done.is_set()
    return numbers, gaps, counters[0], stream.fault_counts


def missing(gaps: list[Gap]) -> list[int]:
    """The numbers in gaps."""
    return list(chain.from_iterable(range(gap.first, gap.last + 1) for gap in gaps))


@pytest.mark.parametrize("profile", ["flaky-lte", "bad-proxy"])
def test_what_a_client_can_mend(cloud: Cloud, profile: str) -> None:
    """Delays, cuts, closes, repetitions and swallowed heartbeats: every event once, in order, and no gap."""
    numbers, gaps, counters, done = read(cloud, profile=profile, seed=7)
    assert numbers == list(range(1, COUNT + 1))
    assert gaps == []
    assert done["delayed"] > 0
    assert done["closed"] > 0
    assert counters.reconnects > 0
    assert (counters.duplicates > 0) == (done["duplicated"] > 0) == (profile == "bad-proxy")


def test_closes_in_the_middle_of_bursts(cloud: Cloud) -> None:
    """A close behind every 37 events: each goes on where the one before ended."""
    numbers, gaps, _, done = read(cloud, duplicate=0.2, close={"code": 1012, "after_events": 37})
    assert numbers == list(range(1, COUNT + 1))
    assert gaps == []
    assert done["closed"] > COUNT // 37 // 2


def test_a_server_that_loses_events(cloud: Cloud) -> None:
    """What was dropped, or came late, is asked for again or is in a gap; nothing comes twice or unsorted."""
    numbers, gaps, counters, done = read(cloud, 24, profile="dying-server", seed=7, drop=0.1)
    assert numbers == sorted(set(numbers))
    assert sorted(numbers + missing(gaps)) == list(range(1, 25))
    assert done["dropped"] + done["reordered"] > 0
    assert counters.reconnects + counters.gaps > 0
    assert counters.missing == len(missing(gaps))
