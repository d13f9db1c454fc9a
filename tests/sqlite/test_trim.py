"""Retention on a running store."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.services import TurnedClock
from tests.sqlite.logs import OEMS, all_of, make_event
from twinstream.model.event import Change, Control
from twinstream.model.oem import Retention
from twinstream.model.principal import Operator
from twinstream.ports.log import Cursor, PageRequest
from twinstream.sqlite import trim
from twinstream.sqlite.append import ROW_OVERHEAD_BYTES
from twinstream.sqlite.store import SqliteStore
from twinstream.sqlite.trim import Trimmer

DAY = Retention(age_s=86400.0)
SIZE_BYTES = len(make_event().tail) + ROW_OVERHEAD_BYTES


async def _append(store: SqliteStore, count: int, oem: str = OEMS[0]) -> None:
    await store.run(lambda work: [work.log.append(make_event(oem=oem, readers=["anna"])) for _ in range(count)])


async def _count(store: SqliteStore, condition: str = "1") -> Any:
    return await store.query(lambda view: view.connection.execute(f"SELECT count(*) FROM event WHERE {condition}").get)


async def test_age_removes_what_is_older_and_nothing_else(store: SqliteStore, clock: TurnedClock) -> None:
    """The older events go with all that belongs to them; numbers go on, and readers are told what is missing."""
    await store.run(lambda work: work.log.begin_stretch(1, all_of()))
    await _append(store, 10)
    clock.turn(90_000)
    await _append(store, 3)
    assert await Trimmer(store, clock, DAY).run() == 10
    assert await _count(store) == 3
    assert await store.query(lambda view: view.connection.execute("SELECT count(*) FROM event_reader").get) == 3
    page = await store.log.read_page(PageRequest(1, Cursor(4, 4)))
    assert (page.first_seq, len(page.tails), page.trimmed) == (11, 3, Cursor(10, 10))
    assert await Trimmer(store, clock, DAY).run() == 0


async def test_size_removes_the_oldest_until_the_rest_fits(store: SqliteStore, clock: TurnedClock) -> None:
    """The OEM's own limit goes before the default, and another OEM's log is not touched."""
    await _append(store, 10)
    await _append(store, 10, OEMS[1])
    own = Retention(size_bytes=4 * SIZE_BYTES)
    await store.run(lambda work: work.oems.set_retention(Operator(), OEMS[0], own))
    trimmer = Trimmer(store, clock, Retention(size_bytes=7 * SIZE_BYTES + 1))
    assert await trimmer.run() == 6 + 3
    assert await _count(store, f"oem = '{OEMS[0]}'") == 4
    assert await _count(store, f"oem = '{OEMS[1]}'") == 7
    await _append(store, 2)
    assert await trimmer.run() == 2


async def test_numbers_go_on_after_everything_was_trimmed_and_a_restart(store: SqliteStore, clock: TurnedClock) -> None:
    """The bookmark that trimming leaves is all that numbering needs of what is gone."""
    await store.run(lambda work: work.log.begin_stretch(1, all_of()))
    await _append(store, 5)
    clock.turn(90_000)
    assert await Trimmer(store, clock, DAY).run() == 5
    await _append(store, 1)
    page = await store.log.read_page(PageRequest(1, Cursor(0, 0)))
    assert (page.first_seq, len(page.tails), page.trimmed) == (6, 1, Cursor(5, 5))
    found = await store.log.start_point(1, 3)
    assert found is not None
    assert found.oldest_seq == 6


async def test_nobody_is_told_of_a_loss_that_was_none(store: SqliteStore, clock: TurnedClock) -> None:
    """A cursor that retention passed without removing a match of its subscription is as good as before."""
    await store.run(lambda work: work.log.begin_stretch(1, all_of(reader="bob")))
    await _append(store, 5)
    clock.turn(90_000)
    await Trimmer(store, clock, DAY).run()
    await store.run(lambda work: work.log.append(make_event(readers=["bob"])))
    page = await store.log.read_page(PageRequest(1, Cursor(2, 0)))
    assert (page.first_seq, len(page.tails), page.trimmed) == (1, 1, None)


async def test_retention_stops_while_the_clock_is_wrong(store: SqliteStore, clock: TurnedClock) -> None:
    """Over an hour behind the newest event nothing is removed, not even by size; back in time it goes on."""
    await _append(store, 10)
    clock.turn(-3601)
    trimmer = Trimmer(store, clock, Retention(size_bytes=SIZE_BYTES))
    assert await trimmer.run() == 0
    clock.turn(2)
    assert await trimmer.run() == 9


async def test_an_event_with_a_time_from_the_future_keeps_what_follows(store: SqliteStore, clock: TurnedClock) -> None:
    """Age removes a prefix only: a clock that jumped makes retention late, never early."""
    await _append(store, 1)
    clock.turn(200_000)
    await _append(store, 1)
    clock.turn(-200_000)
    await _append(store, 1)
    clock.turn(90_000)
    assert await Trimmer(store, clock, DAY).run() == 1
    assert await _count(store) == 2


async def test_control_records_go_with_the_default_age(store: SqliteStore, clock: TurnedClock) -> None:
    """They belong to no OEM and no number depends on them."""
    await store.run(lambda work: [work.log.append_control(Control(Change.SUSPENDED, (n,))) for n in range(600)])
    clock.turn(90_000)
    await _append(store, 1)
    await Trimmer(store, clock, DAY).run()
    assert await _count(store) == 1


async def test_a_slice_counted_from_elsewhere_is_refused(store: SqliteStore, clock: TurnedClock) -> None:
    """Whoever comes second changes nothing, so no match is ever counted twice."""
    await store.run(lambda work: work.log.begin_stretch(1, all_of()))
    await _append(store, 10)
    clock.turn(90_000)
    first, second = await asyncio.gather(*[Trimmer(store, clock, DAY).run() for _ in range(2)])
    assert first + second == 10
    page = await store.log.read_page(PageRequest(1, Cursor(0, 0)))
    assert page.through == Cursor(10, 10)


async def test_a_stretch_that_lies_in_the_past_is_forgotten(store: SqliteStore, clock: TurnedClock) -> None:
    """Once all of its events are trimmed nothing asks for it; the newest stays, and so does the acknowledged start."""
    for reader in ("anna", "bob", "carl"):
        await store.run(lambda work, reader=reader: work.log.begin_stretch(1, all_of(reader=reader)))  # type: ignore[misc]
        await _append(store, 4)
    clock.turn(90_000)
    await Trimmer(store, clock, DAY).run()
    assert await store.query(lambda view: view.connection.execute("SELECT count(*) FROM stretch").get) == 1
    found = await store.log.start_point(1, 1)
    assert found is not None
    assert (found.oldest_seq, found.acknowledged.seq) == (5, 0)
    page = await store.log.read_page(PageRequest(1, found.acknowledged))
    assert (page.through.seq, page.trimmed is not None, page.filter) == (4, True, all_of(reader="carl"))


async def test_slices_are_fitted_to_the_time_they_take(
    store: SqliteStore, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A removal that took too long halves the next slice, a quick one doubles it."""
    sizes: list[int] = []
    took_s = [0.0, 0.0, 1.0, 1.0, 0.0]

    class Measured(Trimmer):
        async def _remove(self, slice: Any) -> bool:
            sizes.append(len(slice.positions))
            return await super()._remove(slice)

    class SteppingClock(TurnedClock):
        def monotonic_s(self) -> float:
            self.calls = getattr(self, "calls", 0) + 1
            return took_s[(self.calls - 1) // 2 % len(took_s)] * (1 - self.calls % 2)

    monkeypatch.setattr(trim, "SMALLEST_SLICE", 2)
    await _append(store, 100)
    stepping = SteppingClock()
    stepping.at_s = clock.at_s + 90_000
    await Measured(store, stepping, DAY).run()
    assert sizes[:6] == [8, 16, 32, 16, 8, 16]
