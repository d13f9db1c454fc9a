"""Who listens, what is published, and one measurement of it.

Owns the scenarios and the arithmetic of "CPU per delivered event"; knows no server, only *lanes*: a process whose CPU
is read, a port, subscribers, and two files of requests that differ in nothing but that somebody listens to the events
of one and nobody to those of the other. Invariant: nothing else runs while a sample is taken.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.tool import Child, Published, Publisher, Watcher, Window

ONE_BY_ONE = "one by one"
BACK_TO_BACK = "back to back"
SETTLE_S = 0.02
"""What a server does after its last answer (a bookmark, a log line) still belongs to the window."""
SLICES = 3


@dataclass(frozen=True)
class Scenario:
    """`subscribers` connections; an event goes to all of them or to one, in turn. A burst is `burst` events."""

    name: str
    subscribers: int
    reach: Literal["all", "turn"]
    burst: int

    @property
    def readers(self) -> int:
        """Deliveries per event."""
        return self.subscribers if self.reach == "all" else 1


FULL = (
    Scenario("firehose", 1, "all", burst=50),
    Scenario("fan-out", 1000, "all", burst=10),
    Scenario("sparse", 5000, "turn", burst=50),
)
QUICK = (
    Scenario("firehose", 1, "all", burst=50),
    Scenario("fan-out", 200, "all", burst=10),
    Scenario("sparse", 1000, "turn", burst=50),
)


@dataclass(frozen=True)
class Lane:
    """One server in one scenario, events coming in one pattern.

    "one by one": a request per event, the next when it is answered, so that both sides sleep in between. "back to
    back": single events too, but as fast as the server takes them. "bursts of N": a request of N events, the next when
    it is answered.
    """

    server: str
    scenario: Scenario
    pattern: str
    child: Child
    port: int
    watcher: Watcher
    watched: Path
    unwatched: Path
    events_per_request: int
    connections: int = 1


@dataclass(frozen=True)
class Sample:
    """One measurement of a lane.

    ``total_us``: server CPU per delivered event, taking the event in included. ``delivery_us``: the same without what
    the same requests cost when nobody listens. ``joined``: deliveries per read of the subscribers.
    """

    total_us: float
    delivery_us: float
    p50_ms: float
    p99_ms: float
    deliveries: int
    joined: float
    faults: tuple[str, ...]


@dataclass(frozen=True)
class _Quiet:
    """A window in which nobody listened."""

    cpu_s: float
    requests: int
    faults: list[str]


@dataclass(frozen=True)
class _Lively:
    """A window in which somebody listened."""

    cpu_s: float
    published: Published
    window: Window
    deliveries: int


def measure(lane: Lane, core: int | None, window_s: float, *, quiet_first: bool) -> Sample:
    """Take one sample: `SLICES` short windows with listeners and as many without, in turn, so that a drift cancels."""
    quiet, lively = [], []
    for number in range(SLICES):
        quiet_now = quiet_first == (number % 2 == 0)
        for is_quiet in (quiet_now, not quiet_now):
            if is_quiet:
                quiet.append(_quiet(lane, core, window_s / SLICES))
            else:
                lively.append(_lively(lane, core, window_s / SLICES))
    deliveries = max(sum(part.deliveries for part in lively), 1)
    cpu_s = sum(part.cpu_s for part in lively)
    request_s = sum(part.cpu_s for part in quiet) / max(sum(part.requests for part in quiet), 1)
    ingest_s = request_s * sum(part.published.accepted for part in lively)
    return Sample(
        total_us=cpu_s * 1e6 / deliveries,
        delivery_us=(cpu_s - ingest_s) * 1e6 / deliveries,
        p50_ms=statistics.median(part.window.p50_ms for part in lively),
        p99_ms=max(part.window.p99_ms for part in lively),
        deliveries=deliveries,
        joined=deliveries / max(sum(part.window.reads for part in lively), 1),
        faults=(
            *(fault for part in lively for fault in (*part.published.faults(), *part.window.faults(part.deliveries))),
            *(fault for part in quiet for fault in part.faults),
        ),
    )


def _quiet(lane: Lane, core: int | None, window_s: float) -> _Quiet:
    before_s = lane.child.cpu_s()
    with Publisher(lane.port, lane.unwatched, core, connections=lane.connections, seconds=window_s) as publisher:
        published = publisher.result()
    time.sleep(SETTLE_S)
    return _Quiet(lane.child.cpu_s() - before_s, published.accepted, published.faults())


def _lively(lane: Lane, core: int | None, window_s: float) -> _Lively:
    lane.watcher.reset()
    before_s = lane.child.cpu_s()
    with Publisher(lane.port, lane.watched, core, connections=lane.connections, seconds=window_s) as publisher:
        published = publisher.result()
    deliveries = published.accepted * lane.events_per_request * lane.scenario.readers
    window = lane.watcher.until(deliveries)
    time.sleep(SETTLE_S)
    return _Lively(lane.child.cpu_s() - before_s, published, window, deliveries)
