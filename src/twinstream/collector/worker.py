"""A thread for what blocks, one thing after the other, beside the event loop.

Owns the thread; knows nothing of what it does. Invariant: it does not keep the process from ending, however long a
database leaves it without an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

_T = TypeVar("_T")


class Worker:
    """A thread that belongs to one task.

    Why not the executor of the event loop: it has a handful of threads for everybody, and a database that hangs would
    take them from the others; and the interpreter waits for them at its end. Why not a thread for each piece of work:
    starting one takes as long as inserting fifty rows.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def do(self, work: Callable[[], _T]) -> asyncio.Future[_T]:
        """Have it done when what was asked before is; the future holds what it returned or raised."""
        future: asyncio.Future[_T] = self._loop.create_future()
        self._queue.put((work, future))
        return future

    def close(self) -> None:
        """End the thread when it has done what it was asked; nobody waits for that."""
        self._queue.put(None)

    def _run(self) -> None:
        while (asked := self._queue.get()) is not None:
            work, future = asked
            answer, failure = None, None
            try:
                answer = work()
            except BaseException as error:
                failure = error
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody wants to know
                self._loop.call_soon_threadsafe(_settle, future, answer, failure)
            del asked, work, future, answer, failure  # Why: a batch is large, and the next one may be long in coming


def _settle(future: asyncio.Future[Any], answer: Any, failure: BaseException | None) -> None:
    if future.done():
        return
    if failure is not None:
        future.set_exception(failure)
    else:
        future.set_result(answer)
