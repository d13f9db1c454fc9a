"""Why an event belongs to a subscription's stream, or why not: the filter taken apart, test by test.

Owns the explanation; `model.filter.Filter.matches` owns the decision. Invariant: there is an objection exactly if the
filter does not match.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from twinstream.model.event import Event
from twinstream.model.filter import Clause, Filter


class Objection(msgspec.Struct, frozen=True):
    """A test that the event failed: what it looked at, what it found there, and what it would have let pass."""

    test: str
    found: str | None
    wanted: tuple[str, ...]


def object_to(filter: Filter, event: Event) -> tuple[Objection, ...]:
    """List why the filter does not match the event; empty if it does.

    Tests are in the order of the filter. Of several clauses for the event's type the one with the fewest objections is
    told, since that is the one that was meant.
    """
    objections: list[Objection] = []
    if event.oem != filter.oem:
        objections.append(Objection("oem", event.oem, (filter.oem,)))
    clauses = filter.clauses.get(event.type, ())
    if event.type not in filter.clauses:
        objections.append(Objection("subscription_type", event.type, tuple(sorted(filter.clauses))))
    elif not clauses:
        objections.append(Objection("access_rule", event.type, ()))
    if filter.dsns is not None and event.dsn not in filter.dsns:
        objections.append(Objection("dsn", event.dsn, _some(filter.dsns)))
    if filter.reader is not None and filter.reader not in event.readers:
        objections.append(Objection("reader", None, (filter.reader,)))
    if clauses:
        objections += sorted((_object_to_clause(clause, event) for clause in clauses), key=len)[0]
    return tuple(objections)


MOST_SHOWN = 20
"""So many names of a set are told."""


def _object_to_clause(clause: Clause, event: Event) -> list[Objection]:
    objections = []
    if clause.oem_models is not None and event.oem_model not in clause.oem_models:
        objections.append(Objection("oem_model", event.oem_model, _some(clause.oem_models)))
    name = event.property_name
    if clause.property_names is not None and name is not None and name not in clause.property_names:
        objections.append(Objection("property_name", name, _some(clause.property_names)))
    return objections


def _some(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names)[:MOST_SHOWN])
