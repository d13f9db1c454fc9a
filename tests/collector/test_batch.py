"""The batch that is filling: when it is due, and who waits for whom."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.collector.samples import datapoints
from twinstream.collector.batch import Batch, Limits

NEVER_S = 3600.0


def seqs(events: list[object]) -> list[int]:
    """The numbers of events."""
    return [event.seq for event in events]  # type: ignore[attr-defined]


async def take(batch: Batch) -> list[Any]:
    """Take a batch and let the next one fill."""
    events = await batch.take()
    batch.release()
    return list(events)


async def test_a_batch_is_due_when_there_are_enough_events() -> None:
    """No more than asked for; whoever has more waits until the batch is taken."""
    batch = Batch(Limits(batch_events=3, batch_age_s=NEVER_S))
    adding = asyncio.create_task(batch.add(list(datapoints(1, 7))))
    assert [seqs(await take(batch)) for _ in range(2)] == [[1, 2, 3], [4, 5, 6]]
    await adding
    batch.close()
    assert seqs(await take(batch)) == [7]
    assert await take(batch) == []


async def test_a_batch_is_due_when_it_has_enough_bytes() -> None:
    """Large values make small batches."""
    events = datapoints(1, 2)
    batch = Batch(Limits(batch_bytes=len(events[0].text), batch_age_s=NEVER_S))
    for event in events:
        adding = asyncio.create_task(batch.add([event]))
        assert await take(batch) == [event]
        await adding


async def test_a_batch_is_due_when_its_oldest_event_is_old_enough() -> None:
    """A lonely event does not wait for company."""
    batch = Batch(Limits(batch_age_s=0.001))
    await batch.add(list(datapoints(1, 1)))
    assert seqs(await take(batch)) == [1]


async def test_nobody_adds_to_a_full_batch() -> None:
    """Memory is bounded: the second message waits until the first is taken."""
    batch = Batch(Limits(batch_events=2, batch_age_s=NEVER_S))
    await batch.add(list(datapoints(1, 2)))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await batch.add(list(datapoints(3, 4)))
    assert seqs(await take(batch)) == [1, 2]
    await batch.add(list(datapoints(3, 4)))
    assert seqs(await take(batch)) == [3, 4]


async def test_a_batch_taken_late_does_not_make_the_next_one_early() -> None:
    """The age counts from a batch's own first event."""
    batch = Batch(Limits(batch_events=1, batch_age_s=0.001))
    await batch.add(list(datapoints(1, 1)))
    assert seqs(await take(batch)) == [1]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await take(batch)


async def test_nothing_is_added_before_the_batch_taken_is_released() -> None:
    """Whoever writes it decides when the next one may fill."""
    batch = Batch(Limits(batch_events=2, batch_age_s=NEVER_S))
    await batch.add(list(datapoints(1, 2)))
    assert seqs(list(await batch.take())) == [1, 2]
    adding = asyncio.create_task(batch.add(list(datapoints(3, 4))))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.shield(adding)
    batch.release()
    await adding
    assert seqs(await take(batch)) == [3, 4]


async def test_a_batch_released_twice_holds_no_more() -> None:
    """A sink that tries again says again that it waits; a full batch stays as it is, whichever limit it has reached."""
    events = datapoints(1, 3)
    batch = Batch(Limits(batch_events=9, batch_bytes=len(events[0].text), batch_age_s=NEVER_S))
    await batch.add(events[:1])
    batch.release()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await batch.add(events[1:2])
    assert seqs(await take(batch)) == [1]


async def test_what_somebody_waited_with_is_in_the_last_batch() -> None:
    """It was taken from the stream, and nothing comes after it."""
    batch = Batch(Limits(batch_events=2, batch_age_s=NEVER_S))
    adding = asyncio.create_task(batch.add(list(datapoints(1, 7))))
    assert len(await batch.take()) == 2
    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding
    batch.close()
    assert seqs(await take(batch)) == [3, 4, 5, 6, 7]
    assert await take(batch) == []


async def test_nobody_adds_between_take_and_release() -> None:
    """Also if the batch that was taken was not full."""
    batch = Batch(Limits(batch_events=9, batch_age_s=0.001))
    await batch.add(list(datapoints(1, 1)))
    assert len(await batch.take()) == 1
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await batch.add(list(datapoints(2, 2)))
    batch.release()
    await batch.add(list(datapoints(3, 3)))
    assert seqs(await take(batch)) == [3]
