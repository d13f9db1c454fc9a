"""How far a subscription's numbers have come: counted, not stored.

Owns counting from the nearest bookmark to the end of the log, in pages, outside the writer. Knows no HTTP and no SQL.
"""

from __future__ import annotations

import msgspec

from twinstream.errors import RequestError
from twinstream.ports.log import Cursor, EventLog, PageRequest
from twinstream.ports.work import Store

HIGHEST_SEQ = 2**63 - 1
"""No number is above this; asked for, it finds the last bookmark."""


class Numbers(msgspec.Struct, frozen=True):
    """``last`` is the number of the newest match (0: none yet), ``oldest`` of the oldest kept, or of the next one."""

    last: int
    oldest: int


class Numbering:
    """Counts the numbers of subscriptions.

    Call on the event loop; a count takes as long as there is log since a bookmark.
    """

    def __init__(self, store: Store, log: EventLog) -> None:
        self._store = store
        self._log = log

    async def count(self, subscription_id: int) -> Numbers:
        """Count the matches through what is durable at the call, and keep a bookmark if that took more than a page.

        Raises:
            RequestError: ``not_found`` if there is no such subscription.
        """
        head = self._log.head
        start = await self._log.start_point(subscription_id, HIGHEST_SEQ)
        if start is None:
            raise RequestError("not_found")
        cursor, pages, at_end = start.bookmark, 0, False
        while not at_end:
            page = await self._log.read_page(PageRequest(subscription_id, after=cursor, skip_through=HIGHEST_SEQ))
            if page.gone:
                raise RequestError("not_found")
            at_end = page.through.position >= head or (page.filter is not None and page.through == cursor)
            cursor, pages = page.through, pages + 1
        if pages > 1:
            await self._keep(subscription_id, cursor)
        return Numbers(cursor.seq, start.oldest_seq)

    async def check_start(self, subscription_id: int, seq_start: int) -> None:
        """Refuse to begin where events are missing, for readers that would rather know (``on_gap=refuse``).

        Raises:
            RequestError: ``seq_expired`` (410) if the event numbered ``seq_start`` is not kept any more,
                ``seq_ahead`` (416) if it lies beyond the next one; 0 means all that is kept, and is never refused.
                ``not_found``.
        """
        if seq_start == 0:
            return
        numbers = await self.count(subscription_id)
        kept = f"kept are {numbers.oldest} to {numbers.last}."
        members = {"oldest": str(numbers.oldest), "head": str(numbers.last)}
        if seq_start < numbers.oldest:
            raise RequestError("seq_expired", f"seq_start is older than what is kept; {kept}", members=members)
        if seq_start > numbers.last + 1:
            raise RequestError("seq_ahead", f"seq_start lies beyond the newest event; {kept}", members=members)

    async def _keep(self, subscription_id: int, cursor: Cursor) -> None:
        await self._store.run(lambda work: work.log.store_bookmarks([(subscription_id, cursor)]))
