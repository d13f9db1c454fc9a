"""`twinstream collect status`: how collectors are, or what their outputs hold."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from twinstream.exits import EX_FINDINGS, EX_UNAVAILABLE, EX_USAGE, CommandError

if TYPE_CHECKING:
    from twinstream.collector.plan import Output
    from twinstream.collector.watch import CollectorStatus, RouteStatus

WIDTH = 160
"""Columns where the output is no terminal."""

STATUS_EXAMPLES = """\
Without anything: the collectors of this user that were started in a session
like this one, wherever their sockets are. One that runs as a service is found
by its --config FILE or --status SOCKET.

With --config FILE: the collector that was started with it; of the file only the
place of the socket is read. If none answers, the outputs of the file tell how
far they are; so they do with --to. That needs the variables that it names.

  seq       number of the last event in the output
  per s     events written per second, over the last ten seconds
  waiting   events read and not yet written
  lag       age of the oldest of these, by its own time; at least that which
            the last event had when it was written
  missing   events that did not come in their turn: not in the output

Exit codes: 0 nobody needs to do anything; 1 something is reconnecting, waiting
for its output, failed or not running; 69 no collector runs, or it gives no
answer.

Examples:

  twinstream collect status
  twinstream collect status --config collect.toml --json
  twinstream collect status --to sqlite:///events.db"""


def status(
    *,
    config: Annotated[
        Path | None, Parameter(metavar="FILE", help="The file that the collector was started with.")
    ] = None,
    to: Annotated[
        tuple[str, ...],
        Parameter(metavar="OUTPUT", negative="", show_default=False, help="An output to look into; repeatable."),
    ] = (),
    status: Annotated[
        Path | None, Parameter(metavar="SOCKET", help="What the collector was given as --status.")
    ] = None,
    json: Annotated[bool, Parameter(negative="", show_default=False, help="Print JSON.")] = False,
) -> int:
    """Show how collectors are: each stream, how far it is, and what is wrong."""
    from twinstream.collector.report import ask, ask_all

    if config is not None and to:
        raise CommandError(EX_USAGE, "say --config or --to, not both")
    path = status or (config and _read_socket(config))
    found = list(ask_all()) if path is None else [one for one in [ask(path)] if one is not None]
    if config is not None and path is None:
        found = [one for one in found if one.config == str(config.resolve())]
    if to or (config is not None and not found):
        found = [_complete(found, _read_wanted(config, to))]
    elif not found:
        raise CommandError(EX_UNAVAILABLE, "no collector of yours runs here; look into an output with --to or --config")
    if json:
        print(msgspec.json.encode(found).decode())
    else:
        _print(found)
    return 0 if all(one.is_healthy for one in found) else EX_FINDINGS


def _read_socket(config: Path) -> Path | None:
    """Return the socket that a file names. Nothing else of it counts: whoever asks may lack its keys and variables.

    Raises:
        CommandError: 78: it cannot be read.
    """
    from twinstream.collector.plan_file import open_plan_file

    try:
        said = tomllib.loads(open_plan_file(config).text).get("status")
    except tomllib.TOMLDecodeError:
        return None  # a JSON list, which names none; or what `read_plan` has words for
    return Path(said) if isinstance(said, str) and said else None


def _read_wanted(config: Path | None, to: tuple[str, ...]) -> dict[Output, tuple[str, ...] | None]:
    """Return the outputs that are asked for, each with the streams that it should have; None: what it has.

    Raises:
        CommandError: 64 for ``to``; 69: no collector runs with the file, and it does not tell its outputs either.
    """
    from twinstream.cli.collect import read_outputs
    from twinstream.collector.configuration import read_plan

    if config is None:
        return dict.fromkeys(read_outputs(to).values())
    try:
        plan = read_plan(config)
    except CommandError as error:
        raise CommandError(
            EX_UNAVAILABLE, f"no collector of {config} runs here; its outputs cannot be looked into:\n{error}"
        ) from None
    return {
        output: tuple(stream.name for stream in plan.streams if name in stream.outputs)
        for name, output in plan.outputs.items()
    }


def _complete(found: list[CollectorStatus], wanted: dict[Output, tuple[str, ...] | None]) -> CollectorStatus:
    """Put together what running collectors tell of the outputs and what the others hold."""
    from twinstream import __version__
    from twinstream.collector.watch import CollectorStatus

    routes: list[RouteStatus] = []
    for output, streams in wanted.items():
        running = {route.stream: route for one in found for route in one.routes if route.output == output.label}
        if streams is None or set(streams) - set(running):
            running = _look_into(output, streams) | running
        routes += (route for stream, route in running.items() if streams is None or stream in streams)
    first = found[0] if found else None
    pid, started_at = (first.pid, first.started_at) if first else (None, None)
    return CollectorStatus(pid, __version__, started_at, tuple(routes))


def _look_into(output: Output, streams: tuple[str, ...] | None) -> dict[str, RouteStatus]:
    from twinstream.collector.cursors import read_cursors
    from twinstream.collector.sink import SinkAwayError, SinkError
    from twinstream.collector.watch import NOT_RUNNING, RouteStatus

    reason = ""
    try:
        cursors: dict[str, int] = read_cursors(output)
    except (SinkAwayError, SinkError) as error:
        cursors, reason = {}, str(error)
    names = streams if streams is not None else tuple(cursors) or ("-",)
    return {
        name: RouteStatus(name, output.label, NOT_RUNNING, is_healthy=False, reason=reason, seq=cursors.get(name))
        for name in names
    }


def _print(found: list[CollectorStatus]) -> None:
    from rich.console import Console

    from twinstream.client.line import printable
    from twinstream.collector.view import draw

    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    for one in found:
        if one.pid is not None:
            console.print(f"collector {one.pid}, since {one.started_at}", highlight=False)
        console.print(draw(one))
        streams = [route.stream for route in one.routes]
        for route in one.routes:
            name = route.stream if streams.count(route.stream) == 1 else f"{route.stream} -> {route.output}"
            if route.gaps:
                gaps = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in route.gaps)
                console.print(f"missing in {printable(name)}: {gaps}", highlight=False, markup=False)
            if route.last_error and route.is_healthy:
                said = f"{name}, at {route.last_error_at}: {route.last_error}"
                console.print(f"the last trouble of {printable(said)}", highlight=False, markup=False)
