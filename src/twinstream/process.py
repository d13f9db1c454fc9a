"""How this process lives: why it stops, what it does by itself, what it may use, and where it says that it is there.

Owns signals, background tasks, limits of the process and the address file. Knows no part of the server.
Invariant: every background task belongs to `Jobs`, which ends it and tells of its failures.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import structlog

from twinstream.errors import RequestError
from twinstream.exits import EX_CONFIG, EX_IOERR, CommandError
from twinstream.system import write_private

_log = structlog.get_logger(__name__)


class Stop:
    """Why and how soon the server stops: signals, and the failure of the disk."""

    def __init__(self) -> None:
        self.requested = asyncio.Event()
        self.hurry = asyncio.Event()
        self.exit_code = 0
        self.on_hurry: Callable[[], None] = lambda: None

    def catch_signals(self) -> None:
        """Let SIGTERM and Ctrl-C ask for the end, from now on."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)

    def on_fatal(self, cause: BaseException) -> None:
        """Stop because the store has failed for good."""
        _log.critical("the storage failed; the server stops", error=repr(cause))
        self.exit_code = EX_IOERR
        self._on_signal()
        self._on_signal()

    def _on_signal(self) -> None:
        if self.requested.is_set():
            self.hurry.set()
            self.on_hurry()
        self.requested.set()


class Jobs:
    """The tasks that nobody waits for. A failure is logged, and what is periodic comes again all the same."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def every(self, interval_s: float, job: Callable[[], Awaitable[Any]], name: str) -> None:
        """Run a job again and again, ``interval_s`` after it has ended the last time."""
        self._tasks.append(asyncio.get_running_loop().create_task(self._repeat(interval_s, job, name), name=name))

    def start(self, job: Callable[[], Awaitable[Any]], name: str) -> None:
        """Run something that lasts."""
        self._tasks.append(asyncio.get_running_loop().create_task(_guard(job, name), name=name))

    async def end(self, name: str | None = None) -> None:
        """Cancel the jobs of this name, or all, and wait for their end."""
        ending = [task for task in self._tasks if name in (None, task.get_name())]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _repeat(self, interval_s: float, job: Callable[[], Awaitable[Any]], name: str) -> None:
        while True:
            await asyncio.sleep(interval_s)
            await _guard(job, name)


async def _guard(job: Callable[[], Awaitable[Any]], name: str) -> None:
    try:
        await job()
    except RequestError as error:
        _log.warning("job put off", job=name, code=error.code)
    except Exception as error:
        _log.error("job failed", job=name, exc_info=error)


@contextmanager
def address_file(path: Path, url: str, token: str) -> Iterator[None]:
    """Say where this server is, as long as it is there."""
    with explained(path.parent):
        write_private(path, msgspec.json.encode({"url": url, "token": token, "pid": os.getpid()}))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Say in one line why the data folder cannot be used."""
    try:
        yield
    except OSError as error:
        exit_code = EX_IOERR if error.errno in _DISK_ERRORS else EX_CONFIG
        reason = f"{error.filename or folder}: {error.strerror or error}"
        raise CommandError(exit_code, f"data: {reason}; expected a folder that this user can write to") from None


_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""For others the choice of the folder, or of the user, is to blame."""


def raise_file_limit() -> int:
    """Raise the limit of open files as far as the system allows, and answer it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1 << 20 if hard == resource.RLIM_INFINITY else hard
    if soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
