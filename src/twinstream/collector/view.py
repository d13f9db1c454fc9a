"""How a running collector shows itself: a table that moves on a terminal, lines of a log elsewhere.

Owns the look of both. Knows nothing of how what is shown comes about. Invariant: what stands in a notice or in the
table cannot steer a terminal or end a line.
"""

from __future__ import annotations

import sys
import time
from typing import Protocol, TextIO

import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from twinstream.client.line import printable
from twinstream.collector.watch import CollectorStatus, Notice, RouteStatus, format_utc


class View(Protocol):
    """Shows what happens; each method returns at once."""

    def open(self) -> None:
        """Begin."""
        ...

    def tell(self, notice: Notice) -> None:
        """Show that something has happened."""
        ...

    def show(self, status: CollectorStatus) -> None:
        """Show how everything is."""
        ...

    def close(self) -> None:
        """End; harmless if never opened."""
        ...


class LogView:
    """A line for each notice: JSON, or text for people."""

    def __init__(self, *, is_json: bool, out: TextIO | None = None) -> None:
        self._is_json = is_json
        self._out = out or sys.stderr

    def open(self) -> None:
        """Do nothing."""

    def tell(self, notice: Notice) -> None:
        """Write the line."""
        fields = {"stream": notice.route.progress.name, "output": notice.route.output.label, **notice.details}
        at = format_utc(time.time())
        if self._is_json:
            line = msgspec.json.encode(
                {"timestamp": at, "level": notice.level, "event": notice.event, **fields}
            ).decode()
        else:
            rest = "".join(f" {name}={_quote(str(value))}" for name, value in fields.items())
            line = printable(f"{at} {notice.level:7} {notice.event}{rest}")
        self._out.write(line + "\n")
        self._out.flush()

    def show(self, status: CollectorStatus) -> None:
        """Do nothing: a log is read later, when metrics know it better."""

    def close(self) -> None:
        """Do nothing."""


class TerminalView:
    """A table at the bottom of the terminal, notices of trouble above it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=False)

    def open(self) -> None:
        """Begin to draw."""
        self._live.start()

    def tell(self, notice: Notice) -> None:
        """Print what needs somebody's eye; the table shows the rest."""
        if notice.level != "info":
            self._console.print(Text(_describe(notice), style="red" if notice.level == "error" else "yellow"))

    def show(self, status: CollectorStatus) -> None:
        """Draw the table anew."""
        self._live.update(draw(status), refresh=True)

    def close(self) -> None:
        """Leave the last table where it is."""
        self._live.stop()


def draw(status: CollectorStatus) -> RenderableType:
    """Make the table of all routes, and below it the reasons, which have no room in a column."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for heading in ("stream", "output"):
        table.add_column(heading, min_width=len(heading))
    table.add_column("state", no_wrap=True)
    for heading in ("seq", "written", "per s", "waiting", "lag", "missing"):
        table.add_column(heading, justify="right", no_wrap=True)
    for route in status.routes:
        table.add_row(*_cells(route))
    reasons = (
        Text(printable(f"{route.stream} -> {route.output}: {route.reason}"), overflow="fold")
        for route in status.routes
        if route.reason
    )
    return Group(table, *reasons)


def _cells(route: RouteStatus) -> list[Text]:
    style = "green" if route.is_healthy else "bold red"
    seq = "-" if route.seq is None else f"{route.seq:,}"
    lag = "-" if route.lag_s is None else describe_time(route.lag_s)
    missing = Text(f"{route.missing:,}", style="bold red" if route.missing else "")
    plain = (f"{route.written:,}", f"{route.rate:,.0f}", f"{route.waiting:,}", lag)
    return [
        Text(printable(route.stream), no_wrap=True, overflow="ellipsis"),
        Text(printable(route.output), no_wrap=True, overflow="ellipsis"),
        Text(printable(route.state), style=style),
        Text(seq),
        *map(Text, plain),
        missing,
    ]


def describe_time(time_s: float) -> str:
    """Write a time for people, in the unit that fits."""
    for unit, size_s in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if time_s >= 2 * size_s:
            return f"{time_s / size_s:.0f} {unit}"
    return f"{time_s:.1f} s"


def _describe(notice: Notice) -> str:
    what, details = notice.event, notice.details
    if what == "gap" and details["events"] == 1:
        what = f"event {details['first']} is missing"
    elif what == "gap":
        what = f"{details['events']} events are missing, {details['first']} to {details['last']}"
    elif "reason" in details:
        what = f"{what}: {details['reason']}"
    return printable(f"{notice.route.progress.name} -> {notice.route.output.label}: {what}")


def _quote(text: str) -> str:
    if text and not any(character in text for character in ' "='):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
