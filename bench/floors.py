"""The lanes of the two floors: for each scenario a process of `floor` with all its subscribers.

Floor 1 sends every frame with a send() of its own; floor 2 joins what one turn of its loop has for a connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.scenario import BACK_TO_BACK, ONE_BY_ONE, Lane, Scenario
from bench.tool import BUILD, Child, Watcher

KINDS = {"C, one send per frame (floor 1)": "each", "C, joined per connection (floor 2)": "joined"}
EVENTS_BACK_TO_BACK = 100
"""So many that the request weighs little, so few that no buffer fills."""
STAMP = "@" + "0" * 19
"""Filled by `publish` with the time of sending; `client` finds it in the event."""


def floor_lanes(
    scenarios: Sequence[Scenario],
    stack: ExitStack,
    cores: tuple[int | None, int | None],
    folder: Path,
    life_s: float,
) -> Iterator[Lane]:
    """Start the floors and their subscribers, to be ended by `stack`, and yield their lanes."""
    server_core, load_core = cores
    for server, kind in KINDS.items():
        for scenario in scenarios:
            child = stack.enter_context(Child([BUILD / "floor", kind, str(life_s)], server_core))
            port = int(child.hear()["port"])
            targets = ["/stream"] * scenario.subscribers
            watcher = stack.enter_context(Watcher(port, targets, load_core, folder, life_s))
            for pattern, count, burst in _patterns(scenario):
                yield Lane(
                    server=server,
                    scenario=scenario,
                    pattern=pattern,
                    child=child,
                    port=port,
                    watcher=watcher,
                    watched=_trigger(folder, count, burst, scenario.reach),
                    unwatched=_trigger(folder, 0, burst, scenario.reach),
                    events_per_request=count,
                )


def _patterns(scenario: Scenario) -> Iterator[tuple[str, int, int]]:
    """Yield names, events per request, events per turn of the loop."""
    yield ONE_BY_ONE, 1, 1
    if scenario.reach == "turn" or scenario.subscribers == 1:  # a fan-out is back to back by itself
        yield BACK_TO_BACK, EVENTS_BACK_TO_BACK, 1
    yield f"bursts of {scenario.burst}", scenario.burst, scenario.burst


def _trigger(folder: Path, count: int, burst: int, reach: str) -> Path:
    path = folder / f"trigger-{count}-{burst}-{reach}.http"
    body = f'{{"stamp":"{STAMP}"}}'
    path.write_text(
        f"POST /send/{count}/{burst}/{reach} HTTP/1.1\r\nHost: floor\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    return path
