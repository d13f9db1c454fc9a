"""The reading side of the log (`ports.log.EventLog`): pages from the reading threads, the tail from the writer.

Owns the tail's one listener and the head. Used on the event loop only. Invariant: `dispatch` is called with committed
records only, in the order of positions, each once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twinstream.model.event import Record
from twinstream.ports.log import Page, PageRequest, StartPoint
from twinstream.sqlite import page
from twinstream.sqlite.readers import Readers


class SqliteLog:
    """See the module."""

    def __init__(self, readers: Readers, head: int) -> None:
        self._readers = readers
        self._head = head
        self._listener: Callable[[Sequence[Record]], None] | None = None

    @property
    def head(self) -> int:
        """The highest position durable at the opening or dispatched since."""
        return self._head

    def follow(self, listener: Callable[[Sequence[Record]], None]) -> None:
        """Register the one listener of the tail."""
        self._listener = listener

    def dispatch(self, records: Sequence[Record]) -> None:
        """Hand on a group's records, which the writer has committed."""
        self._head = records[-1].position
        if self._listener is not None:
            self._listener(records)

    async def read_page(self, request: PageRequest) -> Page:
        """Read one page."""
        return await self._readers.ask(lambda connection: page.read_page(connection, request))

    async def start_point(self, subscription_id: int, wanted_seq: int) -> StartPoint | None:
        """Find where to begin."""
        return await self._readers.ask(lambda connection: page.start_point(connection, subscription_id, wanted_seq))
