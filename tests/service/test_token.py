"""The cache of verified tokens."""

from __future__ import annotations

from twinstream.model.principal import User
from twinstream.service.token import TokenCache

ANA = User(1, "uuid", "aaaaaaaa", "ana@a.example", "EndUser")


def test_a_token_revoked_while_it_was_looked_up_is_not_kept() -> None:
    """An answer from before a revocation comes too late to be remembered."""
    cache = TokenCache()
    generation = cache.generation
    cache.drop(["another"])
    cache.keep("token", ANA, 100.0, generation)
    assert cache.find("token", 0.0) is None
    cache.keep("token", ANA, 100.0, cache.generation)
    assert cache.find("token", 0.0) == ANA


def test_an_expired_token_is_not_found() -> None:
    """The cache knows when a token expires."""
    cache = TokenCache()
    cache.keep("token", ANA, 100.0, cache.generation)
    assert cache.find("token", 99.9) == ANA
    assert cache.find("token", 100.0) is None
    assert cache.find("token", 0.0) is None


def test_the_longest_unused_are_forgotten() -> None:
    """The cache holds so many tokens and no more."""
    cache = TokenCache(kept=2)
    for name in ("one", "two"):
        cache.keep(name, ANA, 100.0, cache.generation)
    cache.find("one", 0.0)
    cache.keep("three", ANA, 100.0, cache.generation)
    assert [cache.find(name, 0.0) for name in ("one", "two", "three")] == [ANA, None, ANA]
