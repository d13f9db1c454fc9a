"""Stored subscriptions.

Stretches, bookmarks and acknowledgements are the log's (`ports.log`); whoever changes a subscription begins or ends its
stretches in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from twinstream.model.principal import Operator, User
from twinstream.model.subscription import Gap, Subscription, Terms


class GapRecord(msgspec.Struct, frozen=True):
    """A stored gap: ``from_seq`` through ``through_seq``, found at ``at`` (seconds since 1970)."""

    from_seq: int
    through_seq: int
    at: float


class Subscriptions(Protocol):
    """Subscriptions; a user sees the own ones only. A key is stored as the SHA-256 of its text in hex."""

    def add(self, owner: User, terms: Terms, key_hash: str, key_sealed: str | None) -> Subscription:
        """Add one, under the owner's present role."""

    def find(self, owner: User, subscription_id: int) -> Subscription | None:
        """Find one of the owner's."""

    def list_of_owner(self, owner: User) -> Sequence[Subscription]:
        """List the owner's, by id."""

    def amend(self, owner: User, subscription_id: int, terms: Terms) -> Subscription | None:
        """Replace the terms of one of the owner's. None if there is no such subscription."""

    def remove(self, owner: User, subscription_id: int) -> bool:
        """Delete one of the owner's, with its gaps. False if there is no such subscription."""

    def list_gaps(self, owner: User, subscription_id: int) -> Sequence[GapRecord] | None:
        """List the gaps of one of the owner's, oldest first. None if there is no such subscription."""

    def find_by_key(self, key_hash: str) -> Subscription | None:
        """Find the one that a key opens. It takes no principal: the key is the credential."""

    def list_under_rules(self, oem: str, role: str) -> Sequence[Subscription]:
        """List those of an OEM that access rules for this role bear on, to begin their stretches anew."""

    def find_any(self, operator: Operator, subscription_id: int) -> Subscription | None:
        """Find one, whosever it is."""

    def list_of_user(self, operator: Operator, uuid: str) -> Sequence[Subscription]:
        """List a user's, by id."""

    def list_of_oem(self, operator: Operator, oem: str) -> Sequence[Subscription]:
        """List an OEM's, by id."""

    def set_role(self, operator: Operator, uuid: str, role: str) -> Sequence[Subscription]:
        """Put all of a user's under another role; answer them changed."""

    def set_suspended(self, principal: User | Operator, subscription_id: int, suspended: bool) -> Subscription | None:
        """Suspend or resume one, a user an own one; a second suspension keeps the time of the first.

        What the operator suspended stays so noted. None if there is no such one.
        """

    def remove_all(self, operator: Operator, subscription_ids: Sequence[int]) -> None:
        """Delete these, with their gaps."""

    def see(self, operator: Operator, seen: Sequence[tuple[int, float]]) -> None:
        """Remember when sockets were last open (subscription id, since 1970 in s); an earlier time changes nothing."""

    def list_unseen(self, operator: Operator, before_s: float, limit: int) -> Sequence[Subscription]:
        """List up to ``limit`` mobile ones that were last seen before this time, the longest unseen first."""

    def add_gaps(self, gaps: Sequence[Gap]) -> None:
        """Store gaps, the newest 1,000 of each subscription; of deleted subscriptions nothing."""
