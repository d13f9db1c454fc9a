"""A stream of events that goes on by itself: kept open, resumed, its numbers checked.

Owns what a subscription's numbers mean to its reader, and when to try again; how a socket works is `link`'s business,
what an event is `event`'s. It knows the wire and nothing of any server's inside.

Invariants:
* Events leave here in the order of their numbers and none twice; where numbers are missing a `Gap` stands between, and
  where one comes too late, because nothing said that the stream begins before it, a `Gap` stands where it came.
* What comes before its turn is held for a moment, and what a server left out in the midst of a socket it is asked for
  again, before it is called a gap.
* After a drop the next socket asks for the number after the last one taken from the wire.
* A heartbeat, whose answer acknowledges what came before it, is answered when the reader has come back for more.
* What cannot succeed is not tried again: see `ending`.
* Being cancelled (a timeout around one step) loses nothing: the next step goes on where that one was.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from operator import attrgetter
from random import Random, SystemRandom
from types import TracebackType
from typing import Self

from twinstream.client.address import Address, read_address
from twinstream.client.clock import Clock, SystemClock
from twinstream.client.ending import LONGEST_WAIT_S, choose_wait_s, is_final
from twinstream.client.error import MessageError, RefusedError, RenumberedError, UnreachableError
from twinstream.client.event import BaseEvent, Event, decode_event
from twinstream.client.frame import HEARTBEAT, split_message
from twinstream.client.items import Items
from twinstream.client.link import Link, LinkOptions, LostError, open_link
from twinstream.client.memory import REMEMBERED, Memory
from twinstream.client.patience import HOLD_S, Patience
from twinstream.client.regions import find_hosts
from twinstream.client.state import Connected, Counters, Gap, Reconnecting, Resumed, State
from twinstream.errors import Disconnect, TwinstreamError

IDLE_TIMEOUT_S = 45.0
"""A server sends a heartbeat every 30 s; half as long again without anything at all, and the link is dead."""
OPEN_TIMEOUT_S = 10.0
MESSAGE_LIMIT_BYTES = 4 * 1024 * 1024
"""Longest message taken; our server's batches end at 64 KiB, but one event may be longer."""
MOST_HELD = 64
"""So many events that came before their turn are held for what is missing before them."""

Item = Event | State
Decode = Callable[[str], Event]


def connect(
    url: str | None = None,
    *,
    region: str | None = None,
    deployment: str = "field",
    client_type: str = "cloud",
    stream_key: str | None = None,
    seq_start: int | None = None,
    seq_end: int | None = None,
    observe: bool = False,
    patient: bool = False,
    idle_timeout_s: float = IDLE_TIMEOUT_S,
    open_timeout_s: float = OPEN_TIMEOUT_S,
    max_message_bytes: int = MESSAGE_LIMIT_BYTES,
    tls: ssl.SSLContext | None = None,
    decode: Decode = decode_event,
    longest_wait_s: float = LONGEST_WAIT_S,
    clock: Clock | None = None,
    random: Random | None = None,
) -> Stream:
    """Make a stream of ``ws[s]://host/stream[?stream_key=...]`` or ``http[s]://host``, to be used with ``async with``.

    Instead of ``url`` a row of `regions.REGIONS` may name it: ``region``, ``deployment``, ``client_type``.
    ``seq_start``: begin with that number, 0 with the oldest event that the server keeps; None: where the server says.
    ``seq_end``: end with that number. ``observe`` looks on: it moves no place that the server remembers. ``patient``:
    also the first connection is tried until it succeeds; otherwise ``async with`` raises what keeps it from succeeding.
    ``tls`` says whom to trust for wss. ``decode`` reads events. Time and chance come from ``clock`` and ``random``.

    Raises:
        ValueError: the address or the range is none, or there is no such region.
    """
    if url is None:
        url = find_hosts(region, deployment, client_type).stream
    elif region is not None:
        raise ValueError("a stream has a URL or a region, not both")
    return Stream(
        read_address(url, stream_key=stream_key, seq_start=seq_start, seq_end=seq_end, observe=observe),
        LinkOptions(idle_timeout_s, open_timeout_s, max_message_bytes, tls, longest_wait_s),
        patient=patient,
        decode=decode,
        clock=clock or SystemClock(),
        random=random or SystemRandom(),
    )


class Stream:
    """An asynchronous iterator of events, and with `items` of what happens to the stream as well.

    One task reads it. ``last_seq`` is the number of the last event handed out: the place to keep. ``counters`` count.
    """

    def __init__(
        self, address: Address, options: LinkOptions, *, patient: bool, decode: Decode, clock: Clock, random: Random
    ) -> None:
        self.last_seq: int | None = None
        self.counters = Counters()
        self._address = address
        self._options = options
        self._patient = patient
        self._decode = decode
        self._clock = clock
        self._random = random
        self._link: Link | None = None
        self._opening: asyncio.Task[Link] | None = None
        self._ready: deque[Item] = deque()
        self._taken_seq = address.seq_start - 1 if address.seq_start else None  # the last number from the wire
        self._began_seq: int | None = None  # the first one on this socket, if no number was asked for
        self._memory = Memory()
        self._ahead: dict[int, Event] = {}  # what came before its turn
        self._patience = Patience()
        self._was_up = False
        self._brought = 0  # events that the present socket has brought
        self._failures = 0
        self._retry_at_s = float("-inf")
        self._error: TwinstreamError | None = None
        self._is_over = self._is_entered = self._is_reading = False

    def __repr__(self) -> str:
        return f"<Stream {self._address!r} last_seq={self.last_seq}>"

    async def __aenter__(self) -> Self:
        """Open the stream.

        Raises:
            UnreachableError, RefusedError: not if ``patient``, unless trying again cannot help.
        """
        if self._is_entered:
            raise RuntimeError("a stream is used once: make another with connect(...)")
        self._is_entered = True
        if not self._patient:
            try:
                await self._open()
            except BaseException:
                await self.close()
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the stream, telling the server; whoever reads it then gets no more. Does nothing the second time."""
        self._is_over = True
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.cancel()
            [outcome] = await asyncio.gather(opening, return_exceptions=True)
            if isinstance(outcome, Link):
                await outcome.close()
        await self._drop()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        """Return the next event.

        Raises:
            RefusedError, Disconnect, MessageError, RenumberedError: the stream is over, and trying again is of no use.
        """
        while True:
            item = await self.next_item()
            if isinstance(item, BaseEvent):
                return item

    def items(self) -> AsyncIterator[Item]:
        """Iterate over events and states, in the order in which they happened. Raises what iterating events raises."""
        return Items(self.next_item)

    async def next_item(self) -> Item:
        """Return the next event or state. Raises what iterating events raises, and StopAsyncIteration at the end."""
        await self._fill()
        if not self._ready:
            raise StopAsyncIteration
        item = self._ready.popleft()
        if isinstance(item, BaseEvent):
            self.last_seq = item.seq
            self.counters.events += 1
        return item

    async def next_items(self) -> list[Item]:
        """Return all events and states that are there, at least one; none at the end. Raises what iterating raises.

        They count as handed out together, so keep ``last_seq`` when all have been dealt with.
        """
        await self._fill()
        items, self._ready = list(self._ready), deque()
        if events := [item for item in items if isinstance(item, BaseEvent)]:
            self.last_seq = events[-1].seq
            self.counters.events += len(events)
        return items

    async def _fill(self) -> None:
        """Wait until an item is ready, or the stream is over."""
        if not self._is_entered:
            raise RuntimeError("a stream is used with: async with connect(...) as stream")
        if self._is_reading:
            raise RuntimeError("a stream is read by one task at a time")
        self._is_reading = True
        try:
            while not self._ready:
                if self._error is not None:
                    raise self._error
                if self._is_over:
                    return
                await self._advance()
        finally:
            self._is_reading = False

    async def _advance(self) -> None:
        """Do one thing that may bring items: wait, open a socket, or take a message."""
        try:
            if self._link is None:
                wait_s = self._retry_at_s - self._clock.monotonic_s()
                if wait_s > 0:
                    await self._clock.sleep(wait_s)
                await self._open()
                return
            asked_at_s, patience = self._clock.monotonic_s(), self._patience
            message = await self._link.receive(max(0.0, patience.hold_left_s) if self._ahead else None)
            if self._ahead:  # Why so: what a reader takes for its own work is no sign that nothing comes
                patience.hold_left_s -= self._clock.monotonic_s() - asked_at_s
            if message is None:
                self._judge_jump()
                return
            self._failures = 0
            if message == HEARTBEAT:
                while self._ahead:  # a heartbeat overtakes nothing, and its answer would acknowledge what did not come
                    self._judge_jump()
                await self._link.answer()
                self.counters.heartbeats += 1
                return
            events: list[Event] = []
            try:
                events.extend(map(self._decode, split_message(message)))
            finally:  # what came before a record that is none counts
                self._take_all(events)
        except (Disconnect, LostError, RefusedError, UnreachableError) as error:
            self._judge_end(error)
            await self._drop()
        except (MessageError, RenumberedError) as error:
            self._error = error
            await self._drop()

    async def _open(self) -> None:
        after, self._began_seq = self._taken_seq, None
        seq_start = self._address.seq_start if after is None else after + 1
        # Why a task: a step that is given up must not break off an attempt, and have the next one begin another
        opening = self._opening = self._opening or asyncio.create_task(
            open_link(self._address, seq_start, self._options, self._clock)
        )
        await asyncio.wait([opening])
        if self._is_over:
            return  # closed meanwhile
        self._opening = None
        self._link = opening.result()
        self._brought = 0
        self._ready.append(Connected(first=not self._was_up))
        if self._was_up:
            self.counters.reconnects += 1
            self._ready.append(Resumed(after))
        self._was_up = True

    async def _drop(self) -> None:
        link, self._link = self._link, None
        self._ahead.clear()
        self._patience.hold_left_s = HOLD_S
        if link is not None:
            await link.close()

    def _take_all(self, events: list[Event]) -> None:
        """Put the events of a message into their places; at once if they are just what comes next. See `_take`."""
        first, end = (self._taken_seq or 0) + 1, self._address.seq_end
        numbers = range(first, first + len(events))
        is_odd = self._is_over or self._ahead or self._taken_seq is None or self._patience.doubted_seq is not None
        if is_odd or (end is not None and numbers.stop > end) or [event.seq for event in events] != list(numbers):
            for event in sorted(events, key=attrgetter("seq")):
                self._take(event)
        elif events:
            self._memory.add(events)
            self._taken_seq = events[-1].seq
            self._brought += len(events)
            self._ready += events
            self._patience.renew(self._taken_seq)

    def _take(self, event: Event) -> None:
        """Put an event into its place: hand it out, hold it until what is missing before it has come, or drop it as a
        duplicate.

        Raises:
            LostError: numbers are missing, and the server shall be asked for them.
            RenumberedError: it belongs to another count.
        """
        seq, last = event.seq, self._taken_seq
        if self._is_next(seq):
            self._accept(event)
        elif seq in self._ahead:
            self.counters.duplicates += 1
        elif last is None or seq > last:
            self._ahead[seq] = event
            if not self._patience.doubts_left or len(self._ahead) >= MOST_HELD:
                self._judge_jump()
        else:
            known = self._memory.find(seq)
            if known != event.text and (known is not None or last - seq >= REMEMBERED):
                raise RenumberedError(seq, last)
            if self._began_seq is not None and seq < self._began_seq:
                self._miss(seq, self._began_seq - 1)  # too late: to hand it out now would break the order
                self._began_seq = seq
            else:
                self.counters.duplicates += 1

    def _is_next(self, seq: int) -> bool:
        """Tell whether an event is what comes next: where the oldest was asked for 0 or 1, if they are kept."""
        if self._taken_seq is None:
            return self._address.seq_start is None or seq < 2
        return seq == self._taken_seq + 1

    def _accept(self, event: Event) -> None:
        """Hand out an event, and those that were held for it."""
        end = self._address.seq_end
        following: Event | None = event
        while following is not None and not self._is_over:
            seq = following.seq
            self._is_over = end is not None and seq >= end
            if end is not None and seq > end:
                return
            self._patience.renew(seq)
            self._memory.add((following,))
            if self._taken_seq is None:
                self._began_seq = seq
            self._taken_seq = seq
            self._brought += 1
            self._ready.append(following)
            following = self._ahead.pop(seq + 1, None) if self._ahead else None

    def _judge_jump(self) -> None:
        """Tell a gap from a loss on the way. A socket that begins later than asked says that the server has no more.

        In the midst of a socket it has said no such thing, so it is asked again, unless that has never helped.
        """
        following = min(self._ahead)
        first = following if self._taken_seq is None else self._taken_seq + 1
        last = following - 1 if self._address.seq_end is None else min(following - 1, self._address.seq_end)
        if self._brought and self._patience.doubts_left:
            self._patience.doubted_seq = first
            raise LostError(f"events {first} to {last} did not come" if last > first else f"event {first} did not come")
        self._patience.lose(first)
        if first <= last:
            self._miss(first, last)
        self._accept(self._ahead.pop(following))

    def _miss(self, first: int, last: int) -> None:
        self.counters.gaps += 1
        self.counters.missing += last - first + 1
        self._patience.note_hole(last)
        self._ready.append(Gap(first, last))

    def _judge_end(self, error: Disconnect | LostError | RefusedError | UnreachableError) -> None:
        """Decide what the end of a socket, or of an attempt to open one, means: the end, or another attempt."""
        if self._is_over:
            return
        end, after = self._address.seq_end, self._taken_seq
        if end is not None and isinstance(error, Disconnect) and error.close_code == 1000 and not self._brought:
            if self._ahead:  # it has sent what it has of the range, so nothing is to come before that
                self._judge_jump()
            else:
                if after is not None and after < end:
                    self._miss(after + 1, end)
                self._is_over = True
            if self._is_over:
                return
        elif self._ahead and not self._brought:
            self._patience.doubted_seq = first = min(self._ahead) if after is None else after + 1
            self._patience.lose(first)
        if is_final(error, was_up=self._was_up):
            self._error = error
            return
        self._failures += 1
        wait_s = choose_wait_s(error, self._failures, self._random, cap_s=self._options.longest_wait_s)
        self._retry_at_s = self._clock.monotonic_s() + wait_s
        reason = f"closed with {error}" if isinstance(error, Disconnect) else str(error)
        self._ready.append(Reconnecting(self._address.hide_key(reason), wait_s, self._failures))
