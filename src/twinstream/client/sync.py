"""The same for programs without an event loop: a stream in a thread of its own, read like any iterator.

Owns the thread and the way across; everything that a stream does is `stream`'s business. Invariants: what a stream
raises is raised in the caller; the thread takes from the stream only when the caller has asked for more, so slowness
and acknowledgement mean the same as there; the thread ends with the ``with`` block; and a forked process, which has the
socket but not the thread, does nothing to either.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from twinstream.client.event import BaseEvent, Event
from twinstream.client.state import Counters
from twinstream.client.stream import Item, Stream, connect

P = ParamSpec("P")
T = TypeVar("T")


class LoopThread:
    """An event loop in a thread, for callers that have none."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="twinstream-client", daemon=True)
        self._thread.start()

    @property
    def is_foreign(self) -> bool:
        """Tell whether this is a forked process: the thread stayed behind, and what the loop is given never runs."""
        return os.getpid() != self._process

    def start(self, step: Coroutine[Any, Any, T]) -> Future[T]:
        """Let the loop run it."""
        return asyncio.run_coroutine_threadsafe(step, self._loop)

    def run(self, step: Coroutine[Any, Any, T]) -> T:
        """Let the loop run it, and return or raise what it does; an interruption (Ctrl-C) cancels it."""
        future = self.start(step)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Cancel what still runs and end the thread. Does nothing the second time."""
        if self._loop.is_closed():
            return
        self.run(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class SyncStream:
    """An iterator of events, and with `items` of what happens to the stream as well. One thread reads it.

    ``last_seq`` is the number of the last event handed out.
    """

    def __init__(self, stream: Stream) -> None:
        self.last_seq: int | None = None
        self._stream = stream
        self._thread: LoopThread | None = None
        self._asked: Future[list[Item]] | None = None
        self._ready: deque[Item] = deque()

    @property
    def counters(self) -> Counters:
        """What the stream has counted."""
        return self._stream.counters

    def __enter__(self) -> Self:
        """Open the stream. Raises what `Stream.__aenter__` raises."""
        self._thread = LoopThread()
        try:
            self._thread.run(self._stream.__aenter__())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the stream, telling the server, and its thread. Does nothing the second time, nor in a forked process:
        the stream is that of the process which opened it.
        """
        thread, self._thread = self._thread, None
        if thread is None or thread.is_foreign:
            return
        try:
            if self._asked is not None:
                self._asked.cancel()
            thread.run(self._stream.close())
        finally:
            thread.close()

    def __iter__(self) -> Iterator[Event]:
        return (item for item in self.items() if isinstance(item, BaseEvent))

    def __next__(self) -> Event:
        return next(iter(self))

    def items(self) -> Iterator[Item]:
        """Iterate over events and states, in the order in which they happened. Raises what `Stream` raises."""
        while (item := self.next_item()) is not None:
            yield item

    def next_item(self, timeout_s: float | None = None) -> Item | None:
        """Return the next event or state; None at the end.

        Raises:
            TimeoutError: there was none in that time. Nothing is lost; ask again.
            RuntimeError: this is a forked process, and the stream is its parent's.
        """
        if self._thread is not None and self._thread.is_foreign:
            raise RuntimeError("a stream is read by the process that opened it: after a fork open another one")
        if not self._ready:
            self._ready.extend(self._fetch(timeout_s))
        if not self._ready:
            return None
        item = self._ready.popleft()
        if isinstance(item, BaseEvent):
            self.last_seq = item.seq
        return item

    def _fetch(self, timeout_s: float | None) -> list[Item]:
        if self._thread is None:
            raise RuntimeError("a stream is used with: with connect_sync(...) as stream")
        asked = self._asked = self._asked or self._thread.start(self._stream.next_items())
        items = asked.result(timeout_s)  # Why it is kept: a step that was given up might have brought something
        self._asked = None
        return items


def _take_arguments_of(
    _: Callable[P, Stream],
) -> Callable[[Callable[..., SyncStream]], Callable[P, SyncStream]]:
    return lambda function: function


@_take_arguments_of(connect)
def connect_sync(*args: Any, **options: Any) -> SyncStream:
    """Make a stream to be used with ``with``; everything is as in `stream.connect`."""
    return SyncStream(connect(*args, **options))


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
