"""The event log as everything else sees it: append in a unit of work, read pages, follow the tail.

The words: a *position* is an event's place in the log, opaque and ordered; a *seq* is an event's number within one
subscription, dense from 1; a *cursor* joins the two. A *stretch* is the filter that a subscription has from a
position on. A *bookmark* is a stored cursor.

Guarantees of every implementation:

* Rows never change. A position is never used twice, also after everything was trimmed or the process was killed.
* An event is visible to `read_page` and to the tail only once it is durable, and then at every later time until it
  is trimmed.
* Numbers are a deterministic function of log and stretches: the same event has the same seq for ever.
* Trimming removes whole prefixes per OEM and keeps count of what it removed for every subscription: numbers never
  restart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from twinstream.model.event import Control, Event, Record
from twinstream.model.filter import Filter


class Cursor(msgspec.Struct, frozen=True, gc=False):
    """How far a reader is.

    All matches at or before ``position`` are counted, and ``seq`` is the number of the last (0: none yet).
    """

    position: int
    seq: int


class PageRequest(msgspec.Struct, frozen=True):
    """What to read next for one subscription.

    Matches numbered at or below ``skip_through`` are counted, not returned. A page ends at the first of:
    ``max_events`` returned, ``max_bytes`` of tails returned (one event may exceed it), ``max_scanned`` candidates
    looked at, the end of the stretch, the end of the log.
    """

    subscription_id: int
    after: Cursor
    skip_through: int = 0
    max_events: int = 500
    max_bytes: int = 256 * 1024
    max_scanned: int = 20_000


class Page(msgspec.Struct, frozen=True):
    """One short read transaction's answer, all of one snapshot and one stretch.

    ``tails`` are the returned matches in order, numbered ``first_seq``, ``first_seq + 1``, ... (``first_seq`` is
    meaningless when there are none). ``through`` is the cursor after everything *scanned* (not the last match),
    never beyond the stretch's end; a page that reaches the end of the log ends at the newest position ever given, of
    whatever record. ``filter`` is the subscription's newest filter if ``through`` lies in its newest
    stretch, else None: read on. ``trimmed`` is None, or, when retention has removed matches after the asked cursor,
    the cursor of the last match removed; the page then starts behind it. ``gone`` says that the subscription does
    not exist (any more); everything else is empty then.
    """

    first_seq: int
    tails: Sequence[bytes]
    through: Cursor
    filter: Filter | None
    trimmed: Cursor | None
    gone: bool = False


class StartPoint(msgspec.Struct, frozen=True):
    """Where reading a subscription can begin.

    ``bookmark``: the stored cursor with the highest seq below the wanted one; the subscription's creation if there is
    none, also if retention has overtaken that (the first page says so). ``oldest_seq``: the number of the oldest match
    kept (or that the next match will get). ``acknowledged``: the furthest acknowledged cursor; its creation if none.
    """

    bookmark: Cursor
    oldest_seq: int
    acknowledged: Cursor


class EventLog(Protocol):
    """The reading side. Call from the event loop only; every call is one short snapshot, never held across an await."""

    @property
    def head(self) -> int:
        """The highest position durable when the process opened the log or reported to the tail since. Starts at 0."""

    def follow(self, listener: Callable[[Sequence[Record]], None]) -> None:
        """Register the one listener of the tail.

        It is called on the event loop with every record committed from now on, exactly once, in the order of
        positions, after the commit; it must not block or raise. Nothing else tells of new events.
        """

    async def read_page(self, request: PageRequest) -> Page:
        """Read one page. See `Page`."""

    async def start_point(self, subscription_id: int, wanted_seq: int) -> StartPoint | None:
        """Find where to begin so that the match after it is at most ``wanted_seq``; None: no such subscription."""


class LogWriter(Protocol):
    """The writing side, part of a unit of work: all of it commits with the rest of the unit, or not at all.

    Call on the writer's thread, inside a unit of work only.
    """

    def append(self, event: Event) -> int:
        """Append one event and answer its position. It becomes visible with the commit."""

    def append_control(self, control: Control) -> int:
        """Append a control record and answer its position. It reaches the tail, never a subscriber."""

    def begin_stretch(self, subscription_id: int, filter: Filter) -> None:
        """From the present end of the log on, the subscription sees what this filter matches.

        Does nothing if its newest stretch has an equal filter. Otherwise appends the stretch and (unless it is the
        subscription's first) a control record that sends its sessions back to reading.
        """

    def begin_stretches(self, stretches: Sequence[tuple[int, Filter]]) -> None:
        """Do the same for many subscriptions, each named once; one control record for all that had a stretch."""

    def end_stretches(self, subscription_id: int) -> None:
        """Delete stretches, bookmarks and acknowledgement of a subscription that is being deleted."""

    def store_bookmarks(self, bookmarks: Sequence[tuple[int, Cursor]]) -> None:
        """Keep cursors by subscription id, but for those that trimming has overtaken or whose subscription is gone."""

    def store_acknowledgements(self, acknowledgements: Sequence[tuple[int, Cursor]]) -> None:
        """Move subscriptions' acknowledged cursors forward; a lower one than stored changes nothing."""
