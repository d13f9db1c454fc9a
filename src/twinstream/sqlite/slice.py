"""Slices of the log that retention removes: reading them, counting what they held, deleting them.

Owns the SQL of trimming, and the count of a slice's matches for every subscription of its OEM. Invariants:

* What is deleted are exactly the rows that were counted: they are named one by one.
* The count goes by the stretch that holds at each event's position, so a slice may hold any number of changes.
* `oem.trimmed_through` only grows, in the transaction that deletes; a slice counted from another place is refused.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

import msgspec

from twinstream.model.event import Event
from twinstream.model.filter import Filter, decode_filter
from twinstream.model.matcher import Matcher
from twinstream.model.oem import Retention
from twinstream.sqlite.append import OEM_SIZE, ROW_OVERHEAD_BYTES, last_position
from twinstream.sqlite.repository import Repository
from twinstream.sqlite.search import CONTROL_NUMBER, TYPE_NUMBERS

_TYPES = {number: type for type, number in TYPE_NUMBERS.items()}


class StretchRow(msgspec.Struct, frozen=True, array_like=True):
    """A stored stretch; ``filter`` as `encode_filter` writes it."""

    subscription_id: int
    from_position: int
    filter: str


class EventRow(msgspec.Struct, frozen=True, array_like=True):
    """What trimming needs of an event. ``oem_bytes`` is the size of all of the OEM's events through this one."""

    position: int
    type: int
    oem_model: str
    dsn: str
    property_name: str | None
    readers: tuple[str, ...]
    created_at: float
    size_bytes: int
    oem_bytes: int


class Survey(msgspec.Struct, frozen=True):
    """An OEM's log at the moment when a run of trimming begins."""

    head: int
    trimmed_through: int
    total_bytes: int


class Slice(msgspec.Struct, frozen=True):
    """Events of an OEM after one position and through another, counted and ready to be removed.

    ``losses``: how many matches each subscription loses. ``superseded``: stretches that end within the slice.
    """

    oem: str
    after: int
    through: int
    positions: Sequence[int]
    losses: Sequence[tuple[int, int]]
    superseded: Sequence[tuple[int, int]]


class Census:
    """Counts matches slice by slice, in order, for all subscriptions of an OEM."""

    def __init__(self, oem: str, stretches: Sequence[StretchRow]) -> None:
        self._oem = oem
        self._ahead = deque(stretches)
        self._in_force: dict[int, tuple[int, Filter]] = {}
        self._matcher: Matcher[int] = Matcher()

    def count(self, after: int, rows: Sequence[EventRow]) -> Slice:
        """Make a slice of the events, one at least, that follow ``after``. Call it with each event once."""
        losses: Counter[int] = Counter()
        superseded: list[tuple[int, int]] = []
        for row in rows:
            superseded += self._advance(row.position)
            losses.update(self._matcher.match(self._event(row)))
        through = rows[-1].position
        superseded += self._advance(through + 1)
        return Slice(self._oem, after, through, [row.position for row in rows], list(losses.items()), superseded)

    def _advance(self, position: int) -> list[tuple[int, int]]:
        """Let the stretches that begin at or before the position hold; answer those that they replace."""
        replaced = []
        while self._ahead and self._ahead[0].from_position <= position:
            stretch = self._ahead.popleft()
            if former := self._in_force.get(stretch.subscription_id):
                self._matcher.remove(former[1], stretch.subscription_id)
                replaced.append((stretch.subscription_id, former[0]))
            filter = decode_filter(stretch.filter)
            self._matcher.add(filter, stretch.subscription_id)
            self._in_force[stretch.subscription_id] = (stretch.from_position, filter)
        return replaced

    def _event(self, row: EventRow) -> Event:
        return Event(_TYPES[row.type], self._oem, row.oem_model, row.dsn, row.property_name, row.readers, b"")


class Slices(Repository):
    """The log as `sqlite.trim` sees it."""

    def newest_at(self) -> float | None:
        """Answer when the newest record was stored (seconds since 1970); None if the log is empty."""
        row = self._first("SELECT created_at FROM event ORDER BY position DESC LIMIT 1")
        return row[0] if row else None

    def list_limits(self) -> Sequence[tuple[str, Retention]]:
        """List each OEM with the limits that are its own."""
        rows = self._run("SELECT id, retention_age_s, retention_size_bytes FROM oem ORDER BY id")
        return [(oem, Retention(age_s, size_bytes)) for oem, age_s, size_bytes in rows]

    def survey(self, oem: str) -> Survey:
        """Take stock of an OEM's log."""
        trimmed_through, total_bytes = self._run(
            f"SELECT trimmed_through, ({OEM_SIZE}) FROM oem WHERE id = ?1", (oem,)
        )[0]
        return Survey(last_position(self._connection), trimmed_through, total_bytes or 0)

    def list_stretches(self, oem: str) -> Sequence[StretchRow]:
        """List all stretches of an OEM's subscriptions, in the order of positions."""
        return msgspec.json.decode(self._run(_STRETCHES, (oem,))[0][0], type=list[StretchRow])

    def read(self, oem: str, after: int, through: int, limit: int) -> Sequence[EventRow]:
        """Read an OEM's oldest events after one position and through another, in order."""
        return msgspec.json.decode(self._run(_READ, (oem, after, through, limit))[0][0], type=list[EventRow])

    def remove(self, slice: Slice) -> bool:
        """Delete a slice and store its end as a bookmark of every subscription that lost a match.

        Answers False, having changed nothing, if the OEM is gone or its log was trimmed since the slice was counted.
        """
        moved = self._first(
            "UPDATE oem SET trimmed_through = ? WHERE id = ? AND trimmed_through = ? RETURNING id",
            (slice.through, slice.oem, slice.after),
        )
        if moved is None:
            return False
        losses, positions = _encode(slice.losses), _encode(slice.positions)
        if slice.losses:
            self._run(_STORE_BOOKMARKS, (losses, slice.after, slice.through))
            self._run(_DROP_BOOKMARKS, (losses, slice.through))
        self._run(_DELETE_READERS, (positions,))
        self._run("DELETE FROM event WHERE position IN (SELECT value FROM json_each(?))", (positions,))
        if slice.superseded:
            self._run(_DELETE_STRETCHES, (_encode(slice.superseded),))
        return True

    def remove_controls(self, before_s: float, limit: int) -> int:
        """Delete the oldest control records, up to ``limit``, if they are older; no number depends on them."""
        rows = self._run(_DELETE_CONTROLS, (before_s, limit))
        return len(rows)


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


_OLDEST = " UNION ALL ".join(
    f"SELECT position FROM event WHERE oem = ?1 AND type = {number} AND position > ?2 AND position <= ?3"
    for number in TYPE_NUMBERS.values()
)

_STRETCHES = """
SELECT json_group_array(json_array(subscription_id, from_position, filter))
FROM (SELECT * FROM stretch WHERE oem = ? ORDER BY from_position)
"""

_READ = f"""
SELECT json_group_array(json_array(
  event.position, type, oem_model, dsn, property_name, json(readers), created_at,
  octet_length(tail) + {ROW_OVERHEAD_BYTES}, oem_bytes))
FROM ({_OLDEST} ORDER BY position LIMIT ?4) AS oldest CROSS JOIN event ON event.position = oldest.position
"""

_STORE_BOOKMARKS = """
INSERT OR REPLACE INTO bookmark (subscription_id, position, seq)
SELECT loss.value ->> 0, ?3, (loss.value ->> 1) + coalesce((
  SELECT max(seq) FROM bookmark WHERE subscription_id = loss.value ->> 0 AND position <= ?2), 0)
FROM json_each(?1) AS loss
WHERE EXISTS (SELECT 1 FROM stretch WHERE subscription_id = loss.value ->> 0)
"""

_DROP_BOOKMARKS = """
DELETE FROM bookmark WHERE (subscription_id, position) IN (
  SELECT subscription_id, position
  FROM json_each(?1) AS loss CROSS JOIN bookmark ON subscription_id = loss.value ->> 0 AND position < ?2)
"""

_DELETE_READERS = """
DELETE FROM event_reader WHERE (reader, position) IN (
  SELECT reader.value, event.position
  FROM json_each(?) AS doomed CROSS JOIN event ON event.position = doomed.value CROSS JOIN json_each(readers) AS reader)
"""

_DELETE_STRETCHES = """
DELETE FROM stretch WHERE (subscription_id, from_position) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))
"""

_DELETE_CONTROLS = f"""
DELETE FROM event WHERE position IN (
  SELECT position FROM event WHERE oem = '' AND type = {CONTROL_NUMBER} AND created_at < ?1 ORDER BY position LIMIT ?2)
RETURNING position
"""
