"""A recording as a player sees it: which event comes when, with which number, and with which times in it.

Owns the timeline; sans-I/O. Invariant: `Reel.event` is a function of its index and of the start alone, so an event that
is asked for again is the same, to the last character, for every client.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from twinstream.recording.file import EventLine
from twinstream.recording.rewrite import rewrite

PAUSE_S = 1.0
"""Between the last event and the first of the next round."""
_TIME_KEYS = frozenset(
    {
        "event_time",
        "created_at",
        "updated_at",
        "acked_at",
        "registered_at",
        "unregistered_at",
        "created_at_from_device",
    }
)
"""The keys of times in the documents' events."""


class Shown(NamedTuple):
    """An event as it is played: seconds after the start, its number, and its JSON object."""

    due_s: float
    seq: int
    text: str


class Reel:
    """Events in a row that may begin again at its end. ``speed`` inf: all at once.

    ``shift``: the times in events are moved so that each event tells of the moment at which it is played; at infinite
    speed so that the last one does. ``scrub`` changes each text that leaves.
    """

    def __init__(
        self,
        events: Sequence[EventLine],
        *,
        speed: float = 1.0,
        loop: bool = False,
        shift: bool = False,
        scrub: Callable[[str], str] | None = None,
    ) -> None:
        self._texts = [event.text for event in events]
        self._seqs = [event.seq for event in events]
        self._arrivals_s = _ascend([event.at_s for event in events])
        self._speed = speed
        self._shift = shift
        self._scrub = scrub
        self.is_endless = loop and bool(events)
        first_s, last_s = (self._arrivals_s[0], self._arrivals_s[-1]) if events else (0.0, 0.0)
        self._round_s = last_s - first_s + PAUSE_S
        self._span = self._seqs[-1] - self._seqs[0] + 1 if events else 0

    @property
    def size(self) -> int:
        """How many events there are in one round."""
        return len(self._seqs)

    @property
    def duration_s(self) -> float:
        """How long one round takes."""
        if not self._seqs:
            return 0.0
        return (self._arrivals_s[-1] - self._arrivals_s[0]) / self._speed

    def has(self, index: int) -> bool:
        """Tell whether there is an event with that index."""
        return index < self.size or self.is_endless

    def find(self, seq: int) -> int:
        """Return the index of the first event that is numbered so or higher."""
        if not self._seqs or seq <= self._seqs[0]:
            return 0
        rounds, rest = divmod(seq - self._seqs[0], self._span) if self.is_endless else (0, seq - self._seqs[0])
        return rounds * self.size + bisect_left(self._seqs, self._seqs[0] + rest)

    def event(self, index: int, start_s: float) -> Shown:
        """Return an event of a play that began at ``start_s`` (seconds since 1970)."""
        rounds, place = divmod(index, self.size)
        arrival_s = self._arrivals_s[place]
        after_s = arrival_s - self._arrivals_s[0] + rounds * self._round_s
        due_s = 0.0 if math.isinf(self._speed) else after_s / self._speed
        seq = self._seqs[place] + rounds * self._span
        text = self._texts[place]
        if rounds:
            text = _renumber(text, seq)
        if self._shift:
            told_s = start_s + (arrival_s - self._arrivals_s[-1] if math.isinf(self._speed) else due_s)
            text = _shift_times(text, told_s - arrival_s)
        return Shown(due_s, seq, self._scrub(text) if self._scrub else text)


def read_speed(text: str) -> float:
    """Read ``10x``, ``0.5x``, ``3`` or ``max``. Raises ValueError."""
    if text == "max":
        return math.inf
    speed = float(text.removesuffix("x"))
    if not (math.isfinite(speed) and speed > 0):
        raise ValueError("a speed is above 0")
    return speed


def _ascend(times_s: Sequence[float]) -> list[float]:
    """Let times never go back, as they do where the recorder's clock was set."""
    ascending: list[float] = []
    for at_s in times_s:
        ascending.append(max(at_s, ascending[-1]) if ascending else at_s)
    return ascending


def _renumber(text: str, seq: int) -> str:
    """Write another number: that of the outermost object, wherever it stands among the others that are called so."""
    depth = 0
    for found in _MARK.finditer(text):
        mark = found[0]
        if mark in "{[":
            depth += 1
        elif mark in "}]":
            depth -= 1
        elif depth == 1 and (number := _SEQ.match(text, found.start())):
            return f"{text[: number.start(1)]}{seq}{text[number.end(1) :]}"
    return text


def _shift_times(text: str, by_s: float) -> str:
    def change(key: str, value: str) -> str:
        if key not in _TIME_KEYS or (found := _TIME.fullmatch(value)) is None:
            return value
        try:
            at = datetime.fromisoformat(value)
            moved = datetime.fromtimestamp((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() + by_s, UTC)
        except (ValueError, OverflowError, OSError):
            return value
        digits = found["digits"]
        fraction = f".{moved.microsecond:06d}"[: len(digits)].ljust(len(digits), "0") if digits else ""
        zone = found["zone"] if found["zone"] in ("Z", "") else "+00:00"
        return f"{moved:%Y-%m-%dT%H:%M:%S}{fraction}{zone}"

    return rewrite(text, change, change_key=str, change_number=lambda _, literal: literal)


_MARK = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[][{}]')
"""What shows where in a JSON text one is: strings, and where objects and arrays begin and end."""
_SEQ = re.compile(r'"seq"\s*:\s*"?([0-9]+)')
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?P<digits>(?:\.\d+)?)(?P<zone>Z|[+-]\d\d:?\d\d|)")
