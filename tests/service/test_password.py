"""Hashing passwords: bounded, off the event loop, and the same for users who do not exist."""

from __future__ import annotations

import asyncio
import statistics
import time

import pytest

from twinstream.errors import RequestError
from twinstream.service.password import Passwords


async def _verify(passwords: Passwords, password_hash: str | None, password: str) -> bool:
    return await passwords.verify(password_hash, password, first=lambda: None)


async def test_only_the_password_itself_is_right() -> None:
    """Passwords count exactly as typed, blanks and emoji included."""
    passwords = Passwords()
    password_hash = await passwords.hash("  pass 🔑 wörd ")
    assert await _verify(passwords, password_hash, "  pass 🔑 wörd ")
    assert not await _verify(passwords, password_hash, "pass 🔑 wörd")
    assert not await _verify(passwords, None, "")


async def test_nobody_costs_as_much_as_somebody() -> None:
    """Comparing for a user who does not exist takes as long as for one who does."""
    passwords = Passwords(concurrent=1)
    password_hash = await passwords.hash("right")
    spent_s: dict[str | None, list[float]] = {password_hash: [], None: []}
    for _ in range(8):
        for candidate in spent_s:
            begun_s = time.perf_counter()
            await _verify(passwords, candidate, "wrong")
            spent_s[candidate].append(time.perf_counter() - begun_s)
    somebody, nobody = (statistics.median(times) for times in spent_s.values())
    assert 0.5 < nobody / somebody < 2  # an early return would be a thousandth


async def test_a_flood_waits_in_line_or_is_refused() -> None:
    """So many comparisons run at a time, so many wait, and the next is told to try again."""
    passwords = Passwords(concurrent=1, waiting=2)
    begun: list[int] = []
    tasks = [
        asyncio.create_task(passwords.verify(None, "x", first=lambda number=number: begun.append(number)))  # type: ignore[misc]
        for number in range(3)
    ]
    await asyncio.sleep(0)
    with pytest.raises(RequestError) as caught:
        await passwords.hash("one too many")
    assert (caught.value.code, caught.value.retry_after_s) == ("too_many_requests", 5)
    assert begun == [0]
    assert await asyncio.gather(*tasks) == [False] * 3
    assert begun == [0, 1, 2]
    assert await passwords.hash("again")
