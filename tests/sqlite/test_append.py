"""The writing side of the log, beyond what the property test of pages covers."""

from __future__ import annotations

import pytest

from tests.sqlite.logs import DSNS, OEMS, LooseLog, all_of, make_event
from twinstream.model.event import Change, Control
from twinstream.model.filter import Filter
from twinstream.ports.log import Cursor
from twinstream.sqlite.append import ROW_OVERHEAD_BYTES

NARROW = Filter(OEMS[0], None, frozenset(DSNS[:1]), all_of().clauses)


def _stored(log: LooseLog, table: str) -> list[tuple[object, ...]]:
    return log.connection.execute(f"SELECT * FROM {table}").fetchall()


def test_positions_go_on_after_everything_was_trimmed_and_the_process_started_anew() -> None:
    """A position is never used twice."""
    log = LooseLog()
    for number in range(3):
        log.appender.append(make_event(number))
    log.commit()
    assert log.trim(OEMS[0], 10, 10) == 3
    assert _stored(log, "event") == []
    log.restart()
    assert log.appender.append(make_event()) == 4


def test_a_change_of_many_subscriptions_is_one_control_record() -> None:
    """It names those that had a stretch; new ones and unchanged ones need none."""
    log = LooseLog()
    log.appender.begin_stretches([(1, all_of()), (2, all_of()), (3, NARROW)])
    assert log.appender.flush() == []
    log.appender.append(make_event())
    log.appender.begin_stretches([(1, NARROW), (2, NARROW), (3, NARROW), (4, NARROW)])
    event, control = log.appender.flush()
    assert control.entry == Control(Change.FILTER, (1, 2))
    assert control.position == event.position + 1
    begun = [row[:2] for row in log.connection.execute("SELECT * FROM stretch ORDER BY from_position, subscription_id")]
    assert begun == [(1, 1), (2, 1), (3, 1), (1, 3), (2, 3), (4, 3)]
    log.appender.begin_stretches([(1, NARROW)])
    assert log.appender.flush() == []


def test_a_size_goes_on_where_it_was() -> None:
    """`oem_bytes` grows by each event's size, per OEM, also across a restart; control records have none."""
    log = LooseLog()
    log.appender.append(make_event(1))
    log.appender.append(make_event(1, oem=OEMS[1]))
    log.appender.append_control(Control(Change.DELETED, (1,)))
    log.commit()
    log.restart()
    log.appender.append(make_event(1))
    log.commit()
    sizes = log.connection.execute("SELECT oem, oem_bytes FROM event ORDER BY position").fetchall()
    size = len(make_event(1).tail) + ROW_OVERHEAD_BYTES
    assert sizes == [(OEMS[0], size), (OEMS[1], size), ("", 0), (OEMS[0], size * 2)]


def test_a_reader_named_twice_is_one_reader() -> None:
    """Readers are a set, whatever the event says."""
    log = LooseLog()
    log.appender.append(make_event(readers=["anna", "anna", "bob"]))
    log.commit()
    assert _stored(log, "event_reader") == [("anna", 1), ("bob", 1)]


@pytest.mark.parametrize("tail", [b"two\nlines", "é".encode()])
def test_a_tail_that_pages_could_not_hold_is_refused(tail: bytes) -> None:
    """It fails its command at once, not the group at its end."""
    log = LooseLog()
    event = make_event()
    with pytest.raises(ValueError, match="one line of ASCII"):
        log.appender.append(type(event)(event.type, event.oem, event.oem_model, event.dsn, None, (), tail))


def test_bookmarks_close_to_another_are_not_kept() -> None:
    """One is worth storing if it is 100 numbers or 10,000 positions behind the last; so their number is bounded."""
    log = LooseLog()
    log.appender.begin_stretch(1, all_of())
    for position, seq in ((10, 5), (11, 6), (500, 105), (501, 106), (10_400, 110), (30_000, 111)):
        log.appender.store_bookmarks([(1, Cursor(position, seq)), (2, Cursor(position, seq))])
    assert _stored(log, "bookmark") == [(1, 10, 5), (1, 501, 106), (1, 30_000, 111)]


def test_bookmarks_that_trimming_has_overtaken_are_not_kept() -> None:
    """They are of no use any more; their subscription has the one that trimming left."""
    log = LooseLog()
    log.appender.begin_stretch(1, all_of())
    for number in range(6):
        log.appender.append(make_event(number))
    log.commit()
    log.trim(OEMS[0], 5, 5)
    log.appender.store_bookmarks([(1, Cursor(4, 4))])
    assert _stored(log, "bookmark") == [(1, 5, 5)]


def test_acknowledgements_only_move_forward() -> None:
    """A lower one changes nothing, one of a deleted subscription is dropped; deleting forgets it."""
    log = LooseLog()
    log.appender.begin_stretch(1, all_of())
    for position in (5, 3, 7, 6):
        log.appender.store_acknowledgements([(1, Cursor(position, position)), (2, Cursor(position, position))])
    assert _stored(log, "acknowledgement") == [(1, 7, 7)]
    log.appender.end_stretches(1)
    assert _stored(log, "acknowledgement") == _stored(log, "stretch") == []
