"""How often somebody may do something: so many times a minute, and then not until the minute is over.

Owns the counts, in memory and bounded. Knows neither what is counted nor who. A minute begins with the first time.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from twinstream.errors import RequestError
from twinstream.ports.clock import Clock

MINUTE_S = 60.0


class _Count(NamedTuple):
    times: int
    ends_at_s: float


class RateLimit:
    """Counts times by key; call on the event loop only.

    ``per_minute`` 0: no limit. ``kept`` bounds the number of keys; beyond it the oldest minutes are forgotten.
    """

    def __init__(self, clock: Clock, per_minute: int, *, kept: int = 20_000) -> None:
        self._clock = clock
        self._per_minute = per_minute
        self._kept = kept
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def check(self, key: str) -> None:
        """Raise RequestError ``too_many_requests``, with the rest of the minute, if the key has had all its times."""
        count = self._find(key)
        if self._per_minute and count.times >= self._per_minute:
            raise RequestError("too_many_requests", retry_after_s=int(count.ends_at_s - self._clock.monotonic_s()) + 1)

    def count(self, key: str) -> None:
        """Count one time."""
        if not self._per_minute:
            return
        count = self._find(key)
        self._counts[key] = count._replace(times=count.times + 1)
        while len(self._counts) > self._kept:
            self._counts.popitem(last=False)

    def _find(self, key: str) -> _Count:
        count = self._counts.get(key)
        if count is not None and count.ends_at_s > self._clock.monotonic_s():
            return count
        self._counts.pop(key, None)  # a new minute stands behind all others
        return _Count(0, self._clock.monotonic_s() + MINUTE_S)
