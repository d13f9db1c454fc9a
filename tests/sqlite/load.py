"""A process that appends events as fast as it can and says which ones were answered, to be killed by `test_crash`.

``python -m tests.sqlite.load FOLDER FIRST HOW``: event numbers from FIRST. Each answered event is a line with its
number, written at once; ``full`` and ``failed`` are lines for refusals. HOW is ``plain`` or a bug or limit below.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from unittest.mock import patch

from tests.sqlite.logs import all_of, make_event
from twinstream.errors import RequestError
from twinstream.exits import EX_IOERR
from twinstream.model.event import Record
from twinstream.sqlite import writer
from twinstream.sqlite.store import SqliteStore
from twinstream.system import SystemClock

PRODUCERS = 8


def say(line: object) -> None:
    """Write a line at once: what was said before a kill is heard."""
    os.write(1, b"%s\n" % str(line).encode())


async def produce(store: SqliteStore, numbers: Callable[[], int]) -> None:
    """Append events one after the other."""
    while True:
        number = numbers()
        try:
            await store.run(lambda work, number=number: work.log.append(make_event(number, padding=300)))  # type: ignore[misc]
        except RequestError as error:
            say("full" if error.code == "storage_full" else "failed")
            if error.code == "storage_full":
                make_room()
        else:
            say(number)


async def main(folder: Path, first: int, how: str) -> None:
    """Run until killed."""
    store = SqliteStore.open(folder, SystemClock(), lambda error: os._exit(EX_IOERR))
    if how == "careless":
        store._database.writer.pragma("synchronous", "NORMAL")
    if how == "cramped":
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
    await store.run(lambda work: work.log.begin_stretch(1, all_of()))
    numbers = count(first)
    await asyncio.gather(*[produce(store, numbers.__next__) for _ in range(PRODUCERS)])


def make_room() -> None:
    """Lift the limit that ``cramped`` sets."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def finish_hastily(self: writer.Writer, answers: Sequence[writer.Answer], records: Sequence[Record]) -> None:
    """The bug ``hasty``: answer, take a breath, commit."""
    self._announce(answers, records)
    time.sleep(0.02)
    self._commit()


if __name__ == "__main__":
    _, folder, first, how = sys.argv
    finish = finish_hastily if how == "hasty" else writer.Writer._finish
    with patch.object(writer, "CHECKPOINT_PAGES", 50), patch.object(writer.Writer, "_finish", finish):
        asyncio.run(main(Path(folder), int(first), how))
