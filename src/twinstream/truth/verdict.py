"""The verdict: what a collector holds, against what a server accepted.

Owns the words for what can be wrong; pure, knows neither files nor databases. Each stream is judged for itself:

- *missing*: a datapoint that was accepted has no row.
- *doubled*: a row for an event, or under a number, that an earlier row has already.
- *out of order*: a row with a lower number than a row before it in the table; or two datapoints that one sender sent
  one after the other to one device, under numbers that say otherwise.
- *unexpected*: a row for a datapoint of one of the fleet's devices that nobody sent, or that was refused.
- *divergent*: a row that says something else of a datapoint than what was accepted.
- *gap*: a number between the first and the last that no row has.

What was sent and not answered may be there once, or not. Rows of devices that the truth does not know, and other types
of events, count for their numbers only; so a stream without datapoints is judged by them alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from itertools import pairwise

import msgspec

from twinstream.truth.journal import Sent, Value

KINDS = ("missing", "doubled", "out of order", "unexpected", "divergent", "gap")
EXAMPLES = 3
"""So many of each finding are named."""


class Row(msgspec.Struct, frozen=True):
    """What a collector holds of an event. ``id`` and what follows are None for what is no datapoint event."""

    stream: str
    seq: int
    id: str | None = None
    dsn: str | None = None
    property: str | None = None
    value: Value | None = None


class Finding(msgspec.Struct, frozen=True):
    """How often something is wrong, and the first few examples."""

    count: int = 0
    examples: tuple[str, ...] = ()


class Verdict(msgspec.Struct, frozen=True):
    """The counts of a comparison; ``findings`` has every word of `KINDS`.

    ``accepted`` is what had to be there, ``later`` what was accepted beside (see `judge`), ``maybe`` what was sent and
    not answered, ``rows`` what was there.
    """

    accepted: int
    later: int
    maybe: int
    rows: int
    streams: tuple[str, ...]
    findings: dict[str, Finding]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not any(finding.count for finding in self.findings.values())


def judge(sent: Sequence[Sent], rows: Iterable[Row], *, required: Container[str] | None = None) -> Verdict:
    """Compare. Rows come in the order of the table; those of several streams may be mixed.

    ``required``: the ids that have to be there; all that were accepted if None. Why: while a fleet goes on, what is
    accepted during the comparison may or may not have been collected. So take those ids before the rows are read, and
    ``sent`` after it: then no row is of something that is not known yet.
    """
    streams: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        streams[row.stream].append(row)
    known = _Known(sent, required)
    notes = _Notes(len(streams) > 1)
    with_datapoints = {name for name, held in streams.items() if any(row.id is not None for row in held)} or {"-"}
    for name in sorted(streams.keys() | with_datapoints):
        known.judge_stream(name, streams[name], notes, known.required if name in with_datapoints else ())
    return Verdict(
        accepted=len(known.required),
        later=known.later,
        maybe=known.maybe.total(),
        rows=sum(map(len, streams.values())),
        streams=tuple(sorted(streams.keys() - {"-"})),
        findings=notes.findings(),
    )


class _Notes:
    """Counts findings, and keeps the first examples."""

    def __init__(self, is_one_of_many: bool) -> None:
        self._is_one_of_many = is_one_of_many
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = defaultdict(list)

    def add(self, finding: str, stream: str, example: str, count: int = 1) -> None:
        self._counts[finding] += count
        if len(self._examples[finding]) < EXAMPLES:
            self._examples[finding].append(f"{stream}: {example}" if self._is_one_of_many else example)

    def findings(self) -> dict[str, Finding]:
        return {word: Finding(self._counts[word], tuple(self._examples[word])) for word in KINDS}


class _Known:
    """What was sent, in the forms in which rows ask for it."""

    def __init__(self, sent: Sequence[Sent], required: Container[str] | None) -> None:
        self._sent = sent
        self._accepted: dict[str, int] = {}
        self.required: list[str] = []
        self.later = 0
        self.maybe: Counter[tuple[str, str, Value]] = Counter()
        self._dsns = {one.dsn for one in sent}
        for place, one in enumerate(sent):
            if one.id is not None and one.id not in self._accepted:
                self._accepted[one.id] = place
                if required is None or one.id in required:
                    self.required.append(one.id)
                else:
                    self.later += 1
            elif one.id is None and not one.is_refused:
                self.maybe[one.dsn, one.property, one.value] += 1

    def judge_stream(self, name: str, rows: Sequence[Row], notes: _Notes, required: Collection[str]) -> None:
        held: dict[str, int] = {}
        numbers: set[int] = set()
        maybe = self.maybe.copy()
        highest = 0
        for row in rows:
            if row.seq in numbers or (row.id is not None and row.id in held):
                notes.add("doubled", name, f"#{row.seq} {row.id or ''}".rstrip())
            elif row.seq < highest:
                notes.add("out of order", name, f"#{row.seq} after #{highest}")
            numbers.add(row.seq)
            highest = max(highest, row.seq)
            if row.id is not None and row.dsn in self._dsns and row.id not in held:
                held[row.id] = row.seq
                for finding, example in self._judge_content(row, maybe):
                    notes.add(finding, name, example)
        for first, last in _gaps(numbers):
            example = f"#{first}" if first == last else f"#{first} to #{last}"
            notes.add("gap", name, example, last - first + 1)
        for datapoint_id in required:
            if datapoint_id not in held:
                notes.add("missing", name, _describe(self._sent[self._accepted[datapoint_id]]))
        for example in self._find_disorder(held):
            notes.add("out of order", name, example)

    def _judge_content(self, row: Row, maybe: Counter[tuple[str, str, Value]]) -> Iterator[tuple[str, str]]:
        content = (row.dsn or "", row.property or "", "" if row.value is None else row.value)
        place = self._accepted.get(row.id or "")
        if place is not None:
            one = self._sent[place]
            if (one.dsn, one.property, one.value) != content:
                yield "divergent", f"#{row.seq} says {content[1]} = {content[2]!r} for {_describe(one)}"
        elif maybe[content] > 0:
            maybe[content] -= 1
        else:
            yield "unexpected", f"#{row.seq} {content[0]} {content[1]} = {content[2]!r} {row.id}"

    def _find_disorder(self, held: dict[str, int]) -> Iterator[str]:
        """Yield an example for each datapoint that came under a higher number than one sent later."""
        latest: dict[tuple[str, str], int] = {}
        for datapoint_id, seq in sorted(held.items(), key=lambda item: item[1]):
            place = self._accepted.get(datapoint_id)
            if place is None:
                continue
            one = self._sent[place]
            before = latest.get((one.by, one.dsn), -1)
            if place < before:
                yield f"#{seq} {_describe(one)} after {_describe(self._sent[before])}"
            latest[one.by, one.dsn] = max(place, before)


def _gaps(numbers: set[int]) -> Iterator[tuple[int, int]]:
    for before, after in pairwise(sorted(numbers)):
        if after > before + 1:
            yield before + 1, after - 1


def _describe(one: Sent) -> str:
    return f"{one.dsn} {one.property} = {one.value!r} {one.id}"
