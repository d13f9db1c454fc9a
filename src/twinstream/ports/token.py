"""Stored tokens: pairs of an access token and the refresh token that replaces both, as SHA-256 in hex.

All pairs that grew out of one sign-in are a *family*. A pair that was refreshed is spent: it opens nothing, but is
remembered, so that a refresh token that comes a second time gives away that it was stolen: unless its client just has
not got the answer, and asks again. That is taken for granted while the answer's access token was not used, for
`GRACE_S`. Security: who steals a refresh token and comes within this time, before the client uses what it was given,
gets a pair that works; the client's is spent then, and its next refresh ends the family, the thief's pair with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from twinstream.model.principal import User
from twinstream.ports.user import Credentials

GRACE_S = 60.0
"""How long a spent refresh token may come again: clients try again within seconds."""


class Pair(msgspec.Struct, frozen=True):
    """Hashes of a new pair, and when its access token expires (seconds since 1970)."""

    access_hash: str
    refresh_hash: str
    expires_at: float


class Refreshed(msgspec.Struct, frozen=True):
    """What a refresh came to: the user if it succeeded, and the access hashes that are no longer in force."""

    user: User | None
    revoked: Sequence[str]


class Tokens(Protocol):
    """Pairs of all users. Its methods take no principal: a token is what a principal is found by."""

    def add(self, credentials: Credentials, family: str, app_id: str | None, pair: Pair) -> bool:
        """Begin a family. False, and nothing added, if user or password are not any more what ``credentials`` say."""

    def find_user(self, access_hash: str) -> tuple[User, float] | None:
        """Find whom an access token stands for, and when it expires; None if it is spent, revoked or was never made."""

    def refresh(self, refresh_hash: str, pair: Pair, idle_s: float, is_used: Callable[[str], bool]) -> Refreshed:
        """Spend the pair of this refresh token and add the new one to its family.

        A token that was spent within `GRACE_S`, and whose successor is in force and was not used, may come again: then
        the successor is spent for good, and the new pair takes its place. Any other that is spent already, or older
        than ``idle_s``, revokes its whole family; an unknown one changes nothing. ``is_used`` tells of an access hash
        whether its token was ever shown.
        """

    def revoke_family(self, access_hash: str) -> Sequence[str]:
        """Delete the family of this access token, in force or not; answer the access hashes deleted."""

    def revoke_user(self, user_id: int, *, keep: str = "") -> Sequence[str]:
        """Delete all pairs of a user but for the family of the access hash ``keep``; answer the hashes deleted."""

    def remove_idle(self, before_s: float, limit: int) -> int:
        """Delete up to ``limit`` pairs made before this time; answer how many."""
