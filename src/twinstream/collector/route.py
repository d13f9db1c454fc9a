"""One stream on its way into one output, made ready for the runner.

Owns how a plan becomes sinks and sources. Knows nothing of how any of it is shown.
Invariant: each output has one sink; each route has its own connection and its own cursor, so that no output's trouble
is another's.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import cast

from twinstream.client import Item, connect
from twinstream.client import Stream as EventStream
from twinstream.collector.batch import Limits
from twinstream.collector.place import find_head, find_url
from twinstream.collector.plan import KINDS, Output, Plan, Stream
from twinstream.collector.progress import Progress
from twinstream.collector.row import read_event
from twinstream.collector.runner import Source
from twinstream.collector.sink import Sink
from twinstream.errors import TwinstreamError
from twinstream.exits import EX_CONFIG, EX_UNAVAILABLE, CommandError

CHECK_TIMEOUT_S = 3.0
_SINKS = {
    "sqlite": ("twinstream.collector.sql", "SqlSink"),
    "mysql": ("twinstream.collector.sql", "SqlSink"),
    "postgresql": ("twinstream.collector.sql", "SqlSink"),
    "jsonl": ("twinstream.collector.lines", "LinesSink"),
    "parquet": ("twinstream.collector.parquet", "ParquetSink"),
}
"""The sink of each kind of output: module and class; the class takes the URL."""


@dataclass(frozen=True)
class Route:
    """A stream, where it goes, and how far it is."""

    stream: Stream
    output: Output
    source: Source
    progress: Progress


def make_routes(plan: Plan, *, through: Mapping[str, int | None] | None = None) -> list[Route]:
    """Make a route for each output of each stream; ``through`` holds the last number wanted, by the stream's name.

    Nothing is opened yet.

    Raises:
        CommandError: 69 for a library that is not installed, 78 for a region or an address that is none.
    """
    for output in plan.outputs.values():
        streams = [stream.name for stream in plan.streams if output.name in stream.outputs]
        if output.kind == "jsonl" and len(streams) > 1 and not output.url.reveal().partition("?")[0].endswith("/"):
            raise CommandError(
                EX_CONFIG, f"{output.label}: a file holds one stream; name a folder for several, as in jsonl:events/"
            )
    sinks = {name: make_sink(output) for name, output in plan.outputs.items()}
    routes = []
    for stream in plan.streams:
        for name in stream.outputs:
            output = plan.outputs[name]
            source = Source(
                stream.name,
                _connector(stream, (through or {}).get(stream.name)),
                sinks[name],
                Limits(output.batch_size, KINDS[output.kind].batch_bytes, output.batch_time_s),
                stream.seq_start,
            )
            routes.append(Route(stream, output, source, Progress(stream.name)))
    return routes


def make_sink(output: Output) -> Sink:
    """Make the sink that an output's kind names, without touching the place.

    Raises:
        CommandError: 69, with the line that installs what is missing; 78: the URL cannot be.
    """
    from twinstream.collector.sink import SinkError

    module, name = _SINKS[output.kind]
    try:
        made = getattr(importlib.import_module(module), name)(output.url.reveal())
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "twinstream":
            raise
        extra = KINDS[output.kind].extra
        raise CommandError(
            EX_UNAVAILABLE,
            f"{output.label} needs a library that is missing, {error.name}; install it with: "
            f"pip install 'twinstream[{extra}]'",
        ) from None
    except SinkError as error:
        raise CommandError(EX_CONFIG, f"{output.label}: {error}") from None
    return cast(Sink, made)


def _connector(stream: Stream, through: int | None) -> Callable[[int], AbstractAsyncContextManager[EventStream]]:
    """Make what opens the stream from a number on; patient, since a collector may be started before its server."""
    url, key = find_url(stream), stream.key.reveal() if stream.key else None

    @asynccontextmanager
    async def open_from(seq_start: int) -> AsyncIterator[EventStream]:
        if seq_start > stream.seq_start:
            await _check_head(stream, seq_start - 1)
        if through is not None and max(seq_start, 1) > through:
            yield cast(EventStream, _Ended())
            return
        async with connect(
            url, stream_key=key, seq_start=seq_start, seq_end=through, patient=True, decode=read_event
        ) as opened:
            yield opened

    return open_from


async def _check_head(stream: Stream, held: int) -> None:
    """Refuse a stream that has not come as far as its output: it would be waited for, and what it brings be lost.

    Servers that cannot say how far they are, or are away, are believed.
    """
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            head = await find_head(stream)
    except (CommandError, TimeoutError):
        return
    if head < held:
        raise OtherStreamError(
            f"the output is at number {held} of {stream.name}, but the stream has come to {head} only: it is another "
            "one, or counts anew; collect it under another name"
        )


class OtherStreamError(TwinstreamError):
    """A stream is not the one that its output holds the beginning of."""


class _Ended:
    """A stream of which all that is wanted is there already."""

    async def next_items(self) -> list[Item]:
        """Return that there are no more."""
        return []
