"""Counting failures: who is locked, who waits, and what is forgotten."""

from __future__ import annotations

import pytest

from tests.services import TurnedClock
from twinstream.errors import RequestError
from twinstream.service.lockout import FAILURES, LOCK_S, Lockout


def _is_locked(lockout: Lockout, account: str, source: str) -> bool:
    try:
        lockout.check(account, source)
    except RequestError:
        return True
    return False


def test_only_failures_in_a_row_count() -> None:
    """A success in between begins the count anew."""
    lockout = Lockout(TurnedClock())
    for _ in range(3):
        for _ in range(FAILURES - 1):
            lockout.fail("ana", "here")
        lockout.succeed("ana", "here")
    assert not _is_locked(lockout, "ana", "here")
    assert lockout.delay_s("ana") == 0.0


def test_a_failure_counts_for_half_an_hour() -> None:
    """Failures far apart never lock."""
    clock = TurnedClock()
    lockout = Lockout(clock)
    for _ in range(3 * FAILURES):
        lockout.fail("ana", "here")
        assert not _is_locked(lockout, "ana", "here")
        clock.turn(LOCK_S)


def test_another_source_is_delayed_and_not_locked() -> None:
    """While an account is attacked its owner waits a little elsewhere, seconds at most; other accounts don't wait."""
    lockout = Lockout(TurnedClock())
    delays = []
    for number in range(40):
        lockout.fail("ana", f"attacker {number}")
        delays.append(lockout.delay_s("ana"))
    assert delays[: FAILURES - 1] == [0.0] * (FAILURES - 1)
    assert delays == sorted(delays)
    assert delays[-1] == 4.0
    assert not _is_locked(lockout, "ana", "home")
    assert lockout.delay_s("bob") == 0.0


@pytest.mark.parametrize("kept", [10, 100])
def test_counts_are_bounded(kept: int) -> None:
    """However many accounts are tried, no more than so many counts are held; the newest are."""
    lockout = Lockout(TurnedClock(), kept=kept)
    for number in range(10 * kept):
        for _ in range(FAILURES):
            lockout.fail(f"account {number}", "here")
    assert len(lockout._counts) == kept
    assert _is_locked(lockout, f"account {10 * kept - 1}", "here")
    assert not _is_locked(lockout, "account 0", "here")
