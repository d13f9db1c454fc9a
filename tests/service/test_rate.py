"""So many times a minute."""

from __future__ import annotations

import pytest

from tests.services import TurnedClock
from twinstream.errors import RequestError
from twinstream.service.rate import RateLimit


def allowed(rate: RateLimit, key: str, times: int) -> int:
    """Try so often; answer how often it was allowed."""
    for number in range(times):
        try:
            rate.check(key)
        except RequestError:
            return number
        rate.count(key)
    return times


def test_each_key_has_its_own_minute() -> None:
    """After it the times begin anew; they do not before, however often somebody tries."""
    clock = TurnedClock()
    rate = RateLimit(clock, 3)
    assert allowed(rate, "a", 9) == 3
    clock.turn(59)
    assert (allowed(rate, "a", 9), allowed(rate, "b", 2)) == (0, 2)
    clock.turn(1)
    assert (allowed(rate, "a", 9), allowed(rate, "b", 9)) == (3, 1)


def test_a_refusal_tells_when_to_come_again() -> None:
    """The rest of the minute, in whole seconds."""
    clock = TurnedClock()
    rate = RateLimit(clock, 1)
    rate.count("a")
    clock.turn(20.5)
    with pytest.raises(RequestError) as refusal:
        rate.check("a")
    assert (refusal.value.code, refusal.value.retry_after_s) == ("too_many_requests", 40)


def test_none_is_no_limit_and_keeps_nothing() -> None:
    """0 turns it off."""
    rate = RateLimit(TurnedClock(), 0)
    assert allowed(rate, "a", 1000) == 1000
    assert not rate._counts


@pytest.mark.parametrize("kept", [1, 10])
def test_counts_are_bounded(kept: int) -> None:
    """Of more keys than are kept the oldest are forgotten."""
    rate = RateLimit(TurnedClock(), 1, kept=kept)
    for number in range(kept + 1):
        assert allowed(rate, str(number), 1) == 1
    assert len(rate._counts) == kept
    assert allowed(rate, "0", 1) == 1
