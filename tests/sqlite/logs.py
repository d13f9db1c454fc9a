"""Events, filters and logs for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterable

import apsw
from hypothesis import strategies as st

from twinstream.model.event import Event, EventType
from twinstream.model.filter import Clause, Filter
from twinstream.sqlite.append import Appender
from twinstream.sqlite.migration import migrate
from twinstream.sqlite.slice import Census, Slices

OEMS = ("0dfc7900", "11111111")
MODELS = ("ledevb", "linuxevb")
DSNS = tuple(f"AC000W{number:09d}" for number in range(10))
NAMES = ("Blue_LED", "Green_LED")
USERS = ("anna", "bob", "carl")

EVERYTHING = (Clause(None, None),)


def make_event(number: int = 0, *, oem: str = OEMS[0], readers: Iterable[str] = (), padding: int = 0) -> Event:
    """Make a datapoint event whose tail tells its number."""
    tail = b'"number":%d,"padding":"%b"}' % (number, b"x" * padding)
    return Event(EventType.DATAPOINT, oem, MODELS[0], DSNS[0], NAMES[0], tuple(readers), tail)


def all_of(oem: str = OEMS[0], reader: str | None = None) -> Filter:
    """Make a filter that every datapoint event of the OEM (and of the reader) matches."""
    return Filter(oem, reader, None, {EventType.DATAPOINT: EVERYTHING})


def names_or_any(names: Iterable[str]) -> st.SearchStrategy[frozenset[str] | None]:
    """Draw a set of the names, or None for any."""
    return st.none() | st.frozensets(st.sampled_from(sorted(names)), max_size=2)


def events(tail: bytes) -> st.SearchStrategy[Event]:
    """Draw an event of any kind with this tail."""
    return st.builds(
        Event,
        type=st.sampled_from(EventType),
        oem=st.sampled_from([*OEMS, OEMS[0], OEMS[0]]),
        oem_model=st.sampled_from(MODELS),
        dsn=st.sampled_from(DSNS),
        property_name=st.none() | st.sampled_from(NAMES),
        readers=st.lists(st.sampled_from(USERS), max_size=3).map(tuple),
        tail=st.just(tail),
    )


clauses = st.lists(st.builds(Clause, names_or_any(MODELS), names_or_any(NAMES)), max_size=2).map(tuple)
_any_filter = st.builds(
    Filter,
    oem=st.sampled_from(OEMS),
    reader=st.none() | st.sampled_from(USERS),
    dsns=st.none() | st.frozensets(st.sampled_from(DSNS), max_size=10),
    clauses=st.dictionaries(st.sampled_from(EventType), clauses, min_size=1),
)
_wide_filter = st.builds(
    Filter,
    oem=st.just(OEMS[0]),
    reader=st.sampled_from([None, None, *USERS]),
    dsns=st.just(None),
    clauses=st.just(dict.fromkeys(EventType, EVERYTHING)),
)
filters = _wide_filter | _any_filter
"""Any filter; half of them wide enough that most events match."""


class LooseLog:
    """The log's tables in a database without file, worked on without writer and threads."""

    def __init__(self) -> None:
        self.connection = apsw.Connection(":memory:")
        migrate(self.connection, back_up=lambda _: None)
        for oem in OEMS:
            self.connection.execute("INSERT INTO oem (id, name, created_at) VALUES (?, ?, 0)", (oem, oem))
        self.appender = Appender(self.connection)
        self.slices = Slices(self.connection, 0.0)

    def commit(self) -> None:
        """Insert what was appended."""
        self.appender.flush()

    def restart(self) -> None:
        """Forget what is not stored."""
        self.appender = Appender(self.connection)

    def trim(self, oem: str, count: int, slice_events: int) -> int | None:
        """Remove an OEM's oldest events in slices; answer the last one's position, None if there was none."""
        census = Census(oem, self.slices.list_stretches(oem))
        through = None
        while count > 0:
            survey = self.slices.survey(oem)
            rows = self.slices.read(oem, survey.trimmed_through, survey.head, min(count, slice_events))
            if not rows:
                break
            slice = census.count(survey.trimmed_through, rows)
            assert self.slices.remove(slice)
            count -= len(rows)
            through = slice.through
        return through
