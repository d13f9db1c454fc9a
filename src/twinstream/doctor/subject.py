"""The client under examination: its process, what it prints, and its end.

Owns one process group; knows nothing of streams. Invariant: when `Subject.end` returns, nothing that the command has
started in its process group is running.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from twinstream.exits import EX_USAGE, CommandError

COMPLAINT_BYTES = 2000
"""So much of the end of the client's error output is kept."""
POLITE_S = 3.0
"""The client has so long to end after SIGTERM."""
_CHUNK_BYTES = 65536
_LOOK_S = 0.05
"""How often a file of processed events is looked at."""


class Subject:
    """One run of the client. ``on_output`` gets what it prints (or what ``processed`` gets), as it comes.

    ``on_event`` is called whenever something has happened: output, or the end.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        on_output: Callable[[bytes], None],
        on_event: Callable[[], None],
        processed: Path | None = None,
    ) -> None:
        self._command = command
        self._on_output = on_output
        self._on_event = on_event
        self._processed = processed
        self._read_bytes = processed.stat().st_size if processed and processed.exists() else 0
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._complaint = b""
        self.has_ended = False
        """Whether the client ended by itself, and all that it has printed is read."""

    async def start(self, variables: Mapping[str, str]) -> None:
        """Start the command, with these variables added to the environment.

        Raises:
            CommandError: 64, the command cannot be started.
        """
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **variables},
                start_new_session=True,
            )
        except OSError as error:
            told = f"the client cannot be started: {self._command[0]}: {error.strerror}"
            raise CommandError(EX_USAGE, told) from None
        process = self._process
        readers = [
            asyncio.create_task(self._read(stream, take))
            for stream, take in ((process.stdout, self._take_output), (process.stderr, self._take_complaint))
            if stream is not None
        ]
        self._tasks = [*readers, asyncio.create_task(self._await_end(process, readers))]
        if self._processed is not None:
            self._tasks.append(asyncio.create_task(self._watch_file(self._processed)))

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.returncode if self._process else None

    @property
    def complaint(self) -> str:
        """The end of what it wrote to its error output."""
        return self._complaint.decode(errors="replace")

    async def end(self) -> None:
        """End the client: SIGTERM to its process group, SIGKILL if it stays."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            self._signal(process.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLITE_S):
                    await process.wait()
        self._signal(process.pid, signal.SIGKILL)  # also what it has left behind in its group
        await process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._processed is not None:
            self._read_file(self._processed)

    @staticmethod
    def _signal(group: int, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)

    async def _read(self, stream: asyncio.StreamReader, take: Callable[[bytes], None]) -> None:
        while chunk := await stream.read(_CHUNK_BYTES):
            take(chunk)
            self._on_event()

    def _take_output(self, chunk: bytes) -> None:
        if self._processed is None:
            self._on_output(chunk)

    def _take_complaint(self, chunk: bytes) -> None:
        self._complaint = (self._complaint + chunk)[-COMPLAINT_BYTES:]

    async def _await_end(self, process: asyncio.subprocess.Process, readers: Sequence[asyncio.Task[None]]) -> None:
        await process.wait()
        await asyncio.wait(readers, timeout=1)  # Why: a child that it left behind may hold the pipes open
        if self._processed is not None:
            self._read_file(self._processed)
        self.has_ended = True
        self._on_event()

    async def _watch_file(self, path: Path) -> None:
        while True:
            self._read_file(path)
            await asyncio.sleep(_LOOK_S)

    def _read_file(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                if file.seek(0, os.SEEK_END) < self._read_bytes:
                    self._read_bytes = 0  # it was begun anew
                file.seek(self._read_bytes)
                while chunk := file.read(_CHUNK_BYTES):
                    self._read_bytes += len(chunk)
                    self._on_output(chunk)
                    self._on_event()
        except FileNotFoundError:
            pass


def describe_exit(exit_code: int | None) -> str:
    """Say how a process ended."""
    if exit_code is None or exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return f"signal {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"signal {-exit_code}"


def fill_in(text: str, *, url: str, case: str) -> str:
    """Put the stream's address where a text says ``{url}``, and the case's name where it says ``{case}``."""
    return text.replace("{url}", url).replace("{case}", case)


def no_command() -> CommandError:
    """Return the error for a line that names no client."""
    name = Path(sys.argv[0]).name or "twinstream"
    return CommandError(EX_USAGE, f"say how to run your client: {name} doctor -- COMMAND '{{url}}'")
