"""The lanes of the server: what is published is delivered to exactly those who listen, and every answer is 2xx."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.ingest import faults, ingest_alone, ingest_beside_fan_out
from bench.scenario import Scenario, measure
from bench.server import ingest_loads, server_lanes
from bench.tool import build

pytestmark = [pytest.mark.needs("cc"), pytest.mark.live]
LIFE_S = 60.0
WINDOW_S = 0.3


def test_the_lanes_deliver_what_was_posted(tmp_path: Path) -> None:
    """All patterns: each event reaches its readers, dense and whole, and nobody hears of the unwatched devices."""
    build()
    scenarios = [Scenario("fan-out", 5, "all", burst=5), Scenario("sparse", 10, "turn", burst=5)]
    idle_kib: dict[str, float] = {}
    with ExitStack() as stack:
        lanes = list(server_lanes(scenarios, stack, (None, None), tmp_path, LIFE_S, idle_kib))
        assert [lane.pattern for lane in lanes].count("bursts of 5") == 2
        for lane in lanes:
            sample = measure(lane, None, WINDOW_S, quiet_first=False)
            assert sample.faults == ()
            assert sample.deliveries > 0
            assert sample.p50_ms > 0
            assert sample.total_us > 0
        loads = ingest_loads(lanes[0], tmp_path)
        runs = [ingest_alone(lanes[0].child, lanes[0].port, load, None, WINDOW_S) for load in loads]
        runs.append(ingest_beside_fan_out(lanes[0], loads[0], None, WINDOW_S))
        assert faults(runs) == []
        assert all(run.datapoints_per_s > 0 for run in runs)
    assert set(idle_kib) == {"twinstream"}
