"""Reading the log: one page, or the place where reading can begin. Functions of a connection; they block.

Owns how stretches, bookmarks and trimming come together in a page; knows no thread and no loop. Each call is one
transaction, so all of its answer is of one snapshot, and takes a handful of statements of one row each, because each
step of a statement gives the GIL away.

Invariant that makes numbers cheap: the matches at or before `oem.trimmed_through` are counted by the highest bookmark
at or before it (0 if there is none), since trimming replaces the bookmarks of every subscription that loses a match.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate

import apsw
import msgspec

from twinstream.errors import RequestError
from twinstream.ports.log import Cursor, Page, PageRequest, StartPoint
from twinstream.sqlite.search import Search, search_of

NEWLINE = b"\n"
"""Parts tails in one blob: compact JSON never holds one (`append` refuses it)."""


def read_page(connection: apsw.Connection, request: PageRequest) -> Page:
    """Read a page; see `ports.log.EventLog.read_page`.

    Raises: RequestError ``storage_failed`` if a row is damaged: wrong content is never taken for right.
    """
    with snapshot(connection):
        plan = _plan(connection, request)
        if plan is None:
            return Page(first_seq=0, tails=(), through=request.after, filter=None, trimmed=None, gone=True)
        after, trimmed = _behind_the_trimmed(request.after, plan)
        search = search_of(plan.filter)
        found = _find(connection, search, max(after.position, plan.from_position - 1), plan.through, after.seq, request)
        tails = _read_tails(connection, found.positions)
    return Page(
        first_seq=found.through.seq - len(tails) + 1,
        tails=tails,
        through=found.through,
        filter=search.filter if plan.is_newest else None,
        trimmed=trimmed,
    )


def start_point(connection: apsw.Connection, subscription_id: int, wanted_seq: int) -> StartPoint | None:
    """Find where reading can begin; see `ports.log.EventLog.start_point`."""
    with snapshot(connection):
        row = connection.execute(_START_POINT, (subscription_id, wanted_seq)).fetchone()
    if row is None or row[0] is None:
        return None
    created, trimmed, removed, bookmark_position, bookmark_seq, acknowledged_position, acknowledged_seq = row
    if bookmark_position is not None:
        bookmark = Cursor(bookmark_position, bookmark_seq)
    else:
        bookmark = Cursor(max(created, trimmed), removed) if removed < wanted_seq else Cursor(created, 0)
    return StartPoint(
        bookmark=bookmark,
        oldest_seq=removed + 1,
        acknowledged=Cursor(created, 0)
        if acknowledged_position is None
        else Cursor(acknowledged_position, acknowledged_seq),
    )


@contextmanager
def snapshot(connection: apsw.Connection) -> Iterator[None]:
    """Let all statements inside see the same state."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


class _Plan(msgspec.Struct, frozen=True):
    """What to search: the stretch that holds at the cursor, through its end or the log's; and what was trimmed."""

    trimmed_through: int
    removed: Cursor
    from_position: int
    through: int
    is_newest: bool
    filter: str


class _Found(msgspec.Struct, frozen=True):
    """The positions to return, and the cursor after everything scanned."""

    positions: Sequence[int]
    through: Cursor


def _plan(connection: apsw.Connection, request: PageRequest) -> _Plan | None:
    row = connection.execute(_PLAN, (request.subscription_id, request.after.position)).fetchone()
    if row is None:
        return None
    trimmed_through, removed_position, removed_seq, head, from_position, next_position, filter_text = row
    removed = Cursor(removed_position or 0, removed_seq or 0)
    through = head if next_position is None else next_position - 1
    return _Plan(trimmed_through, removed, from_position, through, next_position is None, filter_text)


def _behind_the_trimmed(after: Cursor, plan: _Plan) -> tuple[Cursor, Cursor | None]:
    """Move the cursor behind what retention removed; the second answer is `Page.trimmed`."""
    if after.position >= plan.trimmed_through:
        return after, None
    lost = plan.removed.seq > after.seq
    return Cursor(plan.trimmed_through, max(after.seq, plan.removed.seq)), plan.removed if lost else None


def _find(
    connection: apsw.Connection, search: Search, after: int, through: int, seq: int, request: PageRequest
) -> _Found:
    """Find the matches after a position, the first of which is number ``seq + 1``."""
    if through <= after or search.statement is None:
        return _Found((), Cursor(max(after, through), seq))
    skipped = max(0, request.skip_through - seq)
    limit = min(skipped + request.max_events, request.max_scanned)
    values = (after, through, request.max_scanned, limit, *search.values)
    positions_text, sizes_text, last_allowed = connection.execute(search.statement, values).fetchone() or (None,) * 3
    positions = _integers(positions_text)
    if len(positions) == limit:
        last_allowed = positions[-1]
    room = _count_within(_integers(sizes_text)[skipped:], request.max_bytes)
    if skipped + room < len(positions):
        del positions[skipped + room :]
        last_allowed = positions[-1]
    return _Found(positions[skipped:], Cursor(last_allowed or through, seq + len(positions)))


def _count_within(sizes: Sequence[int], limit: int) -> int:
    """Count how many of the sizes, but at least one, add up to no more than the limit."""
    return max(1, sum(total <= limit for total in accumulate(sizes)))


def _integers(text: str | None) -> list[int]:
    return [int(number) for number in text.split(",")] if text else []


def _read_tails(connection: apsw.Connection, positions: Sequence[int]) -> Sequence[bytes]:
    if not positions:
        return ()
    joined, checksums = connection.execute(_TAILS, (msgspec.json.encode(positions).decode(),)).fetchone() or (
        None,
        None,
    )
    tails: list[bytes] = joined.split(NEWLINE) if joined else []
    if [zlib.crc32(tail, position) for tail, position in zip(tails, positions, strict=False)] != _integers(checksums):
        raise RequestError("storage_failed", f"A row of the log between {positions[0]} and {positions[-1]} is damaged.")
    return tails


_PLAN = """
WITH own (trimmed_through) AS (
  SELECT coalesce(oem.trimmed_through, 0) FROM stretch LEFT JOIN oem ON oem.id = stretch.oem
  WHERE subscription_id = ?1 LIMIT 1)
SELECT
  own.trimmed_through,
  removed.position, removed.seq,
  coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0),
  from_position,
  (SELECT min(from_position) FROM stretch AS next
   WHERE next.subscription_id = ?1 AND next.from_position > stretch.from_position),
  filter
FROM own CROSS JOIN stretch ON stretch.subscription_id = ?1 AND from_position = coalesce(
  (SELECT max(from_position) FROM stretch
   WHERE subscription_id = ?1 AND from_position <= max(?2, own.trimmed_through) + 1),
  (SELECT min(from_position) FROM stretch WHERE subscription_id = ?1))
LEFT JOIN bookmark AS removed ON removed.subscription_id = ?1 AND removed.position =
  (SELECT max(position) FROM bookmark WHERE subscription_id = ?1 AND position <= own.trimmed_through)
"""

_START_POINT = """
WITH own (created, trimmed_through) AS (
  SELECT min(from_position) - 1, coalesce((SELECT trimmed_through FROM oem WHERE oem.id = stretch.oem), 0)
  FROM stretch WHERE subscription_id = ?1)
SELECT
  own.created,
  own.trimmed_through,
  coalesce((SELECT max(seq) FROM bookmark WHERE subscription_id = ?1 AND position <= own.trimmed_through), 0),
  kept.position, kept.seq,
  acknowledgement.position, acknowledgement.seq
FROM own
LEFT JOIN bookmark AS kept ON kept.subscription_id = ?1 AND kept.position = (
  SELECT position FROM bookmark
  WHERE subscription_id = ?1 AND position > own.trimmed_through AND seq < ?2 ORDER BY position DESC LIMIT 1)
LEFT JOIN acknowledgement ON acknowledgement.subscription_id = ?1
"""

_TAILS = """
SELECT CAST(group_concat(tail, char(10)) AS BLOB), group_concat(checksum)
FROM json_each(?) AS wanted CROSS JOIN event ON event.position = wanted.value
"""
