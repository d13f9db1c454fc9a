"""Stored access rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twinstream.model.access_rule import AccessRule, RuleTerms
from twinstream.model.principal import Operator, User


class AccessRules(Protocol):
    """Access rules; a user sees those of the own OEM. Whoever changes them begins the stretches that follow from it."""

    def add(self, user: User, terms: RuleTerms) -> AccessRule:
        """Add one to the user's OEM."""

    def add_default(self, operator: Operator, oem: str, terms: RuleTerms) -> AccessRule:
        """Add one to an OEM."""

    def find(self, user: User, rule_id: int) -> AccessRule | None:
        """Find one of the user's OEM."""

    def list_of_oem(self, user: User) -> Sequence[AccessRule]:
        """List those of the user's OEM, by id."""

    def list_for(self, oem: str, role: str) -> Sequence[AccessRule]:
        """List those that bear on a role of an OEM. It takes no principal: it decides what one may see."""

    def remove(self, user: User, rule_id: int) -> AccessRule | None:
        """Delete one of the user's OEM and answer it; None if there is no such rule."""
