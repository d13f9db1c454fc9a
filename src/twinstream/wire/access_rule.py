"""Bodies of access rules. Their root key ``OemAccessRule`` is the only one in this case."""

from __future__ import annotations

import msgspec

from twinstream.model.access_rule import AccessRule, RuleTerms
from twinstream.model.event import EventType
from twinstream.model.selection import format_selection, parse_selection
from twinstream.model.subscription import ClientType
from twinstream.wire.body import read_body, unwrap
from twinstream.wire.time import format_time


class AccessRuleRequest(msgspec.Struct, frozen=True):
    """A rule to be made, with or without its wrapper; ``oem_model`` and ``property_name`` are comma lists or ``*``."""

    role: str
    client_type: ClientType
    subscription_type: EventType
    oem_model: str = "*"
    property_name: str = "*"


class AccessRuleFieldsReply(msgspec.Struct, frozen=True):
    """A rule."""

    id: int
    role: str
    oem: str
    property_name: str
    oem_model: str
    client_type: str
    subscription_type: str
    access_grant: bool
    created_at: str
    updated_at: str


class AccessRuleReply(msgspec.Struct, frozen=True, rename={"rule": "OemAccessRule"}):
    """``{"OemAccessRule": {...}}``."""

    rule: AccessRuleFieldsReply


def read_rule(body: object) -> RuleTerms:
    """Read a rule to be made. Raises RequestError ``invalid``."""
    request = read_body(unwrap(body, "OemAccessRule"), AccessRuleRequest)
    return RuleTerms(
        role=request.role,
        client_type=request.client_type,
        subscription_type=request.subscription_type,
        oem_models=parse_selection(request.oem_model, field="oem_model"),
        property_names=parse_selection(request.property_name, field="property_name"),
    )


def show_rule(rule: AccessRule) -> AccessRuleReply:
    """Write a rule."""
    terms = rule.terms
    return AccessRuleReply(
        AccessRuleFieldsReply(
            id=rule.id,
            role=terms.role,
            oem=rule.oem,
            property_name=format_selection(terms.property_names),
            oem_model=format_selection(terms.oem_models),
            client_type=terms.client_type,
            subscription_type=terms.subscription_type,
            access_grant=True,
            created_at=format_time(rule.created_at),
            updated_at=format_time(rule.updated_at),
        )
    )
