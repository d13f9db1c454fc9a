"""Looking into the log from the side, in SQLite: the tables `event`, `stretch`, `bookmark` and `acknowledgement`.

Reads only; each question is bounded by an index range or a limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from twinstream.model.device import ConnectionStatus
from twinstream.model.event import Event, EventType
from twinstream.model.filter import Filter, decode_filter
from twinstream.model.principal import Operator, User
from twinstream.model.subscription import ClientType
from twinstream.ports.insight import Census, Logged
from twinstream.ports.log import Cursor
from twinstream.sqlite.append import last_position
from twinstream.sqlite.repository import Repository, Row
from twinstream.sqlite.search import TYPE_NUMBERS, predicate_of, search_of

_TYPES = {number: type for type, number in TYPE_NUMBERS.items()}
_COLUMNS = "position, created_at, oem_bytes, type, oem, oem_model, dsn, property_name, readers, CAST(tail AS BLOB)"
MOST_SCANNED = 50_000
"""Candidates of one statement of a count."""


class Insights(Repository):
    """See `ports.insight.Insights`."""

    def list_events(
        self,
        caller: User | Operator,
        oem: str,
        dsn: str,
        *,
        shown: Filter | None,
        type: EventType | None,
        property_name: str | None,
        limit: int,
    ) -> Sequence[Logged]:
        """List a device's newest events that the caller may know of."""
        reader = caller.uuid if isinstance(caller, User) else None
        values = [dsn, oem, reader, None if type is None else TYPE_NUMBERS[type], property_name, limit]

        def bind(value: str | int | Iterable[str]) -> str:
            values.append(value if isinstance(value, str | int) else msgspec.json.encode(sorted(value)).decode())
            return f"?{len(values)}"

        condition = "TRUE"
        if shown is not None:
            condition = predicate_of(shown, bind) if any(shown.clauses.values()) else "FALSE"
        return [_read_logged(row) for row in self._run(_LIST_EVENTS.format(shown=condition), values)]

    def find_event(self, position: int) -> Logged | None:
        """Find the event at a position."""
        row = self._first(f"SELECT {_COLUMNS} FROM event WHERE position = ? AND type > 0", (position,))
        return _read_logged(row) if row else None

    def find_newest(self, oem: str) -> Logged | None:
        """Find an OEM's newest event."""
        row = self._first(f"SELECT {_COLUMNS} FROM event WHERE position = ({_NEWEST})", (oem,))
        return _read_logged(row) if row else None

    def find_filter(self, subscription_id: int, position: int) -> Filter | None:
        """Find the filter that holds at a position."""
        row = self._first(
            "SELECT filter FROM stretch WHERE subscription_id = ? AND from_position <= ?"
            " ORDER BY from_position DESC LIMIT 1",
            (subscription_id, position),
        )
        return decode_filter(row[0]) if row else None

    def count_through(self, subscription_id: int, position: int, known: Cursor | None = None) -> int:
        """Count a subscription's matches at or before a position, from the last bookmark before it or what is known."""
        row = self._first(
            "SELECT position, seq FROM bookmark WHERE subscription_id = ? AND position <= ?"
            " ORDER BY position DESC LIMIT 1",
            (subscription_id, position),
        )
        after, seq = max(row or (0, 0), (known.position, known.seq) if known else (0, 0))
        stretches = self._run(_STRETCHES, (subscription_id, after + 1, position))
        return int(seq) + sum(self._count_matches(text, max(after, begin - 1), end) for begin, end, text in stretches)

    def count_gaps(self, subscription_id: int) -> int:
        """Count a subscription's gaps."""
        row = self._first("SELECT count(*) FROM gap WHERE subscription_id = ?", (subscription_id,))
        return int(row[0]) if row else 0

    def count_events_since(self, oem: str, since_s: float) -> int:
        """Count an OEM's events since a time: positions and times grow together, so the first is found by halving."""
        low, high = 0, last_position(self._connection)
        while low < high:
            middle = (low + high) // 2
            row = self._first("SELECT created_at FROM event WHERE position > ? ORDER BY position LIMIT 1", (middle,))
            if row is None or row[0] >= since_s:
                high = middle
            else:
                low = middle + 1
        ranges = " + ".join(
            f"(SELECT count(*) FROM event WHERE oem = ?1 AND type = {number} AND position > ?2)" for number in _TYPES
        )
        row = self._first(f"SELECT {ranges}", (oem, low))
        return int(row[0]) if row else 0

    def count_devices(self, oem: str) -> Census:
        """Count an OEM's devices."""
        row = self._first(
            "SELECT count(*), count(*) FILTER (WHERE connection_status = ?) FROM device WHERE oem = ?",
            (ConnectionStatus.ONLINE, oem),
        )
        return Census(*row) if row else Census(0, 0)

    def list_behind(self, oem: str, limit: int) -> Sequence[int]:
        """List the ids of an OEM's cloud subscriptions."""
        rows = self._run(
            "SELECT id FROM subscription LEFT JOIN acknowledgement ON subscription_id = id"
            " WHERE oem = ? AND client_type != ? ORDER BY coalesce(position, 0), id LIMIT ?",
            (oem, ClientType.MOBILE, limit),
        )
        return [id for (id,) in rows]

    def _count_matches(self, filter_text: str, after: int, through: int) -> int:
        search, count = search_of(filter_text), 0
        while search.statement is not None and after < through:
            values = (after, through, MOST_SCANNED, MOST_SCANNED, *search.values)
            text, _, last = self._first(search.statement, values) or (None, None, None)
            positions: list[str] = text.split(",") if text else []
            count += len(positions)
            after = int(positions[-1]) if len(positions) == MOST_SCANNED else last or through
        return count


def _read_logged(row: Row) -> Logged:
    position, created_at, oem_bytes, type, oem, oem_model, dsn, property_name, readers, tail = row
    uuids = msgspec.json.decode(readers, type=tuple[str, ...])
    event = Event(_TYPES[type], oem, oem_model, dsn, property_name, uuids, tail)
    return Logged(position, created_at, oem_bytes, event)


# The plus signs keep SQLite from reading the OEM's whole log by the other index, and from sorting it.
_LIST_EVENTS = f"""
SELECT {_COLUMNS} FROM event
WHERE dsn = ?1 AND +oem = ?2 AND +type > 0
  AND ({{shown}} OR EXISTS (
    SELECT 1 FROM event_reader AS may WHERE may.reader = ?3 AND may.position = event.position))
  AND (?4 IS NULL OR +type = ?4) AND (?5 IS NULL OR property_name = ?5)
ORDER BY position DESC LIMIT ?6
"""

_NEWEST = (
    "SELECT max(position) FROM ("
    + " UNION ALL ".join(
        f"SELECT (SELECT max(position) FROM event WHERE oem = ?1 AND type = {number}) AS position" for number in _TYPES
    )
    + ")"
)

_STRETCHES = """
SELECT from_position, min(?3, coalesce(lead(from_position) OVER (ORDER BY from_position) - 1, ?3)), filter
FROM stretch WHERE subscription_id = ?1 AND from_position <= ?3
  AND from_position >= coalesce(
    (SELECT max(from_position) FROM stretch WHERE subscription_id = ?1 AND from_position <= ?2), 0)
ORDER BY from_position
"""
