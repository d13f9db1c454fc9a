"""`twinstream doctor`: the command line around an examination."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from twinstream.cli.termination import until_terminated
from twinstream.exits import EX_FINDINGS, EX_IOERR, EX_TEMPFAIL, EX_USAGE, CommandError

if TYPE_CHECKING:
    from twinstream.doctor.run import Case, Plan
    from twinstream.doctor.verdict import Verdict

DOCTOR_EXAMPLES = """\
Write the command that runs your client behind --, and in it {url} for the
stream's address. The same is in the environment: TWINSTREAM_URL, in parts
TWINSTREAM_HOST, TWINSTREAM_PORT and TWINSTREAM_STREAM_KEY. {case} is the
case's name, for clients that keep files.

Your client prints a line for each event that it has processed, with the
event's seq, dsn or datapoint id in it. It is run once for each case.

By default heartbeats come every second, so that it takes about a minute. With
--real-time they come every 30 s, and it takes about five.

Exit code 0: nothing found, 1: something found.

Examples:

  twinstream doctor -- node client.js '{url}'
  twinstream doctor --report junit.xml -- ./collector.sh
  twinstream doctor --only pipe-in-value --only batch -- node client.js '{url}'
  twinstream doctor --list        tell what is looked at"""


def doctor(
    *command: Annotated[
        str, Parameter(metavar="COMMAND", help="What runs your client, behind --.", allow_leading_hyphen=True)
    ],
    listen: Annotated[
        str | None, Parameter(metavar="HOST:PORT", help="Where to serve it; any free port if absent.")
    ] = None,
    report: Annotated[Path | None, Parameter(metavar="FILE", help="Write JUnit XML there too.")] = None,
    json: Annotated[bool, Parameter(negative="", show_default=False, help="Print one JSON object instead.")] = False,
    only: Annotated[
        tuple[str, ...],
        Parameter(metavar="NAME", negative="", show_default=False, help="Only this case; may be repeated."),
    ] = (),
    list: Annotated[bool, Parameter(negative="", show_default=False, help="List the cases, and end.")] = False,
    timeout: Annotated[
        float | None, Parameter(metavar="S", help="Wait so long for anything (15; with --real-time 180).")
    ] = None,
    processed: Annotated[
        str, Parameter(metavar="FILE", show_default=False, help="Look there for what was processed, not in the output.")
    ] = "",
    wire_only: Annotated[
        bool, Parameter(negative="", show_default=False, help="Judge by connections and answers alone.")
    ] = False,
    real_time: Annotated[
        bool, Parameter(negative="--fast", show_default=False, help="Send heartbeats every 30 s, not every second.")
    ] = False,
    jobs: Annotated[int, Parameter(metavar="N", show_default=False, help="So many cases at a time (1).")] = 1,
) -> int:
    """Play legal but nasty traffic at your client, and grade what it does."""
    from twinstream.doctor.examination import FAST, REAL_TIME
    from twinstream.doctor.run import CASES, Plan
    from twinstream.doctor.subject import no_command

    if list:
        for case in CASES:
            print(f"{case.name:<20}  {case.title}")
        return 0
    if not command:
        raise no_command()
    if unknown := sorted(set(only) - {case.name for case in CASES}):
        raise CommandError(EX_USAGE, f"no such case: {unknown[0]} (see: twinstream doctor --list)")
    if jobs < 1 or (timeout is not None and timeout <= 0):
        raise CommandError(EX_USAGE, "--jobs and --timeout are above 0")
    import msgspec

    pace = REAL_TIME if real_time else FAST
    host, port = _read_address(listen) if listen else ("127.0.0.1", 0)
    plan = Plan(
        command=command,
        pace=pace if timeout is None else msgspec.structs.replace(pace, patience_s=timeout),
        at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        host=host,
        port=port,
        jobs=jobs,
        processed=processed,
        run_id=secrets.token_hex(8),
        is_wire_only=wire_only,
    )
    cases = [case for case in CASES if case.name in only] if only else CASES
    verdicts = asyncio.run(until_terminated(_examine(plan, cases, is_quiet=json)))
    if verdicts is None:
        raise CommandError(EX_TEMPFAIL, "ended by SIGTERM before all cases were played")
    return _report(verdicts, command, report, as_json=json)


def add_doctor_commands(app: App) -> None:
    """Register `doctor`."""
    app.command(doctor, usage="Usage: twinstream doctor [OPTIONS] -- COMMAND", help_epilogue=DOCTOR_EXAMPLES)


async def _examine(plan: Plan, cases: Sequence[Case], *, is_quiet: bool) -> list[Verdict]:
    from contextlib import aclosing

    from twinstream.doctor.report import describe
    from twinstream.doctor.run import examine

    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    verdicts = []
    async with aclosing(examine(plan, cases)) as coming:
        async for verdict in coming:
            verdicts.append(verdict)
            if not is_quiet:
                print(describe(verdict, colour=colour), flush=True)
    return verdicts


def _report(verdicts: Sequence[Verdict], command: Sequence[str], report: Path | None, *, as_json: bool) -> int:
    from twinstream.doctor.report import encode_json, encode_junit, is_healthy, summarise

    print(encode_json(verdicts, command) if as_json else f"\n{summarise(verdicts)}")
    if report is not None:
        try:
            report.write_bytes(encode_junit(verdicts, command))
        except OSError as error:
            raise CommandError(EX_IOERR, f"the report could not be written: {report}: {error.strerror}") from None
    return 0 if is_healthy(verdicts) else EX_FINDINGS


def _read_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise CommandError(EX_USAGE, f"--listen {text}: expected HOST:PORT, like 127.0.0.1:8080")
    return host.strip("[]") or "127.0.0.1", int(port)
