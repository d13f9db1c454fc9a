"""The matcher finds exactly whom the filters name, by look-up."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from twinstream.model.event import Event, EventType
from twinstream.model.filter import Clause, Filter
from twinstream.model.matcher import Matcher

_names = st.sampled_from(["a", "b", "c"])
_some = st.none() | st.frozensets(_names)
any_filter = st.builds(
    Filter,
    oem=st.sampled_from(["o", "p"]),
    reader=st.none() | _names,
    dsns=_some,
    clauses=st.dictionaries(
        st.sampled_from(EventType), st.lists(st.builds(Clause, oem_models=_some, property_names=_some)).map(tuple)
    ),
)
any_event = st.builds(
    Event,
    type=st.sampled_from(EventType),
    oem=st.sampled_from(["o", "p"]),
    oem_model=_names,
    dsn=_names,
    property_name=st.none() | _names,
    readers=st.lists(_names).map(tuple),
    tail=st.just(b""),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(any_filter, max_size=10), st.lists(any_event, max_size=5))
def test_matches_are_those_of_the_predicate(filters: list[Filter], events: list[Event]) -> None:
    """A look-up answers exactly the targets whose filter matches, each once."""
    matcher: Matcher[int] = Matcher()
    for number, filter in enumerate(filters):
        matcher.add(filter, number)
    for event in events:
        assert sorted(matcher.match(event)) == [n for n, filter in enumerate(filters) if filter.matches(event)]


@settings(max_examples=50, deadline=None)
@given(st.lists(any_filter, max_size=6), st.lists(any_filter, max_size=6), any_event)
def test_removed_targets_are_forgotten(stay: list[Filter], leave: list[Filter], event: Event) -> None:
    """What was added and removed again leaves no trace, and the others stay."""
    matcher: Matcher[tuple[str, int]] = Matcher()
    for number, filter in enumerate(leave):
        matcher.add(filter, ("leave", number))
    for number, filter in enumerate(stay):
        matcher.add(filter, ("stay", number))
    for number, filter in enumerate(leave):
        matcher.remove(filter, ("leave", number))
        matcher.remove(filter, ("leave", number))
    assert sorted(matcher.match(event)) == [("stay", n) for n, filter in enumerate(stay) if filter.matches(event)]
    for number, filter in enumerate(stay):
        matcher.remove(filter, ("stay", number))
    assert not matcher._indexes


def test_the_predicate_is_asked_only_where_the_key_proves_nothing() -> None:
    """Ten thousand subscriptions to other devices, users, models and properties cost an event nothing."""
    matcher: Matcher[int] = Matcher()

    def clauses(models: frozenset[str] | None, names: frozenset[str] | None) -> dict[EventType, tuple[Clause, ...]]:
        return {EventType.DATAPOINT: (Clause(models, names),)}

    for n in range(2_500):
        matcher.add(Filter("o", f"user{n}", None, clauses(None, None)), n)
        matcher.add(Filter("o", None, frozenset({f"dsn{n}"}), clauses(None, None)), 10_000 + n)
        matcher.add(Filter("o", None, None, clauses(frozenset({f"m{n}"}), None)), 20_000 + n)
        matcher.add(Filter("o", None, None, clauses(None, frozenset({f"p{n}"}))), 30_000 + n)
    event = Event(EventType.DATAPOINT, "o", "m7", "dsn7", "p7", ("user7",), b"")
    assert sorted(matcher.match(event)) == [7, 10_007, 20_007, 30_007]
    (index,) = matcher._indexes.values()
    assert not any(bucket.possible for buckets in index for bucket in buckets.values())
