"""`twinstream demo --collect`: server, fleet and collector as processes that are started again whenever one dies.

Owns the processes and `demonstration.json`, where `twinstream break` finds them; knows nothing of what they do beside
their command lines. Invariants: a process that is named in the file is a child of the one that wrote it; when this
process ends, however, its children end.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from twinstream.cli.extra import import_server
from twinstream.cli.operator import find_server
from twinstream.cli.verify import DATABASE_NAME, TRUTH_NAME
from twinstream.exits import EX_TEMPFAIL, CommandError
from twinstream.system import write_private

FILE_NAME = "demonstration.json"
COLLECT_NAME = "collect.toml"
SERVER, FLEET, COLLECTOR = "server", "fleet", "collector"
STREAM = "fleet"
"""What the stream is called in the database."""

RESTART_S = 0.3
"""So long after its end a process is started again."""
SETTLED_S = 5.0
"""A process that has lived for so long has started well."""
MOST_FAILURES = 5
"""So many bad starts in a row end it all."""
POLL_S = 0.05
LAST_WORDS_S = 15.0
"""So long a process may take to end when it is told to; a server closes its streams, a collector writes its batch."""

_PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a process gets when its parent dies."""


class Running(msgspec.Struct, frozen=True):
    """The contents of `demonstration.json`: the process that starts the others again, and those that run, by role."""

    pid: int
    children: Mapping[str, int]


def read_running(folder: Path) -> Running | None:
    """Read which processes run; None if none do, or the file is none."""
    try:
        running = msgspec.json.decode((folder / FILE_NAME).read_bytes(), type=Running)
        os.kill(running.pid, 0)
    except (OSError, msgspec.DecodeError):
        return None
    return running


def require_free(folder: Path) -> None:
    """Raise CommandError 75 if a demonstration, or a server alone, runs on the folder."""
    if read_running(folder) is not None or find_server(folder) is not None:
        raise CommandError(
            EX_TEMPFAIL,
            f"data: a server or a demonstration runs on {folder} already; end it, or name another folder with --data",
        )


def run_demonstration(folder: Path, server_flags: list[str], port: int, scenario: str) -> int:
    """Run until Ctrl-C or SIGTERM; answer the exit code.

    ``folder`` holds a server's database. ``server_flags`` are those of the server but for its port; port 0 is any, and
    the same one after each start.

    Raises:
        CommandError: what the process says that cannot be started.
    """
    return asyncio.run(_Demonstration(folder, server_flags, port, scenario).run())


class _Demonstration:
    def __init__(self, folder: Path, server_flags: list[str], port: int, scenario: str) -> None:
        self._folder = folder
        self._server_flags = server_flags
        self._port = port
        self._scenario = scenario
        self._children: dict[str, asyncio.subprocess.Process] = {}
        self._stop = asyncio.Event()
        self._credentials = folder / f"simulate-{Path(scenario).stem}.json"

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        keeping: dict[str, asyncio.Task[int]] = {}
        stopping = asyncio.create_task(self._stop.wait())
        starting = asyncio.create_task(self._start(keeping))
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done() and not self._stop.is_set():
                starting.result()
                self._print_guide()
                await asyncio.wait({stopping, *keeping.values()}, return_when=asyncio.FIRST_COMPLETED)
            for role, task in keeping.items():
                if task.done():
                    raise CommandError(task.result(), self._explain(role))
        finally:
            starting.cancel()
            stopping.cancel()
            await self._end(list(keeping.values()))
        return 0

    async def _start(self, keeping: dict[str, asyncio.Task[int]]) -> None:
        """Start one after the other, each when what it needs is there; ``keeping`` is filled as they start."""

        async def keep(role: str, arguments: Callable[[], list[str]], ready: Callable[[], bool]) -> None:
            task = asyncio.create_task(self._keep(role, arguments))
            keeping[role] = task
            while not ready():
                if task.done():
                    raise CommandError(task.result(), self._explain(role))
                await asyncio.sleep(POLL_S)

        truth, credentials = self._folder / TRUTH_NAME, self._credentials
        await keep(SERVER, self._say_server, lambda: find_server(self._folder) is not None)
        self._port = int(self._url().rpartition(":")[2])
        before = _read_keys(credentials)
        simulate = ["simulate", self._scenario, f"--data={self._folder}", f"--truth={truth}"]
        print("The fleet moves in ...", flush=True)
        await keep(FLEET, lambda: simulate, lambda: "datapoint" in (_read_keys(credentials) or before))
        self._write_plan()
        collect = ["collect", f"--config={self._folder / COLLECT_NAME}"]
        await keep(COLLECTOR, lambda: collect, lambda: (self._folder / DATABASE_NAME).exists())

    async def _keep(self, role: str, arguments: Callable[[], list[str]]) -> int:
        """Run a process, again and again; answer its exit code once it will not start."""
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            with (self._folder / f"{role}.log").open("ab") as log:
                child = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "twinstream", *arguments()),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Why: Ctrl-C is for this process, which then ends them in order
                    preexec_fn=_die_with_parent,
                )
            self._children[role] = child
            self._tell()
            exit_code = await child.wait()
            self._children.pop(role, None)
            self._tell()
            if exit_code < 0 or loop.time() - began_s > SETTLED_S:
                failures = 0
            else:
                failures += 1
            if failures == MOST_FAILURES:
                return exit_code or 1
            await asyncio.sleep(RESTART_S)

    async def _end(self, keeping: list[asyncio.Task[int]]) -> None:
        """End the processes, each while what it talks to is still there."""
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        for role in (FLEET, COLLECTOR, SERVER):
            if child := self._children.get(role):
                if child.returncode is None:
                    child.terminate()
                try:
                    await asyncio.wait_for(child.wait(), LAST_WORDS_S)
                except TimeoutError:
                    child.kill()
                    await child.wait()
        (self._folder / FILE_NAME).unlink(missing_ok=True)

    def _say_server(self) -> list[str]:
        return ["demo", *self._server_flags, f"--port={self._port}"]

    def _url(self) -> str:
        address = find_server(self._folder)
        return address.url if address else ""

    def _write_plan(self) -> None:
        """Say to the collector which stream it is to collect, and into what."""
        key = _read_keys(self._credentials)["datapoint"]
        stream = {"url": self._url().replace("http", "ws", 1) + "/stream", "key": key}
        lines = [f"[streams.{STREAM}]", *(f"{name} = {_quote(text)}" for name, text in stream.items())]
        lines += ["", "[outputs.database]", f"url = {_quote(f'sqlite:///{self._folder / DATABASE_NAME}')}", ""]
        write_private(self._folder / COLLECT_NAME, "\n".join(lines).encode())

    def _tell(self) -> None:
        children = {role: child.pid for role, child in self._children.items()}
        write_private(self._folder / FILE_NAME, msgspec.json.encode(Running(os.getpid(), children)))

    def _explain(self, role: str) -> str:
        """Say why a process does not start (any more), in its own last words."""
        path = self._folder / f"{role}.log"
        lines = path.read_text(errors="replace").splitlines()
        return f"the {role} does not start: {lines[-1].removeprefix('twinstream: ') if lines else path}"

    def _print_guide(self) -> None:
        command = import_server("twinstream.demo").find_command()
        crew = import_server("twinstream.simulator.crew").read_crew(self._credentials)
        key = _read_keys(self._credentials)["datapoint"]
        stream = f"{self._url().replace('http', 'ws', 1)}/stream?stream_key={key}"
        print(
            GUIDE.format(
                url=self._url(),
                folder=self._folder,
                flag=_data_flag(self._folder),
                command=command,
                crew=crew,
                stream=stream,
                credentials=self._credentials,
            ),
            flush=True,
        )


GUIDE = """\
A server lives at {url}, a fleet of simulated devices talks to it, and a
collector stores what happens in {folder}/events.db. Look at it in a browser:

  {url}/
  email     {crew.email}
  password  {crew.password}

In another terminal:

  {command} break{flag} --for 60s    # kill server and collector, again and again
  {command} verify{flag}             # prove that nothing was lost, doubled or mixed up
  {command} tail '{stream}'

All keys and passwords of the fleet are in {credentials};
what the three processes say is in server.log, fleet.log and collector.log beside it.
Ctrl-C ends it all; started again, it goes on where it was."""


def _data_flag(folder: Path) -> str:
    return "" if folder.absolute() == Path("twinstream-data").absolute() else f" --data {folder}"


def _read_keys(credentials: Path) -> dict[str, str]:
    try:
        content: dict[str, Any] = msgspec.json.decode(credentials.read_bytes())
    except (OSError, msgspec.DecodeError):
        return {}
    keys = content.get("stream_keys")
    return keys if isinstance(keys, dict) else {}


def _quote(text: str) -> str:
    """Write TOML's text, of which JSON's is one."""
    return msgspec.json.encode(text).decode()


def _die_with_parent() -> None:
    """Let the kernel end this process when its parent is gone. Runs between fork and exec."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
