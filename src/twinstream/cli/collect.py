"""`twinstream collect`: streams into databases and files, each event once."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from twinstream.cli.address import ClientType, Deployment, Key, KeyFile, Region, find_stream
from twinstream.cli.simulate import read_time
from twinstream.exits import EX_DATAERR, EX_NOPERM, EX_PROTOCOL, EX_TEMPFAIL, EX_UNAVAILABLE, EX_USAGE, CommandError

if TYPE_CHECKING:
    from twinstream.collector.plan import Output, Plan
    from twinstream.collector.route import Route


def collect(
    url: Annotated[str | None, Parameter(help="Address of the stream, like ws://HOST/stream?stream_key=KEY.")] = None,
    /,
    *,
    to: Annotated[
        tuple[str, ...],
        Parameter(metavar="OUTPUT", negative="", show_default=False, help="Where the events go; repeatable."),
    ] = (),
    config: Annotated[Path | None, Parameter(metavar="FILE", help="TOML file, or JSON list of streams.")] = None,
    name: Annotated[
        str | None, Parameter(metavar="NAME", help="What the stream is called in its rows. [default made of its key]")
    ] = None,
    region: Region = None,
    deployment: Deployment = "field",
    client_type: ClientType = "cloud",
    key: Key = None,
    key_file: KeyFile = None,
    since_seq: Annotated[
        int | None,
        Parameter(
            metavar="N",
            help="Where to begin in an output that holds nothing of the stream; by default the oldest event kept.",
        ),
    ] = None,
    until_seq: Annotated[int | None, Parameter(metavar="N", help="End with this number.")] = None,
    for_: Annotated[
        str | None, Parameter(name="--for", metavar="TIME", help="End after so long, like 60s, 5m or 1h.")
    ] = None,
    batch_size: Annotated[
        int | None, Parameter(metavar="N", help="Write after so many events. [default 1000; Parquet 50000]")
    ] = None,
    batch_time: Annotated[
        str | None,
        Parameter(metavar="TIME", help="Write when the first of a batch is so old. [default 1s; Parquet 60s]"),
    ] = None,
) -> int:
    """Write the events of streams into databases and files, each exactly once."""
    from twinstream.collector.configuration import read_plan

    batch_time_s = None if batch_time is None else read_time(batch_time)
    outputs = _read_outputs(to, batch_size, batch_time_s)
    if config is not None:
        if url is not None or region is not None:
            raise CommandError(EX_USAGE, "a stream comes from --config or from the command line, not both")
        plan = read_plan(config, to=tuple(outputs.values()), batch_size=batch_size, batch_time_s=batch_time_s)
    else:
        address, given_key = find_stream(url, region, deployment, client_type, key, key_file)
        plan = _plan_one(address, given_key, name, since_seq, outputs)
    return asyncio.run(_run(plan, until_seq, None if for_ is None else read_time(for_)))


def add_collect_commands(app: App) -> None:
    """Register `collect`."""
    app.command(collect)


def _read_outputs(to: tuple[str, ...], batch_size: int | None, batch_time_s: float | None) -> dict[str, Output]:
    from twinstream.collector.plan import make_output

    if batch_size is not None and not 1 <= batch_size <= 1_000_000:
        raise CommandError(EX_USAGE, f"--batch-size {batch_size} cannot be; expected 1 to 1000000")
    outputs = {}
    for text in to:
        try:
            output = make_output(text, batch_size=batch_size, batch_time_s=batch_time_s)
        except ValueError as error:
            raise CommandError(EX_USAGE, f"--to: {error}") from None
        outputs[output.name] = output
    return outputs


def _plan_one(url: str, key: str | None, name: str | None, since_seq: int | None, outputs: dict[str, Output]) -> Plan:
    """Make the plan of one stream that stands on the command line."""
    from twinstream.collector.plan import Plan, Secret, Stream, is_name, name_of_key, split_stream_url
    from twinstream.collector.plan_file import NAME_FORM

    if not outputs:
        raise CommandError(EX_USAGE, "say where the events go, as in: --to sqlite:///events.db")
    place, key_in_url, seq_start = split_stream_url(url)
    secret = Secret(key) if key else key_in_url
    if secret is None:
        raise CommandError(EX_USAGE, "a stream needs its key")
    if name is not None and not is_name(name):
        raise CommandError(EX_USAGE, f"--name: that is no name; expected {NAME_FORM}")
    start = since_seq if since_seq is not None else seq_start or 0
    stream = Stream(name or name_of_key(secret), secret, tuple(outputs), place, seq_start=start)
    return Plan((stream,), outputs)


async def _run(plan: Plan, until_seq: int | None, seconds: float | None) -> int:
    from twinstream.collector.route import make_routes
    from twinstream.collector.runner import run_collector

    routes = make_routes(plan, through=until_seq)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if seconds is not None:
        loop.call_later(seconds, stop.set)
    await run_collector([route.source for route in routes], progress=[route.progress for route in routes], stop=stop)
    return max(map(_judge, routes))


def _judge(route: Route) -> int:
    """Say how a route ended, and answer its exit code."""
    from twinstream.client import Disconnect, MessageError, RefusedError, RenumberedError, UnreachableError
    from twinstream.collector.sink import SinkError, SinkTakenError

    progress = route.progress
    where = f"{progress.name} -> {route.output.label}"
    if progress.error is None:
        print(f"twinstream: {where}: {progress.written} events written, up to {progress.seq}", file=sys.stderr)
        return 0
    print(f"twinstream: {where}: {progress.reason}", file=sys.stderr)
    match progress.error:
        case RefusedError(status=401 | 403):
            return EX_NOPERM
        case UnreachableError():
            return EX_UNAVAILABLE
        case RefusedError() | Disconnect() | MessageError() | RenumberedError():
            return EX_PROTOCOL
        case SinkTakenError():
            return EX_TEMPFAIL
        case SinkError():
            return EX_DATAERR
        case error:
            raise error
