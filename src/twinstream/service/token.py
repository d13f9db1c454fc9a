"""Tokens in the hands of a client, and those that this process has verified already.

Owns the cache that lets a hot request cost no query. Invariant: a token that was revoked by this process is never
answered from the cache, also if a query that saw it in force was under way when it was revoked.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from twinstream.model.principal import User
from twinstream.ports.ids import NewId
from twinstream.ports.token import Pair
from twinstream.service.secret import hash_secret

LONGEST_TOKEN = 256
"""Characters that a token can have; ours have 32."""


def new_pair(new_id: NewId, now_s: float, lifetime_s: float) -> tuple[str, str, Pair]:
    """Make an access token and a refresh token, and what is stored of them."""
    access_token, refresh_token = new_id.secret(), new_id.secret()
    return access_token, refresh_token, Pair(hash_secret(access_token), hash_secret(refresh_token), now_s + lifetime_s)


class TokenCache:
    """Users by the hash of an access token in force; call on the event loop only.

    ``kept`` bounds it; beyond that the longest unused are forgotten, which costs them a query.
    """

    def __init__(self, *, kept: int = 10_000) -> None:
        self._kept = kept
        self._entries: OrderedDict[str, tuple[User, float]] = OrderedDict()
        self.generation = 0

    def find(self, access_hash: str, now_s: float) -> User | None:
        """Find the user whose token this is; None means: ask the store."""
        entry = self._entries.get(access_hash)
        if entry is None:
            return None
        user, expires_at = entry
        if expires_at <= now_s:
            del self._entries[access_hash]
            return None
        self._entries.move_to_end(access_hash)
        return user

    def holds(self, access_hash: str) -> bool:
        """Tell whether the token was used lately. From any thread; of thousands in use the oldest are forgotten."""
        return access_hash in self._entries

    def keep(self, access_hash: str, user: User, expires_at: float, generation: int) -> None:
        """Remember what the store answered, unless a token was revoked since ``generation`` was read."""
        if generation != self.generation:
            return
        self._entries[access_hash] = (user, expires_at)
        if len(self._entries) > self._kept:
            self._entries.popitem(last=False)

    def drop(self, access_hashes: Iterable[str]) -> None:
        """Forget tokens that are not in force any more. Call once their revocation is committed."""
        self.generation += 1
        for access_hash in access_hashes:
            self._entries.pop(access_hash, None)
