"""Password hashing with argon2id, bounded, and away from the event loop.

Owns the cost parameters and the bound on how many hashes are computed at once; knows no user. Invariant: comparing
costs the same whether or not there is such a user, so that time tells nobody who has an account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from twinstream.errors import RequestError

T = TypeVar("T")


class Passwords:
    """Hashes and compares passwords; one per server.

    ``concurrent`` hashes are computed at a time, each with 19 MiB of memory and some 30 ms of a core; when
    ``waiting`` more are wanted, the next one is refused. So a flood of sign-ins delays sign-ins, and no stream.
    """

    def __init__(self, *, concurrent: int = 2, waiting: int = 256) -> None:
        self._slots = asyncio.Semaphore(concurrent)
        self._wanted = 0
        self._wanted_limit = concurrent + waiting

    async def hash(self, password: str) -> str:
        """Hash a password; the answer holds its salt and parameters.

        Raises:
            RequestError: ``too_many_requests`` if too many hashes are wanted already.
        """
        return await self._compute(lambda: _HASHER.hash(password), lambda: None)

    async def verify(self, password_hash: str | None, password: str, *, first: Callable[[], None]) -> bool:
        """Tell whether this is the password; None stands for a user who does not exist, and is always wrong.

        Args:
            password_hash: what `hash` answered.
            password: what somebody typed.
            first: called when it is this call's turn, just before the comparison; what it raises is raised here.

        Raises:
            RequestError: ``too_many_requests`` if too many hashes are wanted already.
        """
        return await self._compute(lambda: _matches(password_hash or _NOBODY, password), first)

    async def _compute(self, computation: Callable[[], T], first: Callable[[], None]) -> T:
        if self._wanted >= self._wanted_limit:
            raise RequestError("too_many_requests", "Too many sign-ins at once; try again.", retry_after_s=5)
        self._wanted += 1
        try:
            async with self._slots:
                first()
                return await asyncio.to_thread(computation)
        finally:
            self._wanted -= 1


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except VerificationError:
        return False


_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1, hash_len=32, salt_len=16)
"""Source of the parameters: the OWASP password storage cheat sheet's first choice for argon2id."""

_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5Jy1zYWx0LTAwMA$" + "A" * 43
"""A hash with the same parameters that no known password has: 32 zero bytes."""
