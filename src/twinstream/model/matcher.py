"""Finds whom an event concerns by looking it up, not by asking everyone.

Owns an index over filters; knows neither what the targets are nor why they ask. An event is looked up under a handful
of keys (each of its readers, its device, its model, its property, its OEM), whatever the number of targets.
Kinds of keys that nobody uses are not looked at. Invariant: `Matcher.match` answers exactly the targets whose
`Filter.matches` is true. For each event type a filter is filed under one *kind* of key, the narrowest that all its
clauses have, and an event has one key of each kind (a filter has one reader), so no target is found twice. Where the
key alone proves the match, the predicate is not asked again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from twinstream.model.event import Event, EventType
from twinstream.model.filter import Clause, Filter

T = TypeVar("T")

_READER, _DEVICE, _MODEL, _PROPERTY, _OEM = range(5)

Key = tuple[int, str | None]
"""The kind, and a UUID, DSN, model, property or nothing."""


class Matcher(Generic[T]):
    """An index of targets (hashable, compared by identity or equality) by their filters."""

    __slots__ = ("_indexes",)

    def __init__(self) -> None:
        self._indexes: dict[tuple[EventType, str], _Index[T]] = {}

    def add(self, filter: Filter, target: T) -> None:
        """File a target. A target has one filter at a time: remove it before it is added with another."""
        for type, clauses in filter.clauses.items():
            index = self._indexes.get((type, filter.oem))
            if index is None:
                index = self._indexes[type, filter.oem] = ({}, {}, {}, {}, {})
            for (kind, name), proven in _keys(filter, clauses):
                bucket = index[kind].get(name)
                if bucket is None:
                    bucket = index[kind][name] = _Bucket()
                if proven:
                    bucket.proven[target] = None
                else:
                    bucket.possible[target] = filter

    def remove(self, filter: Filter, target: T) -> None:
        """Take a target out again; ``filter`` is the one that it was added with. One that is not there is ignored."""
        for type, clauses in filter.clauses.items():
            index = self._indexes.get((type, filter.oem))
            if index is None:
                continue
            for (kind, name), proven in _keys(filter, clauses):
                bucket = index[kind].get(name)
                if bucket is None:
                    continue
                (bucket.proven if proven else bucket.possible).pop(target, None)
                if not bucket.proven and not bucket.possible:
                    del index[kind][name]
            if not any(index):
                del self._indexes[type, filter.oem]

    def match(self, event: Event) -> list[T]:
        """Answer the targets whose filter matches the event, each once, in no particular order; the list is yours."""
        found: list[T] = []
        index = self._indexes.get((event.type, event.oem))
        if index is None:
            return found
        readers, devices, models, properties, oem = index
        buckets = []
        if devices:
            buckets.append(devices.get(event.dsn))
        if models:
            buckets.append(models.get(event.oem_model))
        if properties:
            buckets.append(properties.get(event.property_name))
        if oem:
            buckets.append(oem.get(None))
        if readers:
            buckets += [readers.get(reader) for reader in dict.fromkeys(event.readers)]
        for bucket in buckets:
            if bucket is not None:
                found += bucket.proven
                if bucket.possible:
                    found += [target for target, filter in bucket.possible.items() if filter.matches(event)]
        return found


class _Bucket(Generic[T]):
    """The targets under one key: those that it proves, and those whose filter has to be asked."""

    __slots__ = ("possible", "proven")

    def __init__(self) -> None:
        self.proven: dict[T, None] = {}
        self.possible: dict[T, Filter] = {}


_Index = tuple[dict[str | None, _Bucket[T]], ...]
"""The buckets for one type of event of one OEM: a dictionary for each kind of key."""


def _keys(filter: Filter, clauses: tuple[Clause, ...]) -> Iterator[tuple[Key, bool]]:
    """List the keys of a filter for one type, each with whether the key alone proves that the event matches."""
    if not clauses:
        return
    any_of_type = any(clause.oem_models is None and clause.property_names is None for clause in clauses)
    if filter.reader is not None:
        yield (_READER, filter.reader), any_of_type and filter.dsns is None
    elif filter.dsns is not None:
        for dsn in filter.dsns:
            yield (_DEVICE, dsn), any_of_type
    elif any_of_type:
        yield (_OEM, None), True
    elif models := _union([clause.oem_models for clause in clauses]):
        whole = _union([c.oem_models for c in clauses if c.property_names is None]) or frozenset()
        for model in models:
            yield (_MODEL, model), model in whole
    elif names := _union([clause.property_names for clause in clauses]):
        whole = _union([c.property_names for c in clauses if c.oem_models is None]) or frozenset()
        for name in names:
            yield (_PROPERTY, name), name in whole
        # An event that concerns no property is not bound by property names.
        yield (_PROPERTY, None), any(clause.oem_models is None for clause in clauses)
    else:
        yield (_OEM, None), False


def _union(sets: list[frozenset[str] | None]) -> frozenset[str] | None:
    """Join the sets; None if there are none or one of them means any."""
    joined: set[str] = set()
    for names in sets:
        if names is None:
            return None
        joined |= names
    return frozenset(joined) if sets else None
