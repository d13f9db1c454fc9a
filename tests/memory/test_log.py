"""The log in memory keeps the contract of `ports.log`."""

from __future__ import annotations

from tests.stream.stage import make_filter
from twinstream.memory.log import MemoryLog
from twinstream.model.event import Change, Control, Event, EventType, Record
from twinstream.ports.log import Cursor, PageRequest


def make_log(names: str = "") -> MemoryLog:
    """Make a log in which subscription 1 sees device d, with an event for each letter."""
    log = MemoryLog()
    log.begin_stretch(1, make_filter("d"))
    for name in names:
        append(log, name)
    return log


def append(log: MemoryLog, name: str, dsn: str = "d", oem: str = "o") -> int:
    """Append one event."""
    return log.append(Event(EventType.DATAPOINT, oem, "m", dsn, "p", (), name.encode()))


def ask(position: int = 0, seq: int = 0, **more: int) -> PageRequest:
    """Ask for a page of subscription 1."""
    return PageRequest(1, Cursor(position, seq), **more)


async def test_a_page_reports_what_was_scanned() -> None:
    """Not the last match: the end of the log, and the filter that holds there."""
    log = make_log("ab")
    append(log, "x", dsn="other")
    page = await log.read_page(ask())
    assert (page.first_seq, list(page.tails), page.through) == (1, [b"a", b"b"], Cursor(3, 2))
    assert page.filter == make_filter("d")
    assert page.trimmed is None


def test_limits_end_a_page() -> None:
    """Events, bytes (one event may exceed them) and candidates."""
    log = make_log("abcd")
    append(log, "x", dsn="other")
    assert log.page(ask(max_events=2)).through == Cursor(2, 2)
    assert log.page(ask(max_bytes=3)).through == Cursor(3, 3)
    assert log.page(ask(max_bytes=0)).through == Cursor(1, 1)
    assert log.page(ask(max_scanned=4)).through == Cursor(4, 4)
    assert log.page(ask(4, 4, max_scanned=1)).through == Cursor(5, 4)


def test_skipped_matches_are_counted() -> None:
    """They are not returned, nor do they count for the limits."""
    page = make_log("abcd").page(ask(skip_through=2, max_events=1))
    assert (page.first_seq, list(page.tails), page.through) == (3, [b"c"], Cursor(3, 3))


def test_a_page_ends_with_its_stretch() -> None:
    """Reading goes stretch by stretch, each with the filter of its time."""
    log = make_log("ab")
    log.begin_stretch(1, make_filter("e"))
    append(log, "c", dsn="d")
    append(log, "d", dsn="e")
    first = log.page(ask())
    assert (list(first.tails), first.through) == ([b"a", b"b"], Cursor(2, 2))
    second = log.page(PageRequest(1, first.through))
    assert (second.first_seq, list(second.tails), second.filter) == (3, [b"d"], make_filter("e"))


def test_an_old_stretch_has_no_filter_to_go_live_with() -> None:
    """Unless everything in it was read."""
    log = make_log("ab")
    log.begin_stretch(1, make_filter("e"))
    assert log.page(ask(max_events=1)).filter is None
    assert log.page(ask()).filter == make_filter("e")


def test_a_change_is_told_to_the_tail() -> None:
    """The first stretch and an equal one are not changes."""
    log, told = make_log(), list[Record]()
    log.follow(told.extend)
    log.begin_stretch(1, make_filter("d"))
    log.begin_stretch(1, make_filter("e"))
    log.tell_tail()
    assert told == [Record(1, Control(Change.FILTER, (1,)))]


def test_the_tail_hears_of_everything_once_in_order() -> None:
    """As late as the test wants; the head is what was told."""
    log, told = make_log(), list[Record]()
    log.follow(told.extend)
    for name in "abc":
        append(log, name)
    assert log.tell_tail(at_most=2) == 1
    assert ([record.position for record in told], log.head) == ([1, 2], 2)
    assert log.tell_tail() == 0
    assert ([record.position for record in told], log.head) == ([1, 2, 3], 3)


def test_trimming_keeps_count() -> None:
    """The page starts behind what was removed and says so; other subscriptions are not touched."""
    log = make_log("abc")
    log.begin_stretch(2, make_filter("other"))
    append(log, "x", dsn="other")
    append(log, "y", oem="p")
    log.trim("o", 2)
    page = log.page(ask())
    assert (page.first_seq, list(page.tails), page.trimmed) == (3, [b"c"], Cursor(2, 2))
    assert log.page(ask(2, 2)).trimmed is None
    assert log.page(PageRequest(2, Cursor(0, 0))).trimmed is None
    log.trim("o", 5)
    assert log.page(ask()).through == Cursor(5, 3)
    assert append(log, "z") == 6
    assert log.page(ask()).first_seq == 4


async def test_a_start_point_lies_before_the_wanted_number() -> None:
    """The nearest bookmark; what was trimmed can't be wanted, and the page will say so."""
    log = make_log("abcdef")
    log.store_bookmarks([(1, Cursor(2, 2)), (1, Cursor(4, 4)), (9, Cursor(1, 1))])
    log.store_acknowledgements([(1, Cursor(3, 3)), (1, Cursor(1, 1)), (9, Cursor(1, 1))])
    for wanted, bookmark in ((1, 0), (3, 2), (4, 2), (5, 4), (99, 4)):
        point = await log.start_point(1, wanted)
        assert point is not None
        assert (point.bookmark.seq, point.oldest_seq, point.acknowledged.seq) == (bookmark, 1, 3)
    log.trim("o", 3)
    log.store_bookmarks([(1, Cursor(1, 1))])
    for wanted, bookmark in ((1, 0), (3, 0), (4, 3), (5, 4)):
        point = await log.start_point(1, wanted)
        assert point is not None
        assert (point.bookmark.seq, point.oldest_seq) == (bookmark, 4)
    assert await log.start_point(9, 1) is None


def test_a_deleted_subscription_is_gone() -> None:
    """Its pages say so."""
    log = make_log("a")
    log.end_stretches(1)
    log.end_stretches(1)
    assert log.page(ask()).gone


def test_a_killed_process_leaves_the_log() -> None:
    """What was committed and not told is there, and is not told."""
    log, told = make_log("a"), list[Record]()
    log.follow(told.extend)
    log.reopen()
    log.tell_tail()
    assert (told, log.head) == ([], 1)
    assert list(log.page(ask()).tails) == [b"a"]
