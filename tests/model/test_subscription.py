"""What a subscription's terms come to as a filter."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from twinstream.model.access_rule import AccessRule, RuleTerms
from twinstream.model.event import Event, EventType
from twinstream.model.filter import encode_filter
from twinstream.model.selection import Selection
from twinstream.model.subscription import PROPERTY_TYPES, ClientType, Subscription, Terms, resolve_filter

NAMES = ("a", "b", "c")
selections = st.none() | st.sets(st.sampled_from(NAMES), min_size=1).map(lambda names: tuple(sorted(names)))
roles = st.sampled_from(["OEM::Admin", "OEM::Staff"])
client_types = st.sampled_from([ClientType.CLOUD, ClientType.USER_OPT_IN])
kinds = st.sampled_from([EventType.DATAPOINT, EventType.CONNECTIVITY])
rules = st.builds(
    AccessRule,
    id=st.just(1),
    oem=st.sampled_from(["ours", "theirs"]),
    terms=st.builds(RuleTerms, roles, client_types, kinds, selections, selections),
    created_at=st.just(0.0),
    updated_at=st.just(0.0),
)


def _subscription(terms: Terms, role: str = "OEM::Staff") -> Subscription:
    return Subscription(1, "ours", "ana", role, terms, None, False, None, 0.0, 0.0, 0.0)


def _names(selection: Selection, name: str | None) -> bool:
    return selection is None or name is None or name in selection


def _events() -> list[Event]:
    """One of every kind, OEM, device, model and property; every other one has ana among its readers."""
    events = []
    for number, (kind, oem, dsn, model, name) in enumerate(
        itertools.product((EventType.DATAPOINT, EventType.CONNECTIVITY), ("ours", "theirs"), NAMES, NAMES, NAMES)
    ):
        property_name = name if kind in PROPERTY_TYPES else None
        events.append(Event(kind, oem, model, dsn, property_name, ("ana",) if number % 2 else ("bob",), b"}"))
    return events


EVENTS = _events()


@given(st.builds(Terms, client_types, kinds.map(lambda kind: (kind,)), *[selections] * 3), st.lists(rules))
def test_an_oem_event_needs_the_terms_and_one_rule(terms: Terms, rules: list[AccessRule]) -> None:
    """It matches if the terms name it, and a rule of the OEM for role, client type and type of event names it too."""
    resolved = resolve_filter(_subscription(terms), rules)
    for event in EVENTS:
        granted = any(
            (rule.oem, rule.terms.role, rule.terms.client_type, rule.terms.subscription_type)
            == ("ours", "OEM::Staff", terms.client_type, event.type)
            and _names(rule.terms.oem_models, event.oem_model)
            and _names(rule.terms.property_names, event.property_name)
            for rule in rules
        )
        asked = (
            event.type in terms.types
            and _names(terms.dsns, event.dsn)
            and _names(terms.oem_models, event.oem_model)
            and _names(terms.property_names, event.property_name)
        )
        assert resolved.matches(event) == (event.oem == "ours" and granted and asked)


@given(st.builds(Terms, st.just(ClientType.MOBILE), st.just((EventType.DATAPOINT,)), *[selections] * 3))
def test_a_mobile_event_needs_the_terms_and_its_reader(terms: Terms) -> None:
    """No rule is asked; the user has to be among the event's readers."""
    resolved = resolve_filter(_subscription(terms), [])
    for event in EVENTS:
        asked = (
            event.type is EventType.DATAPOINT
            and _names(terms.dsns, event.dsn)
            and _names(terms.oem_models, event.oem_model)
            and _names(terms.property_names, event.property_name)
        )
        assert resolved.matches(event) == (event.oem == "ours" and "ana" in event.readers and asked)


def test_what_means_the_same_is_the_same_filter() -> None:
    """Neither the order of names nor a list of properties where there are none makes a new stretch."""
    one = Terms(ClientType.MOBILE, (EventType.CONNECTIVITY,), ("a", "b"), None, ("x",))
    other = Terms(ClientType.MOBILE, (EventType.CONNECTIVITY,), ("b", "a"), None, None)
    filters = [encode_filter(resolve_filter(_subscription(terms), [])) for terms in (one, other)]
    assert filters[0] == filters[1]
