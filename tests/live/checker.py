"""The verdict over a run with crashes: what producers were told against what subscribers got.

Words (those of the project's promises): *accepted*: the producer read a 2xx for that event. *Lost*: accepted, certainly
matching, never received. *Phantom*: received, never sent (or refused). *Stray*: received, certainly not matching.
*Divergent*: one number, two contents. *Doubled*: one event under two numbers. *Gap*: a number missing. *Reordered*:
one producer's events out of order.

Events that were sent and never answered may have happened or not; changes (of a filter, of a share) likewise, until
the next answered change of the same thing. So whether an event matches is three-valued: certainly, certainly not,
perhaps; only certainties are judged.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sent:
    """One datapoint that a producer posted. Times are monotonic seconds; ``status`` is None when no answer came."""

    value: str
    producer: str
    counter: int
    dsn: str
    property_name: str
    sent_at: float
    answered_at: float | None
    status: int | None

    @property
    def accepted(self) -> bool:
        """Whether the producer read a 2xx."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True)
class Received:
    """One record that a subscriber read: ``connection`` counts its sockets, ``digest`` is over the record's text."""

    connection: int
    seq: int
    digest: bytes
    value: str


@dataclass(frozen=True)
class Shift:
    """A change of what a subscriber may see. ``answered_at`` None: no answer came."""

    state: str
    sent_at: float
    answered_at: float | None


@dataclass
class Journal:
    """What one subscriber saw, and what its subscription should have seen.

    ``matches(state, sent)`` tells whether an event belongs to the stream in a state. ``starts`` maps a connection to
    the number that it asked for with seq_start. ``complete`` says that somebody read this stream from number 1 on
    without falling behind retention.
    """

    name: str
    matches: Callable[[str, Sent], bool]
    shifts: list[Shift]
    received: list[Received] = field(default_factory=list)
    starts: dict[int, int] = field(default_factory=dict)
    complete: bool = True


@dataclass(frozen=True)
class Verdict:
    """Counts per kind of fault, with a few examples each; ``faults`` is empty when all promises were kept."""

    faults: dict[str, list[str]]
    sent: int
    accepted: int
    received: int

    def __str__(self) -> str:
        head = f"sent {self.sent}, accepted {self.accepted}, received {self.received}"
        tail = "; ".join(f"{kind} {len(rows)} (e.g. {', '.join(rows[:3])})" for kind, rows in self.faults.items())
        return f"{head}; {tail or 'no faults'}"


class Timeline:
    """The states that one thing went through, by time. ``shifts`` are in the order in which they were made."""

    def __init__(self, shifts: Sequence[Shift]) -> None:
        self._shifts = shifts
        self._starts = [shift.sent_at for shift in shifts]
        ends: list[float] = []
        ends_at = math.inf
        for shift in reversed(shifts):
            ends.append(ends_at)
            ends_at = ends_at if shift.answered_at is None else shift.answered_at
        self._ends = ends[::-1]  # never goes down: a shift ends when the next answered one does

    def possible(self, since: float, until: float) -> set[str]:
        """Answer the states that may have been in force at some time within [since, until]."""
        first, last = bisect_left(self._ends, since), bisect_right(self._starts, until)
        return {shift.state for shift in self._shifts[first:last]}


def judge(sent: Iterable[Sent], journals: Iterable[Journal]) -> Verdict:
    """Compare what was sent with what every subscriber got."""
    everything = {one.value: one for one in sent}
    faults: dict[str, list[str]] = defaultdict(list)
    received = 0
    for journal in journals:
        received += len(journal.received)
        _judge_numbers(journal, faults)
        _judge_connections(journal, faults)
        _judge_contents(journal, everything, faults)
    return Verdict(dict(faults), len(everything), sum(one.accepted for one in everything.values()), received)


def _judge_numbers(journal: Journal, faults: dict[str, list[str]]) -> None:
    by_seq: dict[int, set[bytes]] = defaultdict(set)
    by_value: dict[str, set[int]] = defaultdict(set)
    for record in journal.received:
        by_seq[record.seq].add(record.digest)
        by_value[record.value].add(record.seq)
    faults_of = [
        ("divergent", [str(seq) for seq, digests in by_seq.items() if len(digests) > 1]),
        ("doubled", [f"{value} at {sorted(seqs)}" for value, seqs in by_value.items() if len(seqs) > 1]),
    ]
    if journal.complete and by_seq:
        faults_of.append(("gap", [str(seq) for seq in range(1, max(by_seq)) if seq not in by_seq]))
    for kind, rows in faults_of:
        _note(faults, kind, journal, rows)


def _judge_connections(journal: Journal, faults: dict[str, list[str]]) -> None:
    last: dict[int, int] = {}
    for record in journal.received:
        before = last.get(record.connection)
        if before is None:
            wanted = journal.starts.get(record.connection)
            if wanted is not None and record.seq != wanted and journal.complete:
                _note(faults, "wrong start", journal, [f"asked {wanted}, got {record.seq}"])
        elif record.seq != before + 1:
            _note(faults, "not consecutive", journal, [f"{before} then {record.seq}"])
        last[record.connection] = record.seq


def _judge_contents(journal: Journal, everything: dict[str, Sent], faults: dict[str, list[str]]) -> None:
    timeline = Timeline(journal.shifts)

    def states_of(one: Sent) -> set[str]:
        return timeline.possible(one.sent_at, math.inf if one.answered_at is None else one.answered_at)

    got = {record.value: record.seq for record in journal.received}
    newest: dict[tuple[str, str], tuple[int, int]] = {}
    for value, seq in sorted(got.items(), key=lambda item: item[1]):
        one = everything.get(value)
        if one is None or (one.status is not None and not one.accepted):
            _note(faults, "phantom", journal, [value])
            continue
        if not any(journal.matches(state, one) for state in states_of(one)):
            _note(faults, "stray", journal, [value])
        stream = (one.producer, one.dsn)
        if stream in newest and newest[stream][0] > one.counter:
            _note(faults, "reordered", journal, [f"{value} after counter {newest[stream][0]}"])
        newest[stream] = (one.counter, seq)
    if journal.complete:
        for one in everything.values():
            if one.accepted and one.value not in got:
                states = states_of(one)
                if states and all(journal.matches(state, one) for state in states):
                    _note(faults, "lost", journal, [one.value])


def _note(faults: dict[str, list[str]], kind: str, journal: Journal, rows: Sequence[str]) -> None:
    if rows:
        faults.setdefault(kind, []).extend(f"{journal.name}: {row}" for row in rows)
