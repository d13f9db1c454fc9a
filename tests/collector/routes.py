"""Routes that nobody runs: their progress is set by the test."""

from __future__ import annotations

from twinstream.collector.plan import Plan, Secret, Stream, make_output
from twinstream.collector.progress import Progress
from twinstream.collector.route import Route, make_routes


def route(stream: str = "s", output: str = "jsonl:e.jsonl") -> Route:
    """A route that was made and never started."""
    made = make_output(output)
    plan = Plan((Stream(stream, Secret("k"), (made.name,), "ws://h/stream"),), {made.name: made})
    return make_routes(plan)[0]


def change(progress: Progress, **fields: object) -> None:
    """Let something happen."""
    for name, value in fields.items():
        setattr(progress, name, value)
