"""Guessing of passwords is slowed down: who fails five times is locked out for half an hour.

Owns the counts of failures, in memory and bounded. The lock is for an account *and* the source of the failures, so that
nobody can lock out somebody else; other sources are delayed while an account is under attack. Accounts that do not
exist are counted like those that do, so that a lock tells nobody who has an account.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from twinstream.errors import RequestError
from twinstream.ports.clock import Clock

FAILURES = 5
"""Failures in a row that lock. Source: the documented behaviour of the user service (facts 2.2)."""

LOCK_S = 30 * 60
"""How long a lock lasts, and how long a failure counts."""

LONGEST_DELAY_S = 4.0
"""Most that another source waits before its password is looked at."""


class _Count(NamedTuple):
    failures: int
    forgotten_at_s: float


class Lockout:
    """Counts failures per account and source; call on the event loop only.

    ``kept`` bounds the number of counts; beyond it the longest untouched are forgotten.
    """

    def __init__(self, clock: Clock, *, kept: int = 20_000) -> None:
        self._clock = clock
        self._kept = kept
        self._counts: OrderedDict[tuple[str, str | None], _Count] = OrderedDict()

    def check(self, account: str, source: str) -> None:
        """Raise RequestError ``locked`` while the account is locked for this source."""
        count = self._find(account, source)
        if count.failures >= FAILURES:
            wait_s = int(count.forgotten_at_s - self._clock.monotonic_s()) + 1
            raise RequestError("locked", retry_after_s=wait_s)

    def delay_s(self, account: str) -> float:
        """How long to wait before looking at a password for the account: nothing, or more with each further failure."""
        surplus = self._find(account, None).failures - FAILURES
        return min(0.25 * 2.0 ** min(surplus, 16), LONGEST_DELAY_S) if surplus >= 0 else 0.0

    def fail(self, account: str, source: str) -> None:
        """Count a failure."""
        for key in ((account, source), (account, None)):
            failures = self._find(*key).failures + 1
            self._counts[key] = _Count(failures, self._clock.monotonic_s() + LOCK_S)
            self._counts.move_to_end(key)
        while len(self._counts) > self._kept:
            self._counts.popitem(last=False)

    def succeed(self, account: str, source: str) -> None:
        """Forget the failures of this source: only those in a row count."""
        count = self._counts.pop((account, source), None)
        total = self._counts.get((account, None))
        if count is not None and total is not None:
            self._counts[account, None] = total._replace(failures=max(0, total.failures - count.failures))

    def _find(self, account: str, source: str | None) -> _Count:
        count = self._counts.get((account, source))
        if count is None or count.forgotten_at_s <= self._clock.monotonic_s():
            return _Count(0, 0.0)
        return count
