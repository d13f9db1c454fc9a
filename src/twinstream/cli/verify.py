"""`twinstream verify`: what a collector holds, against what a fleet was told that the server accepted."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import msgspec
from cyclopts import App, Parameter

from twinstream.cli.configuration import load_configuration
from twinstream.cli.simulate import read_time
from twinstream.exits import EX_DATAERR, EX_FINDINGS, CommandError
from twinstream.model.count import show_count

if TYPE_CHECKING:
    from twinstream.truth.verdict import Verdict

TRUTH_NAME = "truth.jsonl"
DATABASE_NAME = "events.db"
"""Where `twinstream demo --collect` keeps both, in the data folder."""

DEMONSTRATION_WAIT = "60s"

LINE_INTERVAL_S = 5.0
"""Where lines stay, what is waited for is told at most so often."""

HELP_EXAMPLES = """\
FILE is what `twinstream simulate --truth FILE` wrote; the database is what
`twinstream collect` wrote into: SQLite, MySQL/MariaDB, PostgreSQL, JSON lines
or Parquet. Left out, both are those of `twinstream demo --collect` in the data
folder, and the collector is given a minute to catch up.

  missing       accepted by the server, and not collected
  doubled       collected twice
  out of order  collected or numbered in another order than it was sent
  unexpected    collected, but never sent, or refused
  divergent     collected with another content than what was accepted
  gap           a number of the stream that is not there

What was sent and not answered (maybe) may be there once, or not.
The exit code is 0 if nothing is wrong, 1 otherwise, and 65 if nothing had been
accepted: then there is nothing to show.

Examples:

  twinstream verify
  twinstream verify --truth truth.jsonl --db sqlite:///events.db
  twinstream verify --truth truth.jsonl --db mysql://me@localhost/events --wait 30s
  twinstream verify --truth truth.jsonl --db parquet:lake/"""


def verify(
    *,
    truth: Annotated[
        Path | None,
        Parameter(metavar="FILE", show_default=False, help="The truth. [default truth.jsonl in the folder]"),
    ] = None,
    db: Annotated[
        str | None, Parameter(metavar="URL", show_default=False, help="The database. [default events.db in the folder]")
    ] = None,
    data: Annotated[
        str | None,
        Parameter(metavar="DIR", show_default=False, help="Folder of the demonstration. [default twinstream-data]"),
    ] = None,
    table: Annotated[str, Parameter(metavar="NAME", help="The table of events.")] = "events",
    stream: Annotated[
        str | None, Parameter(metavar="NAME", show_default=False, help="Judge only this stream of the table.")
    ] = None,
    wait: Annotated[
        str | None,
        Parameter(metavar="TIME", show_default=False, help="Wait so long, at most, for what is missing, like 30s."),
    ] = None,
    json: Annotated[bool, Parameter(negative="", show_default=False, help="Print the verdict as JSON.")] = False,
) -> int:
    """Compare what a collector holds with what the server accepted, and name what is wrong."""
    from twinstream.truth.journal import TruthError
    from twinstream.truth.rows import read_rows
    from twinstream.truth.verify import verify as compare

    if truth is None and db is None and wait is None:
        wait = DEMONSTRATION_WAIT
    folder = load_configuration({} if data is None else {"data": data}, os.environ)[0].data
    url = db or f"sqlite:///{folder / DATABASE_NAME}"
    wait_s = 0.0 if wait is None else read_time(wait, "--wait")
    progress = Progress(wait_s, sys.stderr, time.monotonic)
    url = url if ":" in url else f"sqlite:///{url}"
    try:
        verdict = compare(
            truth or folder / TRUTH_NAME,
            url,
            table=table,
            stream=stream,
            wait_s=wait_s,
            sleep=time.sleep,
            monotonic_s=time.monotonic,
            notify=progress.show,
        )
        others = set() if stream is None or verdict.rows else {row.stream for row in read_rows(url, table)} - {None}
    except TruthError as error:
        raise CommandError(EX_DATAERR, str(error)) from None
    finally:
        progress.clear()
    if others:
        held = ", ".join(sorted(map(str, others)))
        print(f"twinstream: nothing was collected of the stream {stream!r}; there is {held}", file=sys.stderr)
    print(msgspec.json.encode(verdict).decode() if json else describe(verdict))
    if verdict.is_clean and not verdict.accepted:
        raise CommandError(
            EX_DATAERR, "the truth tells of nothing that the server had accepted, so nothing is shown; ask again later"
        )
    return 0 if verdict.is_clean else EX_FINDINGS


def add_verify_commands(app: App) -> None:
    """Register `verify`."""
    app.command(verify, help_epilogue=HELP_EXAMPLES)


def describe(verdict: Verdict) -> str:
    """Write a verdict for people."""
    from twinstream.truth.verdict import EXAMPLES

    streams = f" of the streams {', '.join(verdict.streams)}" if len(verdict.streams) > 1 else ""
    later = f", {verdict.later} more while this ran" if verdict.later else ""
    lines = [
        f"accepted {verdict.accepted}{later}; not answered (maybe) {verdict.maybe}; collected {verdict.rows}{streams}"
    ]
    for word, finding in verdict.findings.items():
        lines.append(f"{word:<14}{finding.count}")
        lines += [f"  {example}" for example in finding.examples]
        if finding.count > len(finding.examples) == EXAMPLES:
            lines.append("  ...")
    return "\n".join(lines)


class Progress:
    """Tells on stderr what is waited for: on a terminal in one line that is written anew, else a line now and then."""

    def __init__(self, wait_s: float, out: TextIO | None, monotonic_s: Callable[[], float]) -> None:
        self._wait_s = wait_s
        self._out = out
        self._monotonic_s = monotonic_s
        self._is_terminal = out is not None and out.isatty()
        self._told: str | None = None
        self._next_s = -inf

    def show(self, verdict: Verdict) -> None:
        """Tell it if it has changed; where lines stay, at most every `LINE_INTERVAL_S`."""
        missing = show_count(verdict.findings["missing"].count, "accepted datapoint")
        text = f"waiting up to {self._wait_s:g} s for the collector: {missing} not there yet"
        now_s = self._monotonic_s()
        if self._out is None or text == self._told or (now_s < self._next_s and not self._is_terminal):
            return
        self._told, self._next_s = text, now_s + LINE_INTERVAL_S
        self._out.write(f"\r\x1b[K{text}" if self._is_terminal else f"twinstream: {text}\n")
        self._out.flush()

    def clear(self) -> None:
        """Leave nothing on a terminal."""
        if self._out is not None and self._is_terminal and self._told is not None:
            self._out.write("\r\x1b[K")
            self._out.flush()
