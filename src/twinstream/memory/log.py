"""The event log in memory: the contract of `ports.log` without a disk, for the simulation and the tests of streaming.

Owns rows, stretches, bookmarks and acknowledgements; knows nothing of sessions. What is appended is durable at once,
but the tail hears of it only in `tell_tail`, so that tests decide how far the dispatch lags behind the commits.
`reopen` is what a killed process finds again: the log, and no listener.

Positions grow by whatever ``step`` answers, so that nothing can rely on them being dense.

Trimming: a subscription's *floor* is the bookmark at the end of the last trimmed slice that held a match of it (its
creation if there is none). Invariant: no row at or below the floor is needed to count on from it, and every match
between the floor and the first kept row is none: so floor plus matches kept is the number of every match.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

from twinstream.model.event import Change, Control, Event, Record
from twinstream.model.filter import Filter
from twinstream.ports.log import Cursor, Page, PageRequest, StartPoint


class _Subscription:
    """What the log keeps of one subscription: where its stretches begin, their filters, and its cursors."""

    def __init__(self, created_at: int) -> None:
        self.starts: list[int] = []
        self.filters: list[Filter] = []
        self.creation = self.floor = Cursor(created_at, 0)
        self.bookmarks: list[Cursor] = []
        self.acknowledged = self.floor

    def stretch(self, position: int) -> int:
        """Answer the index of the stretch that holds right after this position."""
        return bisect_right(self.starts, position) - 1


class MemoryLog:
    """`EventLog` and `LogWriter` in one, without transactions."""

    def __init__(self, step: Callable[[], int] = lambda: 1) -> None:
        self._step = step
        self._end = 0  # the newest position, also if it is trimmed
        self._rows: list[tuple[int, Event]] = []
        self._untold: list[Record] = []
        self._listener: Callable[[Sequence[Record]], None] | None = None
        self._subscriptions: dict[int, _Subscription] = {}
        self._head = 0

    # ---- EventLog

    @property
    def head(self) -> int:
        """See `EventLog.head`."""
        return self._head

    def follow(self, listener: Callable[[Sequence[Record]], None]) -> None:
        """See `EventLog.follow`."""
        self._listener = listener

    async def read_page(self, request: PageRequest) -> Page:
        """See `EventLog.read_page`."""
        return self.page(request)

    async def start_point(self, subscription_id: int, wanted_seq: int) -> StartPoint | None:
        """See `EventLog.start_point`."""
        return self.start(subscription_id, wanted_seq)

    def page(self, request: PageRequest) -> Page:
        """Answer `read_page` at once."""
        subscription = self._subscriptions.get(request.subscription_id)
        if subscription is None:
            return Page(0, (), request.after, None, None, gone=True)
        after, floor = request.after, subscription.floor
        trimmed = floor if after.seq < floor.seq else None
        if after.position < floor.position:
            after = floor
        stretch = subscription.stretch(after.position)
        newest = len(subscription.starts) - 1
        end = self._end if stretch == newest else subscription.starts[stretch + 1]
        tails, through = self._scan(request, after, end, subscription.filters[stretch])
        filter = subscription.filters[-1] if subscription.stretch(through.position) == newest else None
        first_seq = through.seq - len(tails) + 1
        return Page(first_seq, tails, through, filter, trimmed)

    def start(self, subscription_id: int, wanted_seq: int) -> StartPoint | None:
        """Answer `start_point` at once."""
        subscription = self._subscriptions.get(subscription_id)
        if subscription is None:
            return None
        known = [subscription.creation, subscription.floor, *subscription.bookmarks]
        bookmark = max((c for c in known if c.seq < wanted_seq), key=lambda c: (c.seq, c.position))
        return StartPoint(bookmark, subscription.floor.seq + 1, subscription.acknowledged)

    # ---- LogWriter

    def append(self, event: Event) -> int:
        """See `LogWriter.append`."""
        position = self._take_position(event)
        self._rows.append((position, event))
        return position

    def append_control(self, control: Control) -> int:
        """See `LogWriter.append_control`."""
        return self._take_position(control)

    def begin_stretch(self, subscription_id: int, filter: Filter) -> None:
        """See `LogWriter.begin_stretch`."""
        self.begin_stretches([(subscription_id, filter)])

    def begin_stretches(self, stretches: Iterable[tuple[int, Filter]]) -> None:
        """See `LogWriter.begin_stretches`."""
        changed: list[int] = []
        for subscription_id, filter in stretches:
            subscription = self._subscriptions.get(subscription_id)
            if subscription is None:
                subscription = self._subscriptions[subscription_id] = _Subscription(self._end)
            elif subscription.filters[-1] == filter:
                continue
            else:
                changed.append(subscription_id)
            subscription.starts.append(self._end)
            subscription.filters.append(filter)
        if changed:
            self.append_control(Control(Change.FILTER, tuple(changed)))

    def end_stretches(self, subscription_id: int) -> None:
        """See `LogWriter.end_stretches`."""
        self._subscriptions.pop(subscription_id, None)

    def store_bookmarks(self, bookmarks: Iterable[tuple[int, Cursor]]) -> None:
        """See `LogWriter.store_bookmarks`."""
        for subscription_id, cursor in bookmarks:
            subscription = self._subscriptions.get(subscription_id)
            if subscription is not None and cursor.position > subscription.floor.position:
                subscription.bookmarks.append(cursor)

    def store_acknowledgements(self, acknowledgements: Iterable[tuple[int, Cursor]]) -> None:
        """See `LogWriter.store_acknowledgements`."""
        for subscription_id, cursor in acknowledgements:
            subscription = self._subscriptions.get(subscription_id)
            if subscription is not None and cursor.position > subscription.acknowledged.position:
                subscription.acknowledged = cursor

    # ---- what the store does by itself, and what tests do to it

    def trim(self, oem: str, through: int) -> None:
        """Remove an OEM's events at or below the position, and keep count of them for every subscription."""
        for subscription in self._subscriptions.values():
            floor = subscription.floor
            lost = sum(
                subscription.filters[subscription.stretch(position - 1)].matches(event)
                for position, event in self._between(floor.position, through)
                if event.oem == oem
            )
            if lost:
                subscription.floor = Cursor(through, floor.seq + lost)
                subscription.bookmarks = [b for b in subscription.bookmarks if b.position > through]
        self._rows = [row for row in self._rows if row[0] > through or row[1].oem != oem]

    def tell_tail(self, at_most: int | None = None) -> int:
        """Let the listener hear of what was committed, at most so many records; answer how many are left."""
        told, self._untold = self._untold[:at_most], self._untold[len(self._untold[:at_most]) :]
        if told:
            self._head = told[-1].position
            if self._listener is not None:
                self._listener(told)
        return len(self._untold)

    def reopen(self) -> None:
        """Be what a new process finds after the old one was killed."""
        self._listener = None
        self._untold.clear()
        self._head = self._end

    def _take_position(self, entry: Event | Control) -> int:
        self._end += self._step()
        self._untold.append(Record(self._end, entry))
        return self._end

    def _between(self, after: int, through: int) -> Iterator[tuple[int, Event]]:
        """List the rows after one position and through another."""
        start = bisect_right(self._rows, after, key=lambda row: row[0])
        for index in range(start, len(self._rows)):
            if self._rows[index][0] > through:
                break
            yield self._rows[index]

    def _scan(self, request: PageRequest, after: Cursor, end: int, filter: Filter) -> tuple[list[bytes], Cursor]:
        """Collect the matches of one stretch up to the request's limits, and the cursor behind what was seen."""
        tails: list[bytes] = []
        size_bytes = 0
        seq, through = after.seq, after.position
        for scanned, (position, event) in enumerate(self._between(after.position, end)):
            if len(tails) == request.max_events or scanned == request.max_scanned:
                return tails, Cursor(through, seq)
            if filter.matches(event):
                if seq >= request.skip_through:
                    if tails and size_bytes + len(event.tail) > request.max_bytes:
                        return tails, Cursor(through, seq)
                    tails.append(event.tail)
                    size_bytes += len(event.tail)
                seq += 1
            through = position
        return tails, Cursor(end, seq)
