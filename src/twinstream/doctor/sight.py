"""What a client shows of the events that it has processed: its output, searched for the samples' markers.

Owns the way from bytes of output to "so many lines name this sample"; knows neither processes nor files. Invariant:
what is kept does not grow with the output: counts, and the values that came out other than they went in.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from twinstream.doctor.traffic import ANY_VALUE, Sample

LONGEST_LINE_BYTES = 16 * 1024 * 1024
"""A longer line is not searched."""


class Habit(msgspec.Struct, frozen=True):
    """How a client shows that it has processed an event: in ``lines_each`` lines with the marker of that place in
    `Sample.markers` (None: with any).

    Why one marker: a line like "going on after 41" names an event as well, but it tells of none.
    """

    marker: int | None = None
    lines_each: int = 1


class Sight:
    """Counts, for each sample that is watched for, the lines in which one of its markers is a word."""

    def __init__(self, habit: Habit | None = None) -> None:
        self.habit = habit or Habit()
        self._by_marker: dict[str, Sample] = {}
        self._lines: Counter[str] = Counter()  # by marker
        self._any: Counter[int] = Counter()  # by number: lines with any of its markers
        self._altered: dict[int, Any] = {}
        self._rest = bytearray()
        self.tells_gap = False
        """Whether a line spoke of a gap, or of something missing or lost."""

    def watch_for(self, samples: Iterable[Sample]) -> None:
        """Count the lines that name these samples from now on."""
        self._by_marker.update({marker: sample for sample in samples for marker in sample.markers})

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of output."""
        lines = chunk.split(b"\n")
        for line in lines[:-1]:
            self._rest += line
            self._search(bytes(self._rest))
            self._rest.clear()
        if len(self._rest) < LONGEST_LINE_BYTES:
            self._rest += lines[-1]

    def finish(self) -> None:
        """Take what stands behind the last line break for a line: no more will come."""
        self.feed(b"\n")

    def lines(self, sample: Sample) -> int:
        """Return in how many lines a sample was named."""
        marker = sample.markers[self.habit.marker] if self.habit.marker is not None else None
        return self._any[sample.seq] if marker is None or marker not in sample.text else self._lines[marker]

    def times(self, sample: Sample) -> int:
        """Return how often a sample was processed."""
        lines = self.lines(sample)
        return max(1, lines // self.habit.lines_each) if lines else 0

    def learn_habit(self, samples: Sequence[Sample]) -> Habit | None:
        """Learn from samples that were processed once each how the client shows it; None: it does not."""
        shown = [sample for sample in samples if self._any[sample.seq]]
        if not shown:
            return None
        common = [place for place in _BEST_FIRST if all(self._lines[sample.markers[place]] for sample in shown)]
        self.habit = Habit(common[0] if common else None)
        self.habit = Habit(self.habit.marker, min(map(self.lines, shown)))
        return self.habit

    def altered(self, sample: Sample) -> Any:
        """Return the value that came out in place of a sample's own, or `ANY_VALUE` if none did."""
        return self._altered.get(sample.seq, ANY_VALUE)

    def _search(self, line: bytes) -> None:
        text = line.decode(errors="replace")
        self.tells_gap = self.tells_gap or speaks_of_gap(text[:1000])
        words = [word for word in set(_WORD.findall(text)) if word in self._by_marker]
        self._lines.update(words)
        named = {self._by_marker[word].seq: self._by_marker[word] for word in words}
        for seq, sample in named.items():
            self._any[seq] += 1
            if len(named) == 1 and sample.value is not ANY_VALUE:
                value = _find_value(text)
                if value is not ANY_VALUE and value != sample.value and str(value) != str(sample.value):
                    self._altered[seq] = value


def speaks_of_gap(text: str) -> bool:
    """Tell whether words stand in a text that are used of lost events."""
    return _GAP.search(text) is not None


def _find_value(text: str) -> Any:
    """Return the datapoint's value in a line that is an event's JSON or has a member ``value``, else `ANY_VALUE`."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return ANY_VALUE
    if not isinstance(line, dict):
        return ANY_VALUE
    body = line.get("datapoint", line)
    return body.get("value", ANY_VALUE) if isinstance(body, dict) else ANY_VALUE


_BEST_FIRST = (1, 2, 0)
"""Places in `Sample.markers`: a DSN or an id hardly stands in a line that is not about the event itself."""
_WORD = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9A-Za-z]+")
_GAP = re.compile(r"\bgaps?\b|missing|missed|\blost\b|no longer kept|skipped", re.IGNORECASE)
