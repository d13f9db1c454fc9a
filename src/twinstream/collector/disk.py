"""What sinks that are files have in common: names of files, locks, durability, and what an error of the disk means.

Owns nothing of what is in the files.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from twinstream.collector.sink import SinkAwayError, SinkError, SinkTakenError

_FULL = (errno.ENOSPC, errno.EDQUOT)


def quote_name(stream: str) -> str:
    """Make a file name of a stream's name, another one for each; a dot is quoted too, since it parts our own names."""
    return quote(stream, safe=" @+").replace(".", "%2E")


@contextmanager
def judging(path: Path) -> Iterator[None]:
    """Turn errors of the disk into those of a sink: a full disk is waited for, anything else is final."""
    try:
        yield
    except OSError as error:
        reason = f"{path}: {error.strerror or error}"
        if error.errno in _FULL:
            raise SinkAwayError(f"{reason}; make room, and it goes on", is_full=True) from None
        raise SinkError(f"{reason}; the collector needs to read and write there") from None


def lock(descriptor: int, path: Path) -> None:
    """Take a file for this process, until the descriptor is closed or the process is gone.

    Raises:
        SinkTakenError: somebody else has it.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SinkTakenError(f"{path}: another collector writes this; end one of them") from None


def write_all(descriptor: int, content: bytes | memoryview) -> None:
    """Write everything; a file takes less at once only if the disk is full or the content beyond 2 GiB."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable: those of files that were made, renamed or removed."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
