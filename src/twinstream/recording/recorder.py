"""Records a stream to a file, across drops, restarts of the server and its own.

Owns the way from the SDK's items to lines; how a stream is kept up is the SDK's business, how lines lie on disk
`file`'s. It looks on, so recording costs no collector its place. Invariant: whatever ends it, every event up to some
number is in the file, once, and it goes on behind that number.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from twinstream.client.address import read_address
from twinstream.client.clock import Clock, SystemClock
from twinstream.client.event import BaseEvent
from twinstream.client.explanation import explain_end
from twinstream.client.state import State
from twinstream.client.stream import Stream, connect
from twinstream.errors import TwinstreamError
from twinstream.recording.file import (
    VERSION,
    Header,
    Pseudonymised,
    StateLine,
    Writer,
    append_to,
    describe,
    fingerprint,
    write_time,
)
from twinstream.recording.pseudonym import KINDS, Pseudonyms
from twinstream.recording.rewrite import rewrite

FLUSH_S = 1.0
"""What has been recorded is given to the operating system after so long at the latest."""


class Bounds(msgspec.Struct, frozen=True):
    """Where a recording ends, if not by Ctrl-C."""

    count: int | None = None
    seconds: float | None = None


async def record(
    url: str,
    path: Path,
    *,
    stream_key: str | None = None,
    seq_start: int | None = None,
    seq_end: int | None = None,
    bounds: Bounds | None = None,
    pseudonyms: Pseudonyms | None = None,
    notify: Callable[[State], None],
    clock: Clock | None = None,
) -> tuple[int, int | None]:
    """Record until the stream ends or a bound is reached; answer how many events came, and the last number in the file.

    A file that is there is gone on with: behind its last event, whatever ``seq_start`` says.

    Raises:
        CommandError: the stream cannot be opened or was closed for good, or the file cannot be gone on with.
    """
    clock = clock or SystemClock()
    bounds = bounds or Bounds()
    address = read_address(url, stream_key=stream_key, seq_start=seq_start, seq_end=seq_end)
    header = Header(VERSION, write_time(clock.now_s()), address.base, fingerprint(address.stream_key))
    if pseudonyms is not None:
        header = hide(header, pseudonyms)
    with append_to(path, header) as (writer, last_seq):
        if last_seq is not None:
            if seq_end is not None and last_seq >= seq_end:
                return 0, last_seq
            seq_start = last_seq + 1
        stream = connect(url, stream_key=stream_key, seq_start=seq_start, seq_end=seq_end, observe=True)
        tape = _Tape(writer, clock, address.base, pseudonyms, notify, bounds.count)
        try:
            async with asyncio.timeout(bounds.seconds):
                if bounds.count is None or bounds.count > 0:
                    await tape.take_all(stream)
        except TimeoutError:
            pass
        except TwinstreamError as error:
            raise explain_end(error) from None
        finally:
            writer.flush()
    return stream.counters.events, last_seq if stream.last_seq is None else stream.last_seq


def hide(header: Header, pseudonyms: Pseudonyms) -> Header:
    """Return a header that says which kinds are replaced, and not where the stream is."""
    kinds = tuple(kind for kind in KINDS if kind in pseudonyms.kinds)
    return Header(header.twinstream_recording, header.began_at, pseudonyms=Pseudonymised(kinds, pseudonyms.check))


def hide_reason(line: StateLine, stream: str | None, pseudonyms: Pseudonyms) -> StateLine:
    """Return what happened to a stream with pseudonyms, and without the host of its URL, if that is known.

    Why: a reason is what the server, the proxy before it or the machine's resolver had to say.
    """
    text = line.text
    if host := urlsplit(stream or "").hostname:
        found = re.compile(rf"(?<![\w-]){re.escape(host)}(?![\w-])", re.IGNORECASE)

        def change(key: str, value: str) -> str:
            return found.sub("[host]", value) if key == "reason" else value

        text = rewrite(text, change, change_key=str, change_number=lambda _, literal: literal)
    return StateLine(line.at_s, pseudonyms.scrub(text))


class _Tape:
    """Writes what comes, and looks that it does not stay in memory for long."""

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        stream: str,
        pseudonyms: Pseudonyms | None,
        notify: Callable[[State], None],
        count: int | None,
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._stream = stream
        self._pseudonyms = pseudonyms
        self._notify = notify
        self._count = count

    async def take_all(self, stream: Stream) -> None:
        """Write all items, until the stream ends or enough events have come."""
        flushed_s = self._clock.monotonic_s()
        async with stream:
            while self._count is None or stream.counters.events < self._count:
                try:
                    async with asyncio.timeout(FLUSH_S):
                        item = await stream.next_item()
                except TimeoutError:  # which costs the stream nothing, see there
                    self._writer.flush()
                    continue
                except StopAsyncIteration:
                    return
                self._write(item)
                if self._clock.monotonic_s() - flushed_s >= FLUSH_S:
                    self._writer.flush()
                    flushed_s = self._clock.monotonic_s()

    def _write(self, item: BaseEvent | State) -> None:
        at_s = self._clock.now_s()
        if isinstance(item, BaseEvent):
            self._writer.write_event(at_s, self._pseudonyms.scrub(item.text) if self._pseudonyms else item.text)
            return
        self._notify(item)
        line = describe(at_s, item)
        self._writer.write_state(hide_reason(line, self._stream, self._pseudonyms) if self._pseudonyms else line)
