"""The writing side of the log (`ports.log.LogWriter`): what a group appends is kept here and inserted at its end.

Owns the next position and the running size of each OEM's events, both in memory between groups. Used on the writer's
thread only. Invariants: what `_next` says is above every position ever committed (SQLite's own sequence, which survives
a purge, is where it starts); after a failed commit nothing of memory is believed (`forget`).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import apsw
import msgspec

from twinstream.model.event import Change, Control, Event, Record
from twinstream.model.filter import Filter, encode_filter
from twinstream.ports.log import Cursor
from twinstream.sqlite.insert import insert_rows
from twinstream.sqlite.page import NEWLINE
from twinstream.sqlite.search import CONTROL_NUMBER, TYPE_NUMBERS

ROW_OVERHEAD_BYTES = 360
"""What an event takes on the disk besides its tail: columns and index entries. Counted in an OEM's size.

Source: 96,100 events of 2,000 devices and 1,000 readers, one each, took 790 bytes with tails of 432.
"""

BOOKMARK_SPACING = Cursor(position=10_000, seq=100)
"""A bookmark is not kept if there is one at most so many positions and numbers before it: half a page's scan."""


class Mark(NamedTuple):
    """A place in the group to come back to."""

    records: int
    next_position: int


class Appender:
    """See the module."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._records: list[Record] = []
        self._now_s = 0.0
        self.forget()

    # What the writer calls

    def begin(self, now_s: float) -> None:
        """Begin a group."""
        self._now_s = now_s

    def mark(self) -> Mark:
        """Answer the present place, for `rewind`."""
        return Mark(len(self._records), self._next)

    def rewind(self, mark: Mark) -> None:
        """Drop what was appended since the mark."""
        del self._records[mark.records :]
        self._next = mark.next_position

    def flush(self) -> Sequence[Record]:
        """Insert the group's records and answer them in order. The caller commits next, or calls `forget`."""
        records, self._records = self._records, []
        if records:
            insert_rows(self._connection, _INTO_EVENT, [self._row(record) for record in records])
            insert_rows(self._connection, _INTO_EVENT_READER, _reader_rows(records))
        return records

    def forget(self) -> None:
        """Drop the group and read again, from what is committed, where the log ends."""
        self._records = []
        self._sizes: dict[str, int] = {}
        self._next = last_position(self._connection) + 1

    # ports.log.LogWriter

    def append(self, event: Event) -> int:
        """Append one event."""
        if NEWLINE in event.tail or not event.tail.isascii():
            raise ValueError("a tail is one line of ASCII")
        return self._append(event)

    def append_control(self, control: Control) -> int:
        """Append a control record."""
        return self._append(control)

    def begin_stretch(self, subscription_id: int, filter: Filter) -> None:
        """Begin a subscription's next stretch."""
        self.begin_stretches([(subscription_id, filter)])

    def begin_stretches(self, stretches: Sequence[tuple[int, Filter]]) -> None:
        """Begin many subscriptions' next stretches, with one control record for all of them."""
        wanted = {id: (filter.oem, encode_filter(filter).decode()) for id, filter in stretches}
        newest = self._newest_filters(list(wanted))
        changed = {id: stretch for id, stretch in wanted.items() if newest.get(id) != stretch[1]}
        if in_force := tuple(id for id in changed if newest.get(id) is not None):
            self.append_control(Control(Change.FILTER, in_force))
        rows = [(id, self._next, oem, filter) for id, (oem, filter) in changed.items()]
        insert_rows(self._connection, _INTO_STRETCH, rows)

    def end_stretches(self, subscription_id: int) -> None:
        """Delete what the log knows of a subscription."""
        for table in ("stretch", "bookmark", "acknowledgement"):
            self._connection.execute(f"DELETE FROM {table} WHERE subscription_id = ?", (subscription_id,))

    def store_bookmarks(self, bookmarks: Sequence[tuple[int, Cursor]]) -> None:
        """Keep cursors, but not one that stands close behind another."""
        spacing = (BOOKMARK_SPACING.position, BOOKMARK_SPACING.seq)
        self._connection.execute(_STORE_BOOKMARKS, (_cursor_rows(bookmarks), *spacing))

    def store_acknowledgements(self, acknowledgements: Sequence[tuple[int, Cursor]]) -> None:
        """Move acknowledged cursors forward."""
        self._connection.execute(_STORE_ACKNOWLEDGEMENTS, (_cursor_rows(acknowledgements),))

    def _append(self, entry: Event | Control) -> int:
        position = self._next
        self._next += 1
        self._records.append(Record(position, entry))
        return position

    def _newest_filters(self, subscription_ids: Sequence[int]) -> dict[int, str]:
        text = self._connection.execute(_NEWEST_FILTERS, (_encode(subscription_ids),)).get
        return dict(msgspec.json.decode(text, type=list[tuple[int, str]]))

    def _row(self, record: Record) -> tuple[apsw.SQLiteValue, ...]:
        position, entry = record.position, record.entry
        if isinstance(entry, Control):
            tail = msgspec.json.encode(entry)
            about: tuple[apsw.SQLiteValue, ...] = ("", CONTROL_NUMBER, "", "", None, "[]")
            size = 0
        else:
            tail = entry.tail
            number = TYPE_NUMBERS[entry.type]
            about = (entry.oem, number, entry.oem_model, entry.dsn, entry.property_name, _encode(entry.readers))
            size = self._grow(entry.oem, len(tail) + ROW_OVERHEAD_BYTES)
        return (position, *about, self._now_s, size, zlib.crc32(tail, position), tail.decode("ascii"))

    def _grow(self, oem: str, size_bytes: int) -> int:
        """Add an event to its OEM's running size and answer the sum."""
        if oem not in self._sizes:
            self._sizes[oem] = self._connection.execute(OEM_SIZE, (oem,)).get or 0
        self._sizes[oem] += size_bytes
        return self._sizes[oem]


def last_position(connection: apsw.Connection) -> int:
    """Answer the highest position ever committed, 0 if none; also if its event was trimmed."""
    return int(connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").get or 0)


def _reader_rows(records: Sequence[Record]) -> list[tuple[apsw.SQLiteValue, ...]]:
    return [
        (reader, record.position)
        for record in records
        if isinstance(record.entry, Event)
        for reader in dict.fromkeys(record.entry.readers)
    ]


def _cursor_rows(cursors: Sequence[tuple[int, Cursor]]) -> str:
    return _encode([(id, cursor.position, cursor.seq) for id, cursor in cursors])


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


_INTO_EVENT = (
    "INSERT INTO event"
    " (position, oem, type, oem_model, dsn, property_name, readers, created_at, oem_bytes, checksum, tail)"
)
_INTO_EVENT_READER = "INSERT INTO event_reader (reader, position)"
_INTO_STRETCH = "INSERT INTO stretch (subscription_id, from_position, oem, filter)"

OEM_SIZE = f"""
SELECT oem_bytes FROM event WHERE position = (
  SELECT max((SELECT max(position) FROM event WHERE oem = ?1 AND type = wanted.value))
  FROM json_each('{_encode(list(TYPE_NUMBERS.values()))}') AS wanted)
"""

_NEWEST_FILTERS = """
SELECT json_group_array(json_array(subscription_id, filter))
FROM json_each(?) AS wanted CROSS JOIN stretch ON subscription_id = wanted.value AND from_position =
  (SELECT max(from_position) FROM stretch AS newest WHERE newest.subscription_id = wanted.value)
"""

_STORE_BOOKMARKS = """
INSERT OR IGNORE INTO bookmark (subscription_id, position, seq)
SELECT offered.value ->> 0, offered.value ->> 1, offered.value ->> 2
FROM json_each(?1) AS offered CROSS JOIN stretch ON subscription_id = offered.value ->> 0 AND from_position =
  (SELECT min(from_position) FROM stretch AS first WHERE first.subscription_id = offered.value ->> 0)
WHERE offered.value ->> 1 >= coalesce((SELECT trimmed_through FROM oem WHERE oem.id = stretch.oem), 0)
AND NOT EXISTS (
  SELECT 1 FROM bookmark AS near WHERE near.subscription_id = offered.value ->> 0
  AND near.position BETWEEN (offered.value ->> 1) - ?2 AND offered.value ->> 1
  AND near.seq >= (offered.value ->> 2) - ?3)
"""

_STORE_ACKNOWLEDGEMENTS = """
INSERT INTO acknowledgement (subscription_id, position, seq)
SELECT offered.value ->> 0, offered.value ->> 1, offered.value ->> 2 FROM json_each(?1) AS offered
WHERE EXISTS (SELECT 1 FROM stretch WHERE subscription_id = offered.value ->> 0)
ON CONFLICT (subscription_id) DO UPDATE SET position = excluded.position, seq = excluded.seq
WHERE excluded.position > acknowledgement.position
"""
