"""Streaming keeps its promises on the log in SQLite as it does on the one in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import pytest

from tests.sqlite.logs import LooseLog
from tests.stream.simulation import Simulation
from twinstream.model.event import Control, Event, Record
from twinstream.model.filter import Filter
from twinstream.ports.log import Cursor, Page, PageRequest, StartPoint
from twinstream.sqlite import append
from twinstream.sqlite.page import read_page, start_point
from twinstream.stream import pulse, session

SEEDS = int(os.environ.get("TWINSTREAM_SIMULATION_SEEDS", "3000")) // 30


class SimulatedSqliteLog(LooseLog):
    """Every append is a commit; the tail hears of it when the simulation says so."""

    def __init__(self) -> None:
        super().__init__()
        self.untold: list[Record] = []
        self.listener: Callable[[Sequence[Record]], None] | None = None
        self.head = 0

    def follow(self, listener: Callable[[Sequence[Record]], None]) -> None:
        self.listener = listener

    async def read_page(self, request: PageRequest) -> Page:
        return self.page(request)

    async def start_point(self, subscription_id: int, wanted_seq: int) -> StartPoint | None:
        return self.start(subscription_id, wanted_seq)

    def page(self, request: PageRequest) -> Page:
        return read_page(self.connection, request)

    def start(self, subscription_id: int, wanted_seq: int) -> StartPoint | None:
        return start_point(self.connection, subscription_id, wanted_seq)

    def append(self, event: Event) -> int:
        position = self.appender.append(event)
        self.commit()
        return position

    def append_control(self, control: Control) -> int:
        position = self.appender.append_control(control)
        self.commit()
        return position

    def begin_stretch(self, subscription_id: int, filter: Filter) -> None:
        self.begin_stretches([(subscription_id, filter)])

    def begin_stretches(self, stretches: Sequence[tuple[int, Filter]]) -> None:
        self.appender.begin_stretches(stretches)
        self.commit()

    def end_stretches(self, subscription_id: int) -> None:
        self.appender.end_stretches(subscription_id)

    def store_bookmarks(self, bookmarks: Sequence[tuple[int, Cursor]]) -> None:
        self.appender.store_bookmarks(bookmarks)

    def store_acknowledgements(self, acknowledgements: Sequence[tuple[int, Cursor]]) -> None:
        self.appender.store_acknowledgements(acknowledgements)

    def commit(self) -> None:
        self.untold += self.appender.flush()

    def tell_tail(self, at_most: int | None = None) -> int:
        told = self.untold[:at_most]
        del self.untold[: len(told)]
        if told:
            self.head = told[-1].position
            if self.listener is not None:
                self.listener(told)
        return len(self.untold)

    def trim(self, oem: str, through: int, slice_events: int = 3) -> int | None:
        """Remove what is at or below the position."""
        count = self.connection.execute(
            "SELECT count(*) FROM event WHERE oem = ? AND position <= ?", (oem, through)
        ).get
        return super().trim(oem, int(count or 0), slice_events)

    def reopen(self) -> None:
        self.listener = None
        if self.untold:
            self.head = self.untold[-1].position
        self.untold.clear()
        self.restart()


def test_no_schedule_breaks_a_promise_on_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    """See `tests.stream.test_simulation`: the same schedules, the same oracle."""
    monkeypatch.setattr(session, "BOOKMARK_EVERY", 5)
    monkeypatch.setattr(pulse, "_REMEMBERED", 2)
    monkeypatch.setattr(append, "BOOKMARK_SPACING", Cursor(0, 0))
    for seed in range(SEEDS):
        try:
            Simulation(seed, lambda _: SimulatedSqliteLog()).run()
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error}") from error
