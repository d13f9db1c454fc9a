"""One stream on its way into one output, made ready for the runner.

Owns how a plan becomes sinks and sources. Knows nothing of how any of it is shown.
Invariant: each output has one sink; each route has its own connection and its own cursor, so that no output's trouble
is another's.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import cast

from twinstream.client import Item, connect
from twinstream.client import Stream as EventStream
from twinstream.client.regions import find_hosts
from twinstream.collector.batch import Limits
from twinstream.collector.plan import KINDS, Output, Plan, Stream
from twinstream.collector.progress import Progress
from twinstream.collector.runner import Source
from twinstream.collector.sink import Sink
from twinstream.exits import EX_CONFIG, EX_UNAVAILABLE, CommandError

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
        url = find_url(stream)
        for name in stream.outputs:
            output = plan.outputs[name]
            source = Source(
                stream.name,
                _connector(url, stream.key.reveal() if stream.key else None, (through or {}).get(stream.name)),
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


def find_url(stream: Stream) -> str:
    """Return the address of a stream, without its key.

    Raises:
        CommandError: 78: the region is none.
    """
    if stream.url is not None:
        return stream.url
    try:
        return find_hosts(stream.region, stream.deployment or "field", stream.client_type or "cloud").stream
    except ValueError as error:
        raise CommandError(EX_CONFIG, f"stream {stream.name}: {error}") from None


def _connector(
    url: str, key: str | None, through: int | None
) -> Callable[[int], AbstractAsyncContextManager[EventStream]]:
    """Make what opens the stream from a number on; patient, since a collector is started before its server too."""

    def open_from(seq_start: int) -> AbstractAsyncContextManager[EventStream]:
        if through is not None and max(seq_start, 1) > through:
            return cast(AbstractAsyncContextManager[EventStream], _nothing())
        return connect(url, stream_key=key, seq_start=seq_start, seq_end=through, patient=True)

    return open_from


@asynccontextmanager
async def _nothing() -> AsyncIterator[_Ended]:
    yield _Ended()


class _Ended:
    """A stream of which all that is wanted is there already."""

    async def next_items(self) -> list[Item]:
        """Return that there are no more."""
        return []
