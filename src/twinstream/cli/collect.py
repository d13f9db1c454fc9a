"""`twinstream collect`: streams into databases and files, each event once."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Group, Parameter

from twinstream.cli.address import ClientType, Deployment, Key, KeyFile, Region, check_range, find_stream
from twinstream.cli.collect_status import STATUS_EXAMPLES, status
from twinstream.cli.simulate import read_time
from twinstream.exits import (
    EX_DATAERR,
    EX_INTERRUPTED,
    EX_NOPERM,
    EX_PROTOCOL,
    EX_TEMPFAIL,
    EX_TERMINATED,
    EX_UNAVAILABLE,
    EX_USAGE,
    CommandError,
)
from twinstream.model.count import show_count

if TYPE_CHECKING:
    from twinstream.collector.plan import Output, Plan
    from twinstream.collector.route import Route
    from twinstream.collector.view import View

USAGE = """\
Usage: twinstream collect URL --to OUTPUT [OPTIONS]
       twinstream collect --config FILE [OPTIONS]
       twinstream collect status [OPTIONS]"""

EXAMPLES = """\
An output is one of

  sqlite:///events.db             three slashes: in this folder; four: absolute
  mysql://USER@HOST/DATABASE      also MariaDB
  postgresql://USER@HOST/DATABASE
  jsonl:events.jsonl              JSON lines; jsonl:FOLDER/ for several streams,
                                  jsonl:FOLDER/?rotate=day,100MB for many files
  parquet:FOLDER/                 a file for each batch

It begins with the oldest event that the server keeps, and goes on where it was
whenever it is started again: each output remembers the last number it holds,
together with the events. An output or a server that is away is waited for.
Ctrl-C or SIGTERM writes what has come, and ends; a second one does not wait for
an output, and the next start fetches again what was not written.

Exit codes: 0 it ended as asked; 64 the command line is wrong; 65 an output
cannot be used; 69 a library is missing, or nobody is there; 75 another
collector writes there; 76 the server closed the stream for good; 77 it refused
the key; 78 the file is wrong; 130 a second Ctrl-C; 143 a second SIGTERM. With
several streams, the others go on when one has failed, and the code is that of
one of those.

Examples:

  twinstream collect 'ws://127.0.0.1:8800/stream?stream_key=KEY' \\
      --to sqlite:///events.db
  twinstream collect URL --key-file key --to sqlite:///events.db \\
      --to parquet:lake/          into two places at once
  twinstream collect URL --to jsonl:events.jsonl --once
                                  what there is, and end
  twinstream collect --example > collect.toml
  twinstream collect --config collect.toml --check
  twinstream collect --config collect.toml
  twinstream collect status       how it goes; --help tells more"""

_WHAT, _WHERE, _HOW = (Group.create_ordered(name) for name in ("What to collect", "How long", "How"))
_FLAG = Parameter(negative="", show_default=False)


def collect(
    url: Annotated[
        str | None, Parameter(group=_WHAT, help="Address of the stream, like ws://HOST/stream?stream_key=KEY.")
    ] = None,
    /,
    *,
    to: Annotated[
        tuple[str, ...],
        Parameter(
            metavar="OUTPUT", group=_WHAT, negative="", show_default=False, help="Where the events go; repeatable."
        ),
    ] = (),
    config: Annotated[
        Path | None, Parameter(metavar="FILE", group=_WHAT, help="TOML file of streams and outputs, or JSON list.")
    ] = None,
    name: Annotated[
        str | None,
        Parameter(
            metavar="NAME", group=_WHAT, help="What the stream is called in its rows. [default: made of its key]"
        ),
    ] = None,
    region: Annotated[Region, Parameter(group=_WHAT)] = None,
    deployment: Annotated[Deployment, Parameter(group=_WHAT)] = "field",
    client_type: Annotated[ClientType, Parameter(group=_WHAT)] = "cloud",
    key: Annotated[Key, Parameter(group=_WHAT)] = None,
    key_file: Annotated[KeyFile, Parameter(group=_WHAT)] = None,
    since_seq: Annotated[
        int | None,
        Parameter(
            metavar="N",
            group=_WHERE,
            help="Where to begin in an output that has nothing yet. [default: the oldest event kept]",
        ),
    ] = None,
    until_seq: Annotated[int | None, Parameter(metavar="N", group=_WHERE, help="End with this number.")] = None,
    once: Annotated[bool, _FLAG, Parameter(group=_WHERE, help="End with the newest event of now.")] = False,
    for_: Annotated[
        str | None, Parameter(name="--for", metavar="TIME", group=_WHERE, help="End after so long, like 60s, 5m or 1h.")
    ] = None,
    batch_size: Annotated[
        int | None,
        Parameter(metavar="N", group=_HOW, help="Write after so many events. [default: 1000; Parquet 50000]"),
    ] = None,
    batch_time: Annotated[
        str | None,
        Parameter(metavar="TIME", group=_HOW, help="… or when the first is so old. [default: 1s; Parquet 60s]"),
    ] = None,
    metrics: Annotated[
        str | None, Parameter(metavar="[HOST:]PORT", group=_HOW, help="Serve /metrics and /status there.")
    ] = None,
    status: Annotated[
        Path | None,
        Parameter(metavar="SOCKET", group=_HOW, help="Answer `collect status` there. [default: a socket of its own]"),
    ] = None,
    log_format: Annotated[
        Literal["auto", "text", "json"],
        Parameter(group=_HOW, help="Lines of a log; auto: a table on a terminal, else JSON."),
    ] = "auto",
    check: Annotated[bool, _FLAG, Parameter(group=_HOW, help="Say what would be done, and end.")] = False,
    example: Annotated[bool, _FLAG, Parameter(group=_HOW, help="Print an example of FILE, and end.")] = False,
) -> int:
    """Write the events of streams into databases and files, each exactly once."""
    from twinstream.collector.configuration import EXAMPLE, read_plan

    if example:
        print(EXAMPLE, end="")
        return 0
    batch_time_s = None if batch_time is None else read_time(batch_time, "--batch-time")
    seconds = None if for_ is None else read_time(for_, "--for")
    outputs = read_outputs(to, batch_size, batch_time_s)
    if config is None:
        if not outputs:
            raise CommandError(EX_USAGE, "say where the events go, as in: --to sqlite:///events.db")
        plan = _plan_one(*find_stream(url, region, deployment, client_type, key, key_file), name, outputs)
    elif (url or region or name or key or key_file) is not None:
        raise CommandError(EX_USAGE, "streams come from --config or from the command line, not both")
    else:
        plan = read_plan(config, to=tuple(outputs.values()), batch_size=batch_size, batch_time_s=batch_time_s)
    check_range(since_seq, until_seq)
    if until_seq is not None and once:
        raise CommandError(EX_USAGE, "say --until-seq or --once, not both")
    if since_seq is not None:
        plan = plan.starting(since_seq)
    if check:
        return _check(plan)
    socket = status or (Path(plan.status) if plan.status else None)
    view = _make_view(log_format)
    file = None if config is None else str(config.resolve())
    return asyncio.run(_run(plan, view, until_seq, seconds, socket, metrics or plan.metrics, file, once=once))


def add_collect_commands(app: App) -> None:
    """Register `collect` and `collect status`."""
    collector = App(name="collect", usage=USAGE, help_epilogue=EXAMPLES)
    collector.default(collect)
    collector.command(status, help_epilogue=STATUS_EXAMPLES)
    app.command(collector)


def read_outputs(
    to: tuple[str, ...], batch_size: int | None = None, batch_time_s: float | None = None
) -> dict[str, Output]:
    """Make the outputs of the command line, by name.

    Raises:
        CommandError: 64.
    """
    from twinstream.collector.plan import make_output, tell_twins

    if batch_size is not None and not 1 <= batch_size <= 1_000_000:
        raise CommandError(EX_USAGE, f"--batch-size {batch_size} cannot be; expected 1 to 1000000")
    try:
        made = [make_output(text, batch_size=batch_size, batch_time_s=batch_time_s) for text in to]
    except ValueError as error:
        raise CommandError(EX_USAGE, f"--to: {error}") from None
    outputs = {output.name: output for output in made}
    if twins := tell_twins(outputs, outputs):
        raise CommandError(EX_USAGE, f"--to: {twins}")
    return outputs


def _plan_one(url: str, key: str | None, name: str | None, outputs: dict[str, Output]) -> Plan:
    """Make the plan of one stream that stands on the command line."""
    from twinstream.collector.plan import Plan, Secret, Stream, is_name, name_of_key, split_stream_url
    from twinstream.collector.plan_file import NAME_FORM

    place, key_in_url, seq_start = split_stream_url(url)
    secret = Secret(key) if key else key_in_url
    if secret is None:
        raise CommandError(EX_USAGE, "a stream needs its stream key")
    if name is not None and not is_name(name):
        raise CommandError(EX_USAGE, f"--name: that is no name; expected {NAME_FORM}")
    return Plan(
        (Stream(name or name_of_key(secret), secret, tuple(outputs), place, seq_start=seq_start or 0),), outputs
    )


def _check(plan: Plan) -> int:
    from twinstream.collector.route import make_routes

    make_routes(plan)
    for stream in plan.streams:
        print(f"{stream.name}: {stream.place}")
        for name in stream.outputs:
            output = plan.outputs[name]
            print(f"  -> {output.label}, after {show_count(output.batch_size, 'event')} or {output.batch_time_s:g} s")
    return 0


def _make_view(log_format: str) -> View:
    from twinstream.collector.view import LogView, TerminalView

    if log_format == "auto" and sys.stderr.isatty():
        return TerminalView()
    return LogView(is_json=log_format != "text")


async def _run(
    plan: Plan,
    view: View,
    until_seq: int | None,
    seconds: float | None,
    socket: Path | None,
    metrics: str | None,
    config: str | None,
    *,
    once: bool,
) -> int:
    from twinstream.collector.place import find_heads
    from twinstream.collector.route import make_routes
    from twinstream.collector.session import run_session

    make_routes(plan)  # what cannot be is told before a server is asked anything
    through = await find_heads(plan) if once else {stream.name: until_seq for stream in plan.streams}
    routes = make_routes(plan, through=through)
    stop = asyncio.Event()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    asked: list[int] = []

    def end(exit_code: int) -> None:
        if asked and task is not None:
            task.cancel()  # the second time: at once, and what has come is fetched again at the next start
        asked.append(exit_code)
        stop.set()

    for number, exit_code in ((signal.SIGINT, EX_INTERRUPTED), (signal.SIGTERM, EX_TERMINATED)):
        loop.add_signal_handler(number, end, exit_code)
    if seconds is not None:
        loop.call_later(seconds, stop.set)
    try:
        await run_session(routes, view, stop=stop, status=socket, metrics=metrics, config=config, reminds=once)
    except asyncio.CancelledError:
        return asked[-1]
    return max(map(_judge, routes))


def _judge(route: Route) -> int:
    """Answer the exit code for how a route ended."""
    from twinstream.client import Disconnect, MessageError, RefusedError, RenumberedError, UnreachableError
    from twinstream.collector.route import OtherStreamError
    from twinstream.collector.sink import SinkError, SinkTakenError

    match route.progress.error:
        case None:
            return 0
        case RefusedError(status=401 | 403):
            return EX_NOPERM
        case UnreachableError():
            return EX_UNAVAILABLE
        case RefusedError() | Disconnect() | MessageError() | RenumberedError() | OtherStreamError():
            return EX_PROTOCOL
        case SinkTakenError():
            return EX_TEMPFAIL
        case SinkError():
            return EX_DATAERR
        case error:
            raise error
