"""Datapoints per second acknowledged with durability on, alone and beside a fan-out.

Knows no server: it takes a port, a process and files of requests. The devices that it writes to have no subscribers,
so what it measures beside a fan-out is the two disturbing each other, not a longer path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.scenario import Lane
from bench.tool import Child, Publisher

FAN_OUT_RATE = 20
"""Events per second beside which ingest is measured: 20,000 deliveries a second with 1,000 subscribers."""


@dataclass(frozen=True)
class Load:
    """A way of posting: files of requests, how many datapoints each holds, over how many connections."""

    kind: str
    requests: Path
    datapoints: int
    connections: int


@dataclass(frozen=True)
class Ingest:
    """One measurement. ``cpu_us`` is server CPU per datapoint, that of the fan-out beside it included."""

    kind: str
    beside: str
    datapoints_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    fan_out_p50_ms: float
    fan_out_p99_ms: float
    faults: tuple[str, ...]


def ingest_alone(child: Child, port: int, load: Load, core: int | None, window_s: float) -> Ingest:
    """Post as fast as answers come while nothing else happens."""
    before_s = child.cpu_s()
    with Publisher(port, load.requests, core, connections=load.connections, seconds=window_s) as publisher:
        published = publisher.result()
    datapoints = max(published.accepted * load.datapoints, 1)
    return Ingest(
        kind=load.kind,
        beside="nothing",
        datapoints_per_s=published.requests_per_s * load.datapoints,
        p50_ms=published.p50_ms,
        p99_ms=published.p99_ms,
        cpu_us=(child.cpu_s() - before_s) * 1e6 / datapoints,
        fan_out_p50_ms=-1,
        fan_out_p99_ms=-1,
        faults=tuple(published.faults()),
    )


def ingest_beside_fan_out(lane: Lane, load: Load, core: int | None, window_s: float) -> Ingest:
    """Post as fast as answers come while `lane`, a fan-out, delivers at FAN_OUT_RATE."""
    rate = FAN_OUT_RATE / lane.events_per_request
    lane.watcher.reset()
    with Publisher(lane.port, lane.watched, core, connections=4, seconds=window_s, rate=rate) as fan_out:
        alone = ingest_alone(lane.child, lane.port, load, core, window_s)
        published = fan_out.result()
    expected = published.accepted * lane.events_per_request * lane.scenario.readers
    window = lane.watcher.until(expected)
    return Ingest(
        kind=load.kind,
        beside=f"{FAN_OUT_RATE} events/s to {lane.scenario.subscribers:,}",
        datapoints_per_s=alone.datapoints_per_s,
        p50_ms=alone.p50_ms,
        p99_ms=alone.p99_ms,
        cpu_us=alone.cpu_us,
        fan_out_p50_ms=window.p50_ms,
        fan_out_p99_ms=window.p99_ms,
        faults=(*alone.faults, *published.faults(), *window.faults(expected)),
    )


def faults(found: Sequence[Ingest]) -> list[str]:
    """Say what went wrong in any of them."""
    return [f"ingest, {run.kind}, beside {run.beside}: {fault}" for run in found for fault in run.faults]
