"""Why an event does not match, test by test."""

from __future__ import annotations

from hypothesis import given, settings

from tests.model.test_matcher import any_event, any_filter
from twinstream.model.event import Event, EventType
from twinstream.model.filter import Clause, Filter
from twinstream.model.verdict import Objection, object_to


@settings(max_examples=300, deadline=None)
@given(any_filter, any_event)
def test_there_is_an_objection_exactly_if_the_filter_does_not_match(filter: Filter, event: Event) -> None:
    """Explanation and decision never part."""
    assert (object_to(filter, event) == ()) == filter.matches(event)


def test_each_failed_test_is_told_with_what_it_wanted() -> None:
    """Of two clauses the nearer one is told; names are sorted."""
    near = Clause(frozenset({"ledevb"}), frozenset({"temp", "Red_LED"}))
    far = Clause(frozenset({"other"}), frozenset({"other"}))
    filter = Filter("0dfc7900", "ana", frozenset({"A"}), {EventType.DATAPOINT: (far, near)})
    event = Event(EventType.DATAPOINT, "0dfc7900", "ledevb", "B", "Blue_LED", ("bob",), b"")
    assert object_to(filter, event) == (
        Objection("dsn", "B", ("A",)),
        Objection("reader", None, ("ana",)),
        Objection("property_name", "Blue_LED", ("Red_LED", "temp")),
    )
    location = Event(EventType.LOCATION, "0dfc7900", "ledevb", "A", None, ("ana",), b"")
    assert object_to(filter, location) == (Objection("subscription_type", "location", ("datapoint",)),)
    no_rule = Filter("0dfc7900", None, None, {EventType.DATAPOINT: ()})
    assert [objection.test for objection in object_to(no_rule, event)] == ["access_rule"]
