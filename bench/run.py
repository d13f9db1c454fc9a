"""Measure what the server costs, beside a floor written in C: `python bench/run.py [--quick] [--json FILE]`.

Owns the order and the time of a run: everything is started and connected once, then rounds go over all lanes, so that
what disturbs the machine disturbs all of them. Bounded: 6 minutes, with --quick one. `README.md` says how to read it.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import machine
from bench.floors import floor_lanes
from bench.ingest import faults, ingest_alone, ingest_beside_fan_out
from bench.report import Delivery, Report
from bench.scenario import FULL, QUICK, Lane, Sample, Scenario, measure
from bench.server import NAME, ingest_loads, server_lanes
from bench.tool import BUILD, BenchError, build

SPARE_FILES = 300
"""Open files of a server besides its subscribers: publishers, its database, its libraries."""


@dataclass(frozen=True)
class Plan:
    """How long a run takes. A round is left out when less than `reserve_s` of `limit_s` remains."""

    scenarios: tuple[Scenario, ...]
    rounds: int
    floor_window_s: float
    server_window_s: float
    ingest_rounds: int
    ingest_window_s: float
    limit_s: int
    reserve_s: float


PLANS = {
    "full": Plan(
        FULL,
        rounds=7,
        floor_window_s=0.3,
        server_window_s=0.9,
        ingest_rounds=5,
        ingest_window_s=1.0,
        limit_s=360,
        reserve_s=90,
    ),
    "quick": Plan(
        QUICK,
        rounds=2,
        floor_window_s=0.12,
        server_window_s=0.3,
        ingest_rounds=1,
        ingest_window_s=0.5,
        limit_s=60,
        reserve_s=20,
    ),
}


def main() -> int:
    """Run it; return 0, 1 if the figures are not to be believed, 2 if there are none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="at most a minute, with fewer subscribers")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    arguments = parser.parse_args()
    plan = PLANS["quick" if arguments.quick else "full"]
    signal.signal(signal.SIGALRM, _too_late)
    signal.alarm(plan.limit_s)
    try:
        report = run(plan)
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 2
    sys.stdout.write(report.text() + "\n")
    if arguments.json:
        arguments.json.write_text(json.dumps(report.as_json(), indent=1) + "\n")
    return 1 if report.faults else 0


def run(plan: Plan) -> Report:
    """Measure everything that the plan holds and return it."""
    began = time.monotonic()
    build()
    machine.raise_open_files(sum(scenario.subscribers for scenario in plan.scenarios) + SPARE_FILES)
    cores = machine.cores()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=BUILD)))
        report = Report(machine.describe(folder), {"scenarios": plan.scenarios, "pinned": cores[0] is not None})
        lanes = list(floor_lanes(plan.scenarios, stack, cores, folder, plan.limit_s))
        _progress(began, f"{sum(scenario.subscribers for scenario in plan.scenarios):,} connections to each floor")
        servers = server_lanes(plan.scenarios, stack, cores, folder, plan.limit_s, report.idle_kib)
        lanes = [*servers, *lanes]
        _progress(began, "as many to the server, with their devices and subscriptions")
        _measure_rounds(plan, lanes, cores[1], report, began)
        _measure_ingest(plan, lanes, folder, cores[1], report, began)
    report.seconds = time.monotonic() - began
    return report


def _measure_rounds(plan: Plan, lanes: list[Lane], core: int | None, report: Report, began: float) -> None:
    samples: list[list[Sample]] = [[] for _ in lanes]
    for number in range(plan.rounds):
        if plan.limit_s - (time.monotonic() - began) < plan.reserve_s:
            break
        for lane, taken in zip(lanes, samples, strict=True):
            window_s = plan.server_window_s if lane.server == NAME else plan.floor_window_s
            taken.append(measure(lane, core, window_s, quiet_first=number % 2 == 0))
        report.settings["rounds_done"] = number + 1
        _progress(began, f"round {number + 1} of {plan.rounds}")
    for lane, taken in zip(lanes, samples, strict=True):
        report.deliveries.append(Delivery.of(lane, taken))
        report.faults += [
            f"{lane.server}, {lane.scenario.name}: {fault}" for sample in taken for fault in sample.faults
        ]


def _measure_ingest(
    plan: Plan, lanes: list[Lane], folder: Path, core: int | None, report: Report, began: float
) -> None:
    fan_out = next(lane for lane in lanes if lane.server == NAME and lane.scenario.readers > 1)
    loads = ingest_loads(fan_out, folder)
    for number in range(plan.ingest_rounds):
        for load in loads:
            report.ingest.append(ingest_alone(fan_out.child, fan_out.port, load, core, plan.ingest_window_s))
            report.ingest.append(ingest_beside_fan_out(fan_out, load, core, plan.ingest_window_s))
        _progress(began, f"ingest {number + 1} of {plan.ingest_rounds}")
    report.faults += faults(report.ingest)


def _progress(began: float, text: str) -> None:
    sys.stderr.write(f"[{time.monotonic() - began:5.1f} s] {text}\n")


def _too_late(_signal: int, _frame: object) -> None:
    raise BenchError("out of time")


if __name__ == "__main__":
    sys.exit(main())
