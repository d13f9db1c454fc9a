"""`twinstream tail`: print a stream's events as they happen.

Owns what a person or a script sees of a stream; how a stream is kept up is `client.stream`'s business. It looks on
(``observe=1``). Invariant: what a terminal gets holds no control character from the server, and no text ever holds the
stream key.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from random import Random
from typing import TextIO
from urllib.parse import urlsplit

import httpx
import msgspec

from twinstream.client.address import Address, is_local, read_address
from twinstream.client.event import BaseEvent, Event
from twinstream.client.explanation import explain_end
from twinstream.client.line import describe_counters, describe_event, describe_state, printable
from twinstream.client.state import Connected
from twinstream.client.stream import Stream, connect
from twinstream.errors import TwinstreamError
from twinstream.exits import EX_USAGE, CommandError

LAST_SHOWN = 10
"""So many events from before are shown on a terminal, like `tail` does with lines."""
QUIET_S = 1.0
"""When nothing has come for so long, the server is asked whether there is anything yet behind ``since_seq``."""
LONGEST_WAIT_S = 5.0
"""Upper end of the wait between two attempts: a person looks on."""


class Selection(msgspec.Struct, frozen=True):
    """Which events are shown: for each field that has patterns (``*``, ``?``, ``[...]``) one of them must match."""

    types: tuple[str, ...] = ()
    dsns: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()

    def admits(self, event: Event) -> bool:
        """Tell whether the event is shown."""
        return (
            _matches(event.event_type, self.types)
            and _matches(event.dsn, self.dsns)
            and _matches(event.property_name or "", self.properties)
        )


async def tail(
    url: str,
    *,
    stream_key: str | None = None,
    since_seq: int | None = None,
    until_seq: int | None = None,
    selection: Selection | None = None,
    json_lines: bool = False,
    count: int | None = None,
    seconds: float | None = None,
    stats: bool = False,
    out: TextIO | None = None,
    random: Random | None = None,
) -> int:
    """Print the events of a stream until it ends, and return 0: a readable line each on a terminal, else a line of JSON
    each.

    On a terminal it begins with the last ten events, otherwise where the server says (behind the last acknowledged
    event); ``since_seq`` (0: the oldest kept) or ``until_seq`` decide for both. ``count`` shown events or ``seconds``
    bound it. What happens to the stream, that it has not come to ``since_seq`` yet (if the server tells how far it is),
    and with ``stats`` what was counted, goes to the error output.

    Raises:
        CommandError: the stream cannot be opened, or was closed for good.
        OSError: the output takes no more.
    """
    out = out or sys.stdout
    is_watched = out.isatty() and not json_lines
    since_seq = 0 if since_seq is None and until_seq is not None else since_seq
    try:
        address = read_address(url, stream_key=stream_key, seq_start=since_seq, seq_end=until_seq)
    except ValueError as error:
        raise CommandError(EX_USAGE, str(error)) from None
    since_seq = await _find_start(address) if is_watched and address.seq_start is None else since_seq
    stream = connect(
        url,
        stream_key=stream_key,
        seq_start=since_seq,
        seq_end=until_seq,
        observe=True,
        longest_wait_s=LONGEST_WAIT_S,
        random=random,
    )
    printer = _Printer(out, describe_event if is_watched else _as_json_line, selection or Selection(), count)
    ahead = asyncio.create_task(_tell_if_ahead(address, stream))
    try:
        async with asyncio.timeout(seconds):
            if count is None or count > 0:
                await printer.print_all(stream, is_watched)
    except TimeoutError:
        pass
    except TwinstreamError as error:
        raise explain_end(error) from None
    finally:
        ahead.cancel()
        await asyncio.gather(ahead, return_exceptions=True)
        if stats:
            _notice(f"{describe_counters(stream.counters)}; {printer.shown} shown")
    return 0


class _Printer:
    """Writes what is shown, and counts it."""

    def __init__(self, out: TextIO, form: Callable[[Event], str], selection: Selection, count: int | None) -> None:
        self.shown = 0
        self._out = out
        self._form = form
        self._selection = selection
        self._count = count

    async def print_all(self, stream: Stream, is_watched: bool) -> None:
        async with stream:
            async for item in stream.items():
                if not isinstance(item, BaseEvent):
                    if is_watched or not (isinstance(item, Connected) and item.first):
                        _notice(describe_state(item))
                elif self._selection.admits(item):
                    self._out.write(self._form(item) + "\n")
                    self._out.flush()
                    self.shown += 1
                    if self.shown == self._count:
                        return


def _matches(text: str, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


def _as_json_line(event: Event) -> str:
    """The object exactly as it came; JSON text holds no line break unless it is pretty-printed."""
    return event.text.replace("\r", " ").replace("\n", " ")


async def _tell_if_ahead(address: Address, stream: Stream) -> None:
    """Tell once that the number to begin with lies behind what comes next: nothing is shown until it is reached."""
    await asyncio.sleep(QUIET_S)
    if address.seq_start and stream.last_seq is None and (place := await _find_place(address)) is not None:
        newest, _ = place
        if address.seq_start > newest + 1 and stream.last_seq is None:
            _notice(f"event {address.seq_start} is yet to come: the newest is {newest}")


async def _find_start(address: Address) -> int | None:
    """Ask where a stream that begins a few events before its end begins; None if the server does not tell."""
    if (place := await _find_place(address)) is None:
        return None
    newest, oldest = place
    start = max(oldest, newest - LAST_SHOWN + 1)
    if start > oldest:
        _notice(f"the last {LAST_SHOWN} of {newest - oldest + 1} events; for all: --since-seq 0")
    return start


async def _find_place(address: Address) -> tuple[int, int] | None:
    """Ask for the numbers of the newest event and of the oldest kept; None if the server does not tell."""
    parts = urlsplit(address.base)
    question = f"{parts.scheme.replace('ws', 'http')}://{parts.netloc}/api/v1/subscriptions/getCurrentSeq"
    try:
        trust = ssl.create_default_context()  # Why: what the socket trusts; httpx alone knows other authorities
        async with httpx.AsyncClient(verify=trust, trust_env=not is_local(address.base), timeout=5) as client:
            answer = await client.get(question, params={"stream_key": address.stream_key})
        place = msgspec.json.decode(answer.raise_for_status().content, type=dict[str, str])
        return int(place["seq"]), int(place["oldest"])
    except (httpx.HTTPError, msgspec.DecodeError, KeyError, ValueError):
        return None


def _notice(text: str) -> None:
    sys.stderr.write(f"twinstream: {printable(text)}\n")
    sys.stderr.flush()
