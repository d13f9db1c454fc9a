"""What a client shows of the events that it has processed: its output, searched for the samples' markers.

Owns the way from bytes of output to "so many lines name this sample"; knows neither processes nor files. Invariant:
what is kept does not grow with the output: counts, and the values that came out other than they went in.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from twinstream.doctor.traffic import ANY_VALUE, Sample

LONGEST_LINE_BYTES = 16 * 1024 * 1024
"""A longer line is not searched."""


class Sight:
    """Counts, for each sample that is watched for, the lines in which one of its markers is a word."""

    def __init__(self) -> None:
        self._by_marker: dict[str, Sample] = {}
        self._lines: Counter[int] = Counter()
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
        return self._lines[sample.seq]

    @property
    def has_seen_any(self) -> bool:
        """Whether any sample was named."""
        return bool(self._lines)

    def altered(self, sample: Sample) -> Any:
        """Return the value that came out in place of a sample's own, or `ANY_VALUE` if none did."""
        return self._altered.get(sample.seq, ANY_VALUE)

    def _search(self, line: bytes) -> None:
        text = line.decode(errors="replace")
        self.tells_gap = self.tells_gap or _GAP.search(text[:1000]) is not None
        named = {s.seq: s for word in set(_WORD.findall(text)) if (s := self._by_marker.get(word)) is not None}
        for seq, sample in named.items():
            self._lines[seq] += 1
            if len(named) == 1 and sample.value is not ANY_VALUE:
                value = _find_value(text)
                if value is not ANY_VALUE and value != sample.value and str(value) != str(sample.value):
                    self._altered[seq] = value


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


_WORD = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9A-Za-z]+")
_GAP = re.compile(r"\bgaps?\b|missing|missed|\blost\b|no longer kept|skipped", re.IGNORECASE)
