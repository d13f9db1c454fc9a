"""Subscriptions: a filter and a cursor over the log, opened by a stream key.

Owns what a client may ask for and what that comes to as a `Filter` once access rules are resolved into it; knows
neither storage nor the stream. Invariant: `resolve_filter` is pure, so the same subscription under the same rules
always has the same filter, and a change of either is the only reason for a new stretch.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from twinstream.errors import RequestError
from twinstream.model.check import check_text, must
from twinstream.model.event import EventType
from twinstream.model.filter import Clause, Filter
from twinstream.model.selection import Selection, intersect

if TYPE_CHECKING:
    from twinstream.model.access_rule import AccessRule

BATCH_SIZE_LIMIT = 1000
"""Most records in one message."""

PROPERTY_TYPES = frozenset({EventType.DATAPOINT, EventType.DATAPOINTACK})
"""The types whose events concern a property."""


class ClientType(StrEnum):
    """Who reads what: ``mobile`` a user's devices; ``cloud`` and ``user_opt_in`` an OEM's, under access rules."""

    CLOUD = "cloud"
    MOBILE = "mobile"
    USER_OPT_IN = "user_opt_in"


class StartFrom(StrEnum):
    """Where a socket without ``seq_start`` begins: after the last acknowledged event, or with what comes now."""

    ACKNOWLEDGED = "acknowledged"
    LIVE = "live"


class Terms(msgspec.Struct, frozen=True):
    """What a client chooses. ``batch_size`` is the most records of a message; ``types`` are in the order given."""

    client_type: ClientType
    types: tuple[EventType, ...]
    dsns: Selection = None
    oem_models: Selection = None
    property_names: Selection = None
    batch_size: int = 1
    name: str | None = None
    description: str | None = None
    start_from: StartFrom = StartFrom.ACKNOWLEDGED


class Subscription(msgspec.Struct, frozen=True):
    """A stored subscription.

    ``role`` is the one under which access rules are resolved. ``suspended_at`` is None unless it is suspended,
    ``by_operator`` if by whoever runs the server, so that its owner cannot resume it;
    ``seen_at`` is when a socket was last open, or the creation; times are seconds since 1970. ``key_sealed`` is the
    stream key as the sealer wrote it, None where only its hash is kept.
    """

    id: int
    oem: str
    user_uuid: str
    role: str
    terms: Terms
    suspended_at: float | None
    by_operator: bool
    key_sealed: str | None
    created_at: float
    updated_at: float
    seen_at: float


class Gap(msgspec.Struct, frozen=True):
    """A range of numbers that a session asked for and retention had removed: ``from_seq`` through ``through_seq``."""

    subscription_id: int
    from_seq: int
    through_seq: int


def check_terms(terms: Terms) -> Terms:
    """Answer the terms.

    Raises:
        RequestError: ``invalid``, naming the field. A subscription that is not mobile has exactly one type and names
            models or devices; texts have at most 255 characters; ``batch_size`` is 1 to 1,000.
    """
    if not 1 <= terms.batch_size <= BATCH_SIZE_LIMIT:
        raise must("batch_size", f"be a number from 1 to {BATCH_SIZE_LIMIT}")
    for field, text in (("name", terms.name), ("description", terms.description)):
        check_text(text or "", field=field)
    if terms.client_type is not ClientType.MOBILE:
        if len(terms.types) != 1:
            raise must("subscription_type", "be exactly one type for this client_type")
        if terms.oem_models is None and terms.dsns is None:
            message = "Name either the devices (dsn) or their models (oem_model); both can't be *."
            raise RequestError("invalid", message, field="dsn")
    return terms


def resolve_filter(subscription: Subscription, rules: Sequence[AccessRule]) -> Filter:
    """Resolve what the subscription may see: its terms, within the rules of its OEM that bear on its role.

    ``rules`` may hold others too. A mobile subscription is bound by its user instead of by rules. A type that no rule
    grants, or only outside the terms, has no clause and so matches nothing.
    """
    terms = subscription.terms
    mobile = terms.client_type is ClientType.MOBILE
    clauses = {
        kind: (_clause(kind, terms, None),)
        if mobile
        else tuple(
            clause
            for rule in rules
            if (rule.oem, rule.terms.role, rule.terms.client_type, rule.terms.subscription_type)
            == (subscription.oem, subscription.role, terms.client_type, kind)
            if _can_match(clause := _clause(kind, terms, rule))
        )
        for kind in terms.types
    }
    return Filter(
        oem=subscription.oem,
        reader=subscription.user_uuid if mobile else None,
        dsns=None if terms.dsns is None else frozenset(terms.dsns),
        clauses=clauses,
    )


def _clause(kind: EventType, terms: Terms, rule: AccessRule | None) -> Clause:
    """Join terms and rule; equal for equal meaning, so that a change without effect begins no stretch."""
    return Clause(
        oem_models=intersect(terms.oem_models, rule.terms.oem_models if rule else None),
        property_names=intersect(terms.property_names, rule.terms.property_names if rule else None)
        if kind in PROPERTY_TYPES
        else None,
    )


def _can_match(clause: Clause) -> bool:
    return clause.oem_models != frozenset() and clause.property_names != frozenset()
