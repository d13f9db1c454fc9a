"""A filter as SQL: the same predicate as `model.filter.Filter.matches`, run where the rows are.

Owns the choice of the index that yields the candidates, and the predicate that they have to pass; knows no cursor. A
test holds it and `Filter.matches` together. Candidates come in the order of positions from index entries alone:

* a user's subscription from the events that the user may read;
* one of a few devices from those devices' events;
* any other from the OEM's events of the types wanted.

Each source is one index range or a merge of a few, never a sort, so a page stops as soon as it is full. The joins below
are CROSS JOINs because SQLite then keeps that order, and with it the rows come in the order of positions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

import msgspec

from twinstream.model.event import EventType
from twinstream.model.filter import Clause, Filter, decode_filter

TYPE_NUMBERS: dict[EventType, int] = {type: number for number, type in enumerate(EventType, start=1)}
"""How `event.type` writes a type; 0 is a control record."""

CONTROL_NUMBER = 0

MAX_DEVICE_SOURCES = 8
"""Up to so many devices are read from their own index ranges; more are picked from the OEM's events."""


Bind = Callable[[str | int | Iterable[str]], str]
"""Takes a value, or a set of them, and answers its place in a statement."""


class Search(msgspec.Struct, frozen=True):
    """A filter's page query. ``statement`` is None if nothing can match.

    Parameters: 1 after, 2 through (positions), 3 candidates at most, 4 matches at most, then ``values``. Its one row:
    the positions and the sizes (bytes of tail) of the matches, each as text with commas, or None; and, if fewer matches
    were found than asked for, the position of the last candidate allowed, None if there were fewer candidates.
    """

    filter: Filter
    statement: str | None
    values: tuple[str | int, ...]


@lru_cache(maxsize=4096)
def search_of(filter_text: str) -> Search:
    """Answer the search of a filter as `encode_filter` wrote it. Callable from any thread."""
    filter = decode_filter(filter_text)
    values: list[str | int] = []

    def bind(value: str | int | Iterable[str]) -> str:
        """Add a parameter and answer its place; a set becomes a list in JSON."""
        values.append(value if isinstance(value, str | int) else msgspec.json.encode(sorted(value)).decode())
        return f"?{len(values) + 4}"

    ranges = [
        f"SELECT position FROM {range} AND position > ?1 AND position <= ?2" for range in _index_ranges(filter, bind)
    ]
    if not ranges:
        return Search(filter, None, ())
    source = " UNION ALL ".join(ranges) + " ORDER BY position"
    statement = (
        "SELECT group_concat(position), group_concat(size),"
        f" CASE WHEN count(*) < ?4 THEN (SELECT position FROM ({source}) LIMIT 1 OFFSET ?3 - 1) END"
        " FROM (SELECT event.position, octet_length(event.tail) AS size"
        f" FROM ({source} LIMIT ?3) AS candidate CROSS JOIN event ON event.position = candidate.position"
        f" WHERE {predicate_of(filter, bind)} LIMIT ?4)"
    )
    return Search(filter, statement, tuple(values))


def _index_ranges(filter: Filter, bind: Bind) -> list[str]:
    types = [type for type in EventType if filter.clauses.get(type)]
    if not types:
        return []
    if filter.reader is not None:
        return [f"event_reader WHERE reader = {bind(filter.reader)}"]
    if filter.dsns is not None and len(filter.dsns) <= MAX_DEVICE_SOURCES:
        return [f"event WHERE dsn = {bind(dsn)}" for dsn in sorted(filter.dsns)]
    oem = bind(filter.oem)
    return [f"event WHERE oem = {oem} AND type = {TYPE_NUMBERS[type]}" for type in types]


def predicate_of(filter: Filter, bind: Bind) -> str:
    """Write what a row of `event` has to be, but for its reader; there is a clause at least."""
    devices = "TRUE" if filter.dsns is None else f"event.dsn IN {_set(bind(filter.dsns))}"
    types = " OR ".join(_of_type(type, clauses, bind) for type, clauses in filter.clauses.items() if clauses)
    return f"event.oem = {bind(filter.oem)} AND {devices} AND ({types})"


def _of_type(type: EventType, clauses: tuple[Clause, ...], bind: Bind) -> str:
    return f"event.type = {TYPE_NUMBERS[type]} AND ({' OR '.join(_clause(clause, bind) for clause in clauses)})"


def _clause(clause: Clause, bind: Bind) -> str:
    terms = ["TRUE"]
    if clause.oem_models is not None:
        terms.append(f"event.oem_model IN {_set(bind(clause.oem_models))}")
    if clause.property_names is not None:
        terms.append(f"(event.property_name IS NULL OR event.property_name IN {_set(bind(clause.property_names))})")
    return " AND ".join(terms)


def _set(place: str) -> str:
    return f"(SELECT value FROM json_each({place}))"
