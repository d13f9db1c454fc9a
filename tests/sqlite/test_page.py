"""Reading pages: the same numbers as the log in memory and as counting by hand, whatever happened before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar
from unittest.mock import patch

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sqlite.logs import OEMS, LooseLog, all_of, events, filters, make_event
from twinstream.errors import RequestError
from twinstream.memory.log import MemoryLog
from twinstream.model.filter import Filter
from twinstream.ports.log import Cursor, Page, PageRequest
from twinstream.sqlite import append
from twinstream.sqlite.page import read_page, start_point

T = TypeVar("T")

SUBSCRIPTIONS = (1, 2, 3)


class Draw(Protocol):
    """Draws a value that hypothesis chooses."""

    def __call__(self, strategy: st.SearchStrategy[T], /) -> T: ...


class Walk:
    """All that a reader gets who reads from a cursor until it is level with the log."""

    def __init__(self, read: Callable[[PageRequest], Page], subscription: int, after: Cursor, **limits: int) -> None:
        self.numbered: list[tuple[int, bytes]] = []
        self.cursors: list[Cursor] = []
        self.trimmed_seq: int | None = None
        for _ in range(2000):
            page = read(PageRequest(subscription, after, **limits))
            self.gone = page.gone
            if page.trimmed is not None:
                assert self.trimmed_seq is None, "only the first page can start behind what was trimmed"
                self.trimmed_seq = page.trimmed.seq
            self.numbered += enumerate(page.tails, start=page.first_seq)
            done = page.gone or (page.filter is not None and page.through == after)
            assert done or page.through != after or page.filter is None
            after = page.through
            self.cursors.append(after)
            self.filter = page.filter
            if done:
                return
        raise AssertionError("the reader never gets level with the log")


class Twins:
    """A log in SQLite, one in memory, and a list of every subscription's matches, all told the same."""

    def __init__(self) -> None:
        self.sqlite = LooseLog()
        self.memory = MemoryLog()
        self.filters: dict[int, Filter] = {}
        self.matches: dict[int, list[bytes]] = {}
        self.cursors: list[tuple[int, Cursor]] = []
        self.next_number = 0

    def append(self, draw: Draw) -> None:
        """Append an event."""
        self.next_number += 1
        padding = b"x" * draw(st.integers(0, 40))
        event = draw(events(b'"number":%d,"padding":"%b"}' % (self.next_number, padding)))
        assert self.sqlite.appender.append(event) == self.memory.append(event)
        for subscription, filter in self.filters.items():
            if filter.matches(event):
                self.matches[subscription].append(event.tail)

    def change(self, draw: Draw) -> None:
        """Give a subscription a filter; an OEM is for ever."""
        subscription, filter = draw(st.sampled_from(SUBSCRIPTIONS)), draw(filters)
        former = self.filters.get(subscription)
        if former is not None and former.oem != filter.oem:
            return
        self.sqlite.appender.begin_stretch(subscription, filter)
        self.memory.begin_stretch(subscription, filter)
        self.filters[subscription] = filter
        self.matches.setdefault(subscription, [])

    def end(self, draw: Draw) -> None:
        """Delete a subscription."""
        subscription = draw(st.sampled_from(SUBSCRIPTIONS))
        self.sqlite.appender.end_stretches(subscription)
        self.memory.end_stretches(subscription)
        self.filters.pop(subscription, None)
        self.matches.pop(subscription, None)
        self.cursors = [known for known in self.cursors if known[0] != subscription]

    def trim(self, draw: Draw) -> None:
        """Let retention remove events."""
        oem = draw(st.sampled_from(OEMS))
        self.sqlite.commit()
        through = self.sqlite.trim(oem, draw(st.integers(1, 12)), draw(st.integers(1, 5)))
        if through is not None:
            self.memory.trim(oem, through)

    def keep(self, draw: Draw) -> None:
        """Store cursors that readers had."""
        if self.cursors:
            known = draw(st.lists(st.sampled_from(self.cursors), max_size=3))
            for log in (self.sqlite.appender, self.memory):
                log.store_bookmarks(known)
                log.store_acknowledgements(known)

    def restart(self, draw: Draw) -> None:
        """Start the process anew."""
        self.sqlite.commit()
        self.sqlite.restart()

    def read(self, draw: Draw) -> None:
        """Read from a cursor, new or stale, with small pages; compare with memory and with the list."""
        self.sqlite.commit()
        subscription = draw(st.sampled_from(SUBSCRIPTIONS))
        stale = [cursor for known, cursor in self.cursors if known == subscription]
        beginning = self.memory.start(subscription, 1)
        if beginning is None:
            walk = Walk(self.read_sqlite, subscription, Cursor(0, 0))
            assert (walk.gone, walk.numbered) == (True, [])
            assert start_point(self.sqlite.connection, subscription, 1) is None
            return
        after = draw(st.sampled_from([*stale, beginning.bookmark]))
        skip_through = draw(st.sampled_from([0, after.seq + 1, after.seq + 3]))
        walk = Walk(
            self.read_sqlite,
            subscription,
            after,
            skip_through=skip_through,
            max_events=draw(st.integers(1, 4)),
            max_bytes=draw(st.sampled_from([1, 60, 1000])),
            max_scanned=draw(st.sampled_from([1, 3, 100])),
        )
        same = Walk(self.memory.page, subscription, after, skip_through=skip_through)
        assert walk.numbered == same.numbered
        assert walk.trimmed_seq == same.trimmed_seq
        assert walk.cursors[-1] == same.cursors[-1]
        assert walk.filter == self.filters[subscription]
        first = max(after.seq, walk.trimmed_seq or 0, skip_through) + 1
        assert walk.numbered == list(enumerate(self.matches[subscription], start=1))[first - 1 :]
        assert walk.cursors[-1].seq == len(self.matches[subscription])
        self.cursors += [(subscription, cursor) for cursor in walk.cursors]

    def find(self, draw: Draw) -> None:
        """Find where to begin for a number."""
        self.sqlite.commit()
        for subscription in self.filters:
            wanted = draw(st.integers(1, 15))
            found, same = (
                start_point(self.sqlite.connection, subscription, wanted),
                self.memory.start(subscription, wanted),
            )
            assert found is not None
            assert same is not None
            assert found.oldest_seq == same.oldest_seq
            assert found.acknowledged == same.acknowledged or found.acknowledged.seq == 0 == same.acknowledged.seq
            assert found.bookmark.seq == same.bookmark.seq < wanted
            walk = Walk(self.read_sqlite, subscription, found.bookmark, skip_through=wanted - 1)
            first = max(wanted, found.oldest_seq)
            assert walk.numbered == list(enumerate(self.matches[subscription], start=1))[first - 1 :]

    def read_sqlite(self, request: PageRequest) -> Page:
        """Read a page of the log in SQLite."""
        return read_page(self.sqlite.connection, request)


@settings(max_examples=60, deadline=None)
@given(drawn=st.data(), steps=st.lists(st.sampled_from("aaaaaaacrrrtkkffse"), min_size=30, max_size=80))
def test_numbers_are_those_of_the_log_in_memory_and_of_counting(drawn: st.DataObject, steps: list[str]) -> None:
    """Pages, starting points and what trimming leaves agree with the log in memory and with a list of all matches."""
    with patch.object(append, "BOOKMARK_SPACING", Cursor(0, 0)):
        _act(Twins(), drawn.draw, steps)


def _act(twins: Twins, draw: Draw, steps: list[str]) -> None:
    acts = {
        "a": twins.append, "c": twins.change, "r": twins.read, "t": twins.trim,
        "k": twins.keep, "f": twins.find, "s": twins.restart, "e": twins.end,
    }  # fmt: skip
    for step in ["c"] * 4 + ["a"] * 4 + steps:
        acts[step](draw)
    for _ in SUBSCRIPTIONS:
        twins.read(draw)
    twins.find(draw)


def _filled(count: int, filter: Filter, padding: int = 0) -> LooseLog:
    log = LooseLog()
    log.appender.begin_stretch(1, filter)
    for number in range(1, count + 1):
        log.appender.append(make_event(number, readers=["anna"] if number % 3 == 0 else [], padding=padding))
    log.commit()
    return log


def test_a_page_ends_at_the_candidates_it_may_look_at() -> None:
    """A page without matches moves its cursor behind the candidates looked at (R1)."""
    log = _filled(10, all_of())
    other = Filter(OEMS[0], None, frozenset({"nobody"}), all_of().clauses)
    log.appender.begin_stretch(2, other)
    page = read_page(log.connection, PageRequest(1, Cursor(0, 0), max_scanned=4))
    assert (page.through, len(page.tails)) == (Cursor(4, 4), 4)
    page = read_page(log.connection, PageRequest(2, Cursor(0, 0), max_scanned=4))
    assert (page.through, page.tails, page.filter) == (Cursor(10, 0), (), other)


def test_a_page_holds_at_least_one_event_however_large() -> None:
    """One event may exceed max_bytes; the next does not come with it."""
    log = _filled(3, all_of(), padding=500)
    page = read_page(log.connection, PageRequest(1, Cursor(0, 0), max_bytes=10))
    assert (page.first_seq, len(page.tails), page.through) == (1, 1, Cursor(1, 1))


def test_a_users_page_looks_at_that_users_events_only() -> None:
    """The candidates of a user's subscription are the events that the user may read."""
    log = _filled(90, all_of(reader="anna"))
    page = read_page(log.connection, PageRequest(1, Cursor(0, 0), max_scanned=30))
    assert (len(page.tails), page.through) == (30, Cursor(90, 30))


def test_a_damaged_row_is_never_delivered() -> None:
    """A tail that does not fit its checksum is an error of the reader, not an event."""
    log = _filled(5, all_of())
    log.connection.execute("UPDATE event SET tail = replace(tail, '3', '4') WHERE position = 3")
    with pytest.raises(RequestError, match="damaged"):
        read_page(log.connection, PageRequest(1, Cursor(0, 0)))
    assert len(read_page(log.connection, PageRequest(1, Cursor(3, 3))).tails) == 2


def test_a_page_sorts_nothing_and_scans_no_table() -> None:
    """Every source of candidates is a range of an index, or a merge of such, so the cost of a page is bounded."""
    from twinstream.model.event import EventType
    from twinstream.model.filter import encode_filter
    from twinstream.sqlite.search import search_of

    every = dict.fromkeys(EventType, all_of().clauses[EventType.DATAPOINT])
    connection = LooseLog().connection
    for reader, dsns in (
        (None, None),
        ("anna", None),
        (None, frozenset({"a", "b", "c"})),
        (None, frozenset("abcdefghi")),
    ):
        search = search_of(encode_filter(Filter(OEMS[0], reader, dsns, every)).decode())
        assert search.statement is not None
        plan = [
            row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {search.statement}", (0, 9, 9, 9, *search.values))
        ]
        assert not [step for step in plan if "TEMP B-TREE" in step or step.startswith("SCAN event")], plan
    assert isinstance(connection, apsw.Connection)
