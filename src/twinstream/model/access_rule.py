"""Access rules: which role of an OEM may subscribe to what.

A rule grants; there are none that forbid. Without a rule for (role, client type, event type) nobody of that role
subscribes to events of that type, and the rules also narrow what a subscription gets.
"""

from __future__ import annotations

import msgspec

from twinstream.model.check import must
from twinstream.model.event import EventType
from twinstream.model.selection import Selection
from twinstream.model.subscription import ClientType
from twinstream.model.user import check_role


class RuleTerms(msgspec.Struct, frozen=True):
    """What a rule grants to whom."""

    role: str
    client_type: ClientType
    subscription_type: EventType
    oem_models: Selection = None
    property_names: Selection = None


class AccessRule(msgspec.Struct, frozen=True):
    """A rule of an OEM; times are seconds since 1970."""

    id: int
    oem: str
    terms: RuleTerms
    created_at: float
    updated_at: float


def check_rule_terms(terms: RuleTerms) -> RuleTerms:
    """Answer the terms.

    Raises RequestError ``invalid`` for a role that is none of an OEM, or the client type ``mobile``.
    """
    if not check_role(terms.role).startswith("OEM::"):
        raise must("role", "be a role like OEM::Staff")
    if terms.client_type is ClientType.MOBILE:
        raise must("client_type", "be cloud or user_opt_in")
    return terms
