"""How a collector shows itself."""

from __future__ import annotations

import io
import json

from rich.console import Console

from tests.collector.routes import change, route
from twinstream.collector.progress import State
from twinstream.collector.view import LogView, TerminalView, describe_time, draw
from twinstream.collector.watch import Notice, Watch

REASON = "no\nanswer \x1b[2J\u202e"


def notices() -> tuple[Watch, list[Notice]]:
    """A route in trouble with a gap, and what is told of it."""
    watched = route("freezers")
    change(watched.progress, state=State.RECONNECTING, reason=REASON, seq=1_234_567, missing=2, gaps=[(8, 9)])
    watch = Watch([watched], 0.0)
    return watch, list(watch.look(0.0))


def test_a_log_has_a_line_of_json_for_each_notice() -> None:
    """With time and level, so that machines can read it."""
    out = io.StringIO()
    view = LogView(is_json=True, out=out)
    view.open()
    watch, told = notices()
    for notice in told:
        view.tell(notice)
    view.show(watch.status())
    view.close()
    gap, state = map(json.loads, out.getvalue().splitlines())
    assert gap.pop("timestamp").endswith("Z")
    assert gap == {
        "level": "warning",
        "event": "gap",
        "stream": "freezers",
        "output": "jsonl:e.jsonl",
        "first": 8,
        "last": 9,
        "events": 2,
    }
    assert (state["event"], state["reason"], state["seq"]) == ("reconnecting", REASON, 1_234_567)


def test_a_log_can_be_text() -> None:
    """A line each, whatever stands in it."""
    out = io.StringIO()
    for notice in notices()[1]:
        LogView(is_json=False, out=out).tell(notice)
    gap, state = out.getvalue().splitlines()
    assert gap.endswith("warning gap stream=freezers output=jsonl:e.jsonl first=8 last=9 events=2")
    assert state.endswith(
        'reconnecting stream=freezers output=jsonl:e.jsonl seq=1234567 reason="no\\nanswer \\x1b[2J\\u202e"'
    )


def test_quotes_in_a_text_log_are_escaped() -> None:
    """So that whoever reads it by its names and values finds the end of each."""
    out = io.StringIO()
    notice = notices()[1][1]._replace(details={"reason": 'server at "::1" \\ failed', "url": "a=b"})
    LogView(is_json=False, out=out).tell(notice)
    assert out.getvalue().endswith('reason="server at \\"::1\\" \\\\ failed" url="a=b"\n')


def test_a_terminal_gets_a_table_and_above_it_what_is_wrong() -> None:
    """Nothing in it steers the terminal."""
    out = io.StringIO()
    view = TerminalView(Console(file=out, force_terminal=True, width=150, color_system=None))
    watch, told = notices()
    view.open()
    for notice in told:
        view.tell(notice)
    view.show(watch.status())
    view.close()
    view.close()
    text = out.getvalue()
    assert "freezers -> jsonl:e.jsonl: 2 events are missing, 8 to 9\n" in text
    assert "freezers -> jsonl:e.jsonl: reconnecting: no\\nanswer" in text
    assert "1,234,567" in text
    assert "\x1b[2J" not in text
    assert "\u202e" not in text


def test_a_table_fits_80_columns() -> None:
    """Long names are cut, numbers and states are not; a reason stands below, on lines of its own."""
    out = io.StringIO()
    reason = "sqlite /var/lib/twinstream/events.db: database is locked by somebody who takes very long"
    routes = [route("freezers-of-the-north", "sqlite:////var/lib/twinstream/events.db"), route("w")]
    change(routes[0].progress, state=State.RECONNECTING, reason=reason, seq=1_234_567, read=1_234_567)
    change(routes[0].progress, written=1_234_567)
    watch = Watch(routes, 0.0)
    list(watch.look(0.0))
    Console(file=out, width=80).print(draw(watch.status()))
    heading, first, second, *below = out.getvalue().splitlines()
    assert heading.split() == ["stream", "output", "state", "seq", "written", "per", "s", "waiting", "lag", "missing"]
    name, output, *rest = first.split()
    assert (name[:5], name[-1], output[:6], output[-1]) == ("freez", "…", "sqlite", "…")
    assert rest == ["reconnecting", "1,234,567", "1,234,567", "0", "0", "-", "0"]
    assert second.split()[2:] == ["starting", "-", "0", "0", "0", "-", "0"]
    assert " ".join(line.rstrip() for line in below) == (
        f"freezers-of-the-north -> sqlite:////var/lib/twinstream/events.db: {reason}"
    )


def test_a_time_is_told_in_the_unit_that_fits() -> None:
    """From parts of a second to days."""
    assert [describe_time(time_s) for time_s in (0.04, 90, 130, 7_300, 300_000)] == [
        "0.0 s",
        "90.0 s",
        "2 m",
        "2 h",
        "3 d",
    ]


def test_a_single_event_that_is_lost_is_told_as_one() -> None:
    """By its number alone."""
    watched = route("freezers")
    change(watched.progress, missing=1, gaps=[(8, 8)])
    out = io.StringIO()
    view = TerminalView(Console(file=out, force_terminal=True, width=150, color_system=None))
    for notice in Watch([watched], 0.0).look(0.0):
        view.tell(notice)
    assert "freezers -> jsonl:e.jsonl: event 8 is missing\n" in out.getvalue()
