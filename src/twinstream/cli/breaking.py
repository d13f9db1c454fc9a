"""`twinstream break`: kill -9 server and collector of a demonstration, again and again, at random.

Invariant: only a process is killed that is a child of the demonstration's own process at that very moment.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random, SystemRandom
from typing import Annotated

from cyclopts import App, Parameter

from twinstream.cli.configuration import load_configuration
from twinstream.cli.demonstration import COLLECTOR, SERVER, read_running
from twinstream.cli.simulate import read_time
from twinstream.exits import EX_UNAVAILABLE, CommandError
from twinstream.model.count import show_count

LONGEST_WAIT_SHARE = 2.0
"""Between two blows there is anything from nothing to twice the mean."""

EXAMPLES = """\
It kills what `twinstream demo --collect` started, which starts it again, and
nothing else: server or collector, as chance has it, in the midst of whatever
they do. The same --seed strikes the same way.

Examples:

  twinstream break --for 60s
  twinstream break --for 20s --every 1s --seed 7"""


def break_(
    *,
    for_: Annotated[str, Parameter(name="--for", metavar="TIME", help="How long, like 60s or 5m.")] = "60s",
    every: Annotated[str, Parameter(metavar="TIME", help="Mean time between two blows.")] = "3s",
    seed: Annotated[
        int | None, Parameter(metavar="N", show_default=False, help="What chance begins with; printed if left out.")
    ] = None,
    data: Annotated[
        str | None,
        Parameter(metavar="DIR", show_default=False, help="Folder of the demonstration. [default twinstream-data]"),
    ] = None,
) -> None:
    """Kill server and collector of the demonstration again and again, at random."""
    length_s, mean_s = read_time(for_, "--for"), read_time(every, "--every")
    folder = load_configuration({} if data is None else {"data": data}, os.environ)[0].data
    _require(folder)
    if seed is None:
        seed = SystemRandom().randrange(1_000_000)
        print(f"seed {seed}", flush=True)
    blows: Counter[str] = Counter()
    ends_s = time.monotonic() + length_s
    for wait_s, role in plan_blows(seed, mean_s):
        if time.monotonic() + wait_s > ends_s:
            break
        time.sleep(wait_s)
        _require(folder)
        pid = strike(folder, role)
        blows[role] += pid is not None
        what = f"kill -9 {pid}" if pid is not None else "down already"
        print(f"{time.strftime('%H:%M:%S')}  {role:<10} {what}", flush=True)
    told = ", ".join(f"{role} {blows[role]}" for role in (SERVER, COLLECTOR))
    flag = "" if data is None else f" --data {data}"
    print(f"{show_count(blows.total(), 'blow')}: {told}. Now prove that nothing was lost: twinstream verify{flag}")


def add_breaking_commands(app: App) -> None:
    """Register `break`."""
    app.command(break_, name="break", help_epilogue=EXAMPLES)


def plan_blows(seed: int, mean_s: float) -> Iterator[tuple[float, str]]:
    """Yield how long to wait, and whom to strike then, for ever."""
    random = Random(seed)  # noqa: S311 - Why: the same seed shall strike the same way
    while True:
        yield random.uniform(0.0, LONGEST_WAIT_SHARE * mean_s), random.choice((SERVER, COLLECTOR))


def strike(folder: Path, role: str) -> int | None:
    """Kill the process that has a role; answer its id, None if there is none at present."""
    running = read_running(folder)
    pid = running.children.get(role) if running else None
    if running is None or pid is None:
        return None
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    try:  # Why the handle first: what it stands for stays the same process, and that one is looked at, then killed
        if _find_parent(pid) != running.pid:
            return None
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        return None
    finally:
        os.close(handle)
    return pid


def _require(folder: Path) -> None:
    if read_running(folder) is None:
        raise CommandError(
            EX_UNAVAILABLE, f"no demonstration runs on {folder}; start one with: twinstream demo --collect"
        )


def _find_parent(pid: int) -> int | None:
    """Answer the parent of a process, from proc_pid_stat(5), where the name before it may hold anything."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return None
