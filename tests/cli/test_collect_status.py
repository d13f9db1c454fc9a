"""What `twinstream collect status` prints."""

from __future__ import annotations

import pytest

from tests.collector.routes import change, route
from twinstream.cli.collect_status import _print
from twinstream.collector.progress import State
from twinstream.collector.watch import Watch


def test_a_stream_with_several_outputs_is_told_with_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    """One with a single output by its name alone."""
    routes = [route("freezers"), route("freezers", "jsonl:lake/"), route("washers")]
    for one in routes:
        change(one.progress, state=State.RECONNECTING, reason="refused", missing=2, gaps=[(8, 9)])
    watch = Watch(routes, 0.0)
    list(watch.look(0.0))
    for one in routes:
        change(one.progress, state=State.STREAMING, reason="")
    list(watch.look(1.0))
    _print([watch.status()])
    told = capsys.readouterr().out
    for name in ("freezers -> jsonl:e.jsonl", "freezers -> jsonl:lake/", "washers"):
        assert f"missing in {name}: 8-9\n" in told
        assert f"the last trouble of {name}, at 1970-01-01T00:00:00Z: refused\n" in told
