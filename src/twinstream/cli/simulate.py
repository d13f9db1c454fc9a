"""`twinstream simulate`: a fleet from a scenario, against a running server, with the truth of what that accepted."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import App, Parameter

from twinstream.cli.configuration import load_configuration, warn
from twinstream.cli.extra import import_server
from twinstream.cli.operator import call, find_server
from twinstream.exits import EX_DATAERR, EX_IOERR, EX_NOPERM, EX_UNAVAILABLE, EX_USAGE, CommandError
from twinstream.model.count import show_count

if TYPE_CHECKING:
    from twinstream.settings import Settings
    from twinstream.simulator.crew import Crew
    from twinstream.simulator.fleet import Fleet
    from twinstream.simulator.scenario import Scenario
    from twinstream.truth.journal import TruthFile

PROGRESS_INTERVAL_S = 0.5

MOVING_IN_S = 120.0
"""A server that has not let the fleet in by then is not there. Registering takes it about 10 ms a device."""

EXAMPLES = """\
SCENARIO is a TOML file, or the name of one that comes along:

  seed = 7
  [outages]                 # a device loses its network now and then,
  every_s = 60              # and tells afterwards what it measured
  lasting_s = 10
  [users]                   # somebody sets an input every 5 seconds
  interval_s = 5
  [[models]]
  oem_model = "freezer"
  devices = 20
  interval_s = 2            # each tells something every 2 seconds
  [[models.properties]]
  name = "temperature"
  base_type = "decimal"
  direction = "output"
  low = -25
  high = -15

The same seed gives the same values at the same times. The fleet has an OEM of
its own; that, its user and its devices are made in the server of the data
folder, and remembered there in simulate-SCENARIO.json, with the stream keys.
To a server without such a folder take that file along: --credentials.

It ends after --for, or with Ctrl-C, and says what came of it.

Examples:

  twinstream simulate --list
  twinstream simulate household --for 60s
  twinstream simulate freezers --truth truth.jsonl --seed 7
  twinstream simulate fleet.toml --url https://host --credentials fleet.json"""


def simulate(
    scenario: Annotated[str | None, Parameter(help="TOML file, or a name of --list.", show_default=False)] = None,
    /,
    *,
    list: Annotated[
        bool, Parameter(negative="", show_default=False, help="List the scenarios that come along.")
    ] = False,
    url: Annotated[
        str | None,
        Parameter(
            metavar="URL", show_default=False, help="Address of the server; that of the data folder's if left out."
        ),
    ] = None,
    data: Annotated[
        str | None,
        Parameter(metavar="DIR", show_default=False, help="The server's data folder. [default twinstream-data]"),
    ] = None,
    credentials: Annotated[
        Path | None,
        Parameter(metavar="FILE", show_default=False, help="Credentials made before; then no data folder is needed."),
    ] = None,
    truth: Annotated[
        Path | None,
        Parameter(metavar="FILE", show_default=False, help="Append what was sent and what the server accepted."),
    ] = None,
    seed: Annotated[
        int | None,
        Parameter(metavar="N", show_default=False, help="Instead of the scenario's.", allow_leading_hyphen=True),
    ] = None,
    for_: Annotated[
        str | None,
        Parameter(name="--for", metavar="TIME", show_default=False, help="End after so long, like 60s or 5m."),
    ] = None,
    json: Annotated[bool, Parameter(negative="", show_default=False, help="Print the summary as JSON.")] = False,
) -> None:
    """Simulate a fleet of devices, and users who set their properties, in a running server."""
    import_server("twinstream.simulator.fleet")
    import_server("twinstream.logging").configure_logging("warning", "auto")
    if list:
        _print_list(json=json)
        return
    if scenario is None:
        raise CommandError(EX_USAGE, "which scenario? Name a file, or one of: twinstream simulate --list")
    from twinstream.simulator.scenario import ScenarioError, load_scenario

    length_s = None if for_ is None else read_time(for_, "--for")
    try:
        chosen = load_scenario(scenario)
        settings, _, warnings = load_configuration({} if data is None else {"data": data}, os.environ)
        warn(warnings)
        path = credentials or settings.data / f"simulate-{chosen.name}.json"
        crew, place = _assemble(chosen, settings, path, url, is_ready=credentials is not None)
    except ScenarioError as error:
        raise CommandError(EX_DATAERR, str(error)) from None
    summary = asyncio.run(_run(chosen, crew, place, path, truth, seed, length_s))
    _print_summary(summary, json=json)


def add_simulate_commands(app: App) -> None:
    """Register `simulate`."""
    app.command(simulate, usage="Usage: twinstream simulate [OPTIONS] SCENARIO", help_epilogue=EXAMPLES)


def read_time(text: str, flag: str) -> float:
    """Read a flag's time like 90, 90s, 5m or 1h as seconds. Raises CommandError 64, naming the flag."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*(s|m|h)?", text.strip())
    if found is None or float(found[1]) <= 0:
        raise CommandError(EX_USAGE, f"{flag}: {text!r} is no time; expected one like 60s, 5m or 1h")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2] or "s"]


def _print_list(*, json: bool) -> None:
    from twinstream.simulator.scenario import list_examples

    examples = list_examples()
    if json:
        print(msgspec.json.encode([{"name": one.name, "about": one.about} for one in examples]).decode())
        return
    for one in examples:
        print(f"{one.name:<12}{one.about}")


def _assemble(
    scenario: Scenario, settings: Settings, path: Path, url: str | None, *, is_ready: bool
) -> tuple[Crew, str]:
    """Have everybody there who takes part; answer them, and where the server is.

    Raises:
        ScenarioError: the credentials are none.
        CommandError: as `cli.operator.call`; 69 if no server runs on the folder, 65 if the file is not there.
    """
    from twinstream.simulator.crew import read_crew, set_up, write_crew

    crew = read_crew(path)
    if is_ready:
        if crew is None:
            raise CommandError(EX_DATAERR, f"{path}: there is no such file; made by: twinstream simulate --data DIR")
        if url is None:
            raise CommandError(EX_USAGE, "flag --credentials: say also where the server is, with --url")
        return crew, url
    address = find_server(settings.data)
    if address is None:
        raise CommandError(
            EX_UNAVAILABLE,
            f"no server runs on {settings.data}; start one with: twinstream serve --data {settings.data}, "
            "or name its folder with --data",
        )
    crew = set_up(scenario, crew, lambda method, to, body: call(settings, method, to, body), _show_progress)
    write_crew(path, crew)
    return crew, url or address.url


async def _run(
    scenario: Scenario,
    crew: Crew,
    url: str,
    path: Path,
    truth_path: Path | None,
    seed: int | None,
    length_s: float | None,
) -> dict[str, Any]:
    from twinstream.simulator.clock import SystemClock
    from twinstream.simulator.crew import write_crew
    from twinstream.simulator.fleet import Fleet
    from twinstream.simulator.link import RefusalError
    from twinstream.truth.journal import TruthFile
    from twinstream.wire.time import format_time

    clock = SystemClock()
    begins_s = clock.now_s()
    seed = scenario.seed if seed is None else seed
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        with TruthFile(truth_path, scenario.name, seed, format_time(begins_s)) as truth:
            fleet = Fleet(scenario, crew, url, truth, clock, seed=seed)
            settled = await _settle(fleet, url, stop)
            if settled is not None:
                if settled != crew:
                    write_crew(path, settled)
                showing = asyncio.create_task(_watch(fleet, truth, settled, begins_s))
                ending = asyncio.create_task(_end_after(length_s, stop))
                await fleet.run(stop)
                showing.cancel()
                ending.cancel()
    except RefusalError as refusal:
        raise CommandError(
            EX_NOPERM, f"the server refused the fleet: {refusal}; remove {path}, and start again"
        ) from None
    except OSError as error:
        raise CommandError(EX_IOERR, f"{error.filename or truth_path or path}: {error.strerror or error}") from None
    finally:
        _show_progress("")
    counts = {word: truth.counts[word] for word in ("sent", "accepted", "refused")}
    return {
        "scenario": scenario.name,
        "seed": seed,
        "seconds": round(clock.now_s() - begins_s, 1),
        "devices": len(crew.devices),
        "outages": fleet.outages,
        **counts,
        "maybe": counts["sent"] - counts["accepted"] - counts["refused"],
        "truth": None if truth_path is None else str(truth_path),
        "credentials": str(path),
    }


async def _settle(fleet: Fleet, url: str, stop: asyncio.Event) -> Crew | None:
    """Let the fleet move in; None if it is told to stop before. Raises CommandError 69 if it takes too long."""
    moving = asyncio.ensure_future(fleet.move_in())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({moving, stopping}, timeout=MOVING_IN_S, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if moving.done():
        return moving.result()
    moving.cancel()
    if stop.is_set():
        return None
    raise CommandError(EX_UNAVAILABLE, f"the server at {url} does not answer; look whether it runs, and start again")


async def _end_after(length_s: float | None, stop: asyncio.Event) -> None:
    if length_s is not None:
        await asyncio.sleep(length_s)
        stop.set()


async def _watch(fleet: Fleet, truth: TruthFile, crew: Crew, begins_s: float) -> None:
    """Show how it goes, on a terminal."""
    from twinstream.simulator.clock import SystemClock

    clock = SystemClock()
    while True:
        counts = truth.counts
        open_count = counts["sent"] - counts["accepted"] - counts["refused"]
        _show_progress(
            f"{clock.now_s() - begins_s:4.0f} s  {show_count(len(crew.devices), 'device')}, {fleet.away} away  "
            f"accepted {counts['accepted']}, refused {counts['refused']}, not answered {open_count}"
        )
        await asyncio.sleep(PROGRESS_INTERVAL_S)


def _show_progress(text: str) -> None:
    if sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def _print_summary(summary: dict[str, Any], *, json: bool) -> None:
    if json:
        print(msgspec.json.encode(summary).decode())
        return
    devices, outages = show_count(summary["devices"], "device"), show_count(summary["outages"], "outage")
    print("{scenario}, seed {seed}: ".format(**summary) + f"{devices} for {summary['seconds']:g} s, {outages}")
    print("sent {sent}: accepted {accepted}, refused {refused}, not answered (maybe) {maybe}".format(**summary))
    if summary["truth"]:
        print("truth: {truth}".format(**summary))
    print("stream keys and passwords: {credentials}".format(**summary))
