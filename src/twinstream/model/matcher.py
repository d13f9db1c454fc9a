"""Finds whom an event concerns by looking it up, not by asking everyone.

Owns an index over filters; knows neither what the targets are nor why they ask. An event is looked up under a handful
of keys (each of its readers, its device, its model, its property, its OEM), whatever the number of targets.
Invariant: `Matcher.match` answers exactly the targets whose `Filter.matches` is true. For each event type a filter is
filed under one *kind* of key, the narrowest that all its clauses have, and an event has one key of each kind (a filter
has one reader), so no target is found twice. Where the key alone proves the match, the predicate is not asked again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from twinstream.model.event import Event, EventType
from twinstream.model.filter import Filter

T = TypeVar("T")

_READER, _DEVICE, _MODEL, _PROPERTY, _OEM = range(5)

Key = tuple[int, EventType, str, str | None]


class Matcher(Generic[T]):
    """An index of targets (hashable, compared by identity or equality) by their filters."""

    __slots__ = ("_buckets",)

    def __init__(self) -> None:
        self._buckets: dict[Key, _Bucket[T]] = {}

    def add(self, filter: Filter, target: T) -> None:
        """File a target. A target has one filter at a time: remove it before it is added with another."""
        for key, proven in _keys(filter):
            bucket = self._buckets.get(key)
            if bucket is None:
                bucket = self._buckets[key] = _Bucket()
            if proven:
                bucket.proven[target] = None
            else:
                bucket.possible[target] = filter

    def remove(self, filter: Filter, target: T) -> None:
        """Take a target out again; ``filter`` is the one that it was added with. One that is not there is ignored."""
        for key, proven in _keys(filter):
            bucket = self._buckets.get(key)
            if bucket is None:
                continue
            (bucket.proven if proven else bucket.possible).pop(target, None)
            if not bucket.proven and not bucket.possible:
                del self._buckets[key]

    def match(self, event: Event) -> list[T]:
        """Answer the targets whose filter matches the event, each once, in no particular order; the list is yours."""
        found: list[T] = []
        buckets = self._buckets
        kind, oem, readers = event.type, event.oem, event.readers
        keys: list[Key] = [
            (_DEVICE, kind, oem, event.dsn),
            (_MODEL, kind, oem, event.oem_model),
            (_PROPERTY, kind, oem, event.property_name),
            (_OEM, kind, oem, None),
        ]
        for reader in readers if len(readers) < 2 else dict.fromkeys(readers):
            keys.append((_READER, kind, oem, reader))
        for key in keys:
            bucket = buckets.get(key)
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


def _keys(filter: Filter) -> Iterator[tuple[Key, bool]]:
    """List the keys that a filter is filed under, each with whether the key alone proves that the event matches."""
    oem = filter.oem
    for kind, clauses in filter.clauses.items():
        if not clauses:
            continue
        any_of_type = any(clause.oem_models is None and clause.property_names is None for clause in clauses)
        if filter.reader is not None:
            yield (_READER, kind, oem, filter.reader), any_of_type and filter.dsns is None
        elif filter.dsns is not None:
            for dsn in filter.dsns:
                yield (_DEVICE, kind, oem, dsn), any_of_type
        elif any_of_type:
            yield (_OEM, kind, oem, None), True
        elif models := _union([clause.oem_models for clause in clauses]):
            whole = _union([c.oem_models for c in clauses if c.property_names is None]) or frozenset()
            for model in models:
                yield (_MODEL, kind, oem, model), model in whole
        elif names := _union([clause.property_names for clause in clauses]):
            whole = _union([c.property_names for c in clauses if c.oem_models is None]) or frozenset()
            for name in names:
                yield (_PROPERTY, kind, oem, name), name in whole
            # An event that concerns no property is not bound by property names.
            yield (_PROPERTY, kind, oem, None), any(clause.oem_models is None for clause in clauses)
        else:
            yield (_OEM, kind, oem, None), False


def _union(sets: list[frozenset[str] | None]) -> frozenset[str] | None:
    """Join the sets; None if there are none or one of them means any."""
    joined: set[str] = set()
    for names in sets:
        if names is None:
            return None
        joined |= names
    return frozenset(joined) if sets else None
