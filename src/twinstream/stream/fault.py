"""What becomes of one socket's messages while faults are set: the decisions, sans I/O.

Owns what is held back and when it goes. Knows no socket and no clock (times are passed in, monotonic seconds), and has
no chance of its own: every decision is a hash of the seed, the connection's number, what is decided and the event's
number. So it does not depend on how events came together in pages, groups and messages; and since the next connection
decides anew, an event that was dropped on one comes on another.

Invariants:

* Heartbeats and closes never overtake a record: what was taken before them goes, or is dropped, before them. So an
  answer to a heartbeat still means that everything before it was received, but for what was dropped.
* Delayed records keep their order; only ``reorder`` alters it, by at most so many places.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from hashlib import blake2b
from math import inf

from twinstream.model.fault import FaultCounts, Faults
from twinstream.wire.event import HEARTBEAT

REORDER_HOLD_S = 0.5
"""How long a record waits for others to overtake it: a stream that falls silent must not keep it."""


def draw(seed: int, connection: int, kind: str, number: int) -> float:
    """Answer a number from 0 up to 1 that depends on nothing but the arguments."""
    digest = blake2b(f"{seed}:{connection}:{kind}:{number}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2**56


def split_message(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Part a message into its records, each with its number; the JSON begins with ``{"seq":"<number>",``."""
    at = 0
    while at < len(message):
        bar = message.index(b"|", at)
        end = bar + 1 + int(message[at:bar])
        yield int(message[bar + 9 : message.index(b'"', bar + 9)]), message[at:end]
        at = end


class FaultLine:
    """The way from a session to its socket. ``take`` puts messages in, ``release`` takes out what is to be sent.

    ``connection`` is the number of the socket since the faults were set. ``first_dropped`` is the lowest number that
    was dropped: acknowledgements must stay below it.
    """

    def __init__(self, faults: Faults, connection: int, counts: FaultCounts, now_s: float) -> None:
        self.faults = faults
        self.held_bytes = 0
        self.first_dropped: int | None = None
        self._connection = connection
        self._counts = counts
        self._opened_s = now_s
        self._heartbeats = 0
        self._sent = 0
        self._shuffled: list[tuple[int, int, float, bytes]] = []  # (place, number, taken at, record)
        self._waiting: deque[tuple[float, bool, bytes]] = deque()  # (due, is a record, message)
        self._last_due_s = now_s

    def take(self, message: bytes, now_s: float) -> None:
        """Take a message that the session sends: records, or a heartbeat."""
        if message == HEARTBEAT:
            self._take_heartbeat(now_s)
            return
        for seq, record in split_message(message):
            self._take_record(seq, record, now_s)

    def release(self, now_s: float) -> list[bytes]:
        """Answer the messages that are due, in order; nothing behind a close that has become due."""
        self._settle(now_s)
        due: list[bytes] = []
        while self._waiting and self._waiting[0][0] <= now_s and not self.closes(now_s):
            due.append(self._let_go())
        return due

    def empty(self, now_s: float) -> list[bytes]:
        """Answer all that is held: nothing will be taken any more, or no faults hold from now on."""
        self._unshuffle(now_s)
        return [self._let_go() for _ in range(len(self._waiting))]

    def closes(self, now_s: float) -> bool:
        """Tell whether it is time to close the socket."""
        close = self.faults.close
        if close is None:
            return False
        after, every_s = close.after_events, close.every_s
        return (after is not None and self._sent >= after) or (
            every_s is not None and now_s >= self._opened_s + every_s
        )

    def due_s(self) -> float:
        """Answer when to call `release`, or look at `closes`, next; infinity: not before the next message."""
        close = self.faults.close
        due_s = self._opened_s + close.every_s if close is not None and close.every_s is not None else inf
        if self._waiting:
            due_s = min(due_s, self._waiting[0][0])
        if self._shuffled:
            due_s = min(due_s, min(taken_s for _, _, taken_s, _ in self._shuffled) + REORDER_HOLD_S)
        return due_s

    def count_close(self) -> None:
        """Count that the socket was closed because `closes` told so."""
        self._counts.closed += 1

    def mutes_ping(self) -> bool:
        """Tell whether the ping that goes with the last heartbeat is muted with it."""
        return self._draw("mute", self._heartbeats) < self.faults.mute_heartbeats

    def _take_heartbeat(self, now_s: float) -> None:
        self._heartbeats += 1
        if self.mutes_ping():
            self._counts.muted += 1
            return
        self._unshuffle(now_s)
        self._wait(HEARTBEAT, max(now_s, self._last_due_s), is_record=False)

    def _take_record(self, seq: int, record: bytes, now_s: float) -> None:
        faults, counts = self.faults, self._counts
        if self._draw("drop", seq) < faults.drop:
            counts.dropped += 1
            self.first_dropped = min(seq, self.first_dropped or seq)
            return
        copies = 1
        if self._draw("duplicate", seq) < faults.duplicate:
            counts.duplicated += 1
            copies = 2
        if not faults.reorder:
            for _ in range(copies):
                self._delay(seq, record, now_s)
            return
        place = seq + int(self._draw("reorder", seq) * (faults.reorder + 1))
        self._shuffled.extend([(place, seq, now_s, record)] * copies)
        self.held_bytes += len(record) * copies
        self._settle(now_s, reached=seq)

    def _settle(self, now_s: float, reached: int = 0) -> None:
        """Let go on what has been overtaken enough, or has waited long enough."""
        if not self._shuffled:
            return
        if min(taken_s for _, _, taken_s, _ in self._shuffled) + REORDER_HOLD_S <= now_s:
            self._unshuffle(now_s)
            return
        self._shuffled.sort()
        while self._shuffled and self._shuffled[0][0] <= reached:
            self._pass_on(now_s)

    def _unshuffle(self, now_s: float) -> None:
        self._shuffled.sort()
        while self._shuffled:
            self._pass_on(now_s)

    def _pass_on(self, now_s: float) -> None:
        _, seq, _, record = self._shuffled.pop(0)
        self.held_bytes -= len(record)
        if any(other < seq for _, other, _, _ in self._shuffled):
            self._counts.reordered += 1
        self._delay(seq, record, now_s)

    def _delay(self, seq: int, record: bytes, now_s: float) -> None:
        least, most = self.faults.delay_ms
        held_s = (least + self._draw("delay", seq) * (most - least)) / 1000.0
        self._counts.delayed += held_s > 0.0
        self._wait(record, max(now_s + held_s, self._last_due_s), is_record=True)

    def _wait(self, message: bytes, due_s: float, *, is_record: bool) -> None:
        self._last_due_s = due_s
        self._waiting.append((due_s, is_record, message))
        self.held_bytes += len(message)

    def _let_go(self) -> bytes:
        _, is_record, message = self._waiting.popleft()
        self.held_bytes -= len(message)
        self._sent += is_record
        return message

    def _draw(self, kind: str, number: int) -> float:
        return draw(self.faults.seed, self._connection, kind, number)
