"""What a stream remembers of the last events."""

from __future__ import annotations

from twinstream.client.event import Metadata, UnknownEvent
from twinstream.client.memory import REMEMBERED, REMEMBERED_CHARACTERS, Memory


def events(first: int, last: int, size: int = 0) -> list[UnknownEvent]:
    """Events of which each says its number, with so many characters."""
    return [UnknownEvent(seq, f"{seq}".ljust(size), Metadata()) for seq in range(first, last + 1)]


def test_the_last_events_are_known_whatever_the_runs_they_came_in() -> None:
    """Alone, together, and with holes between; what never came is not known."""
    memory = Memory()
    for run in (events(3, 3), events(4, 9), events(20, 300)):
        memory.add(run)
    assert [memory.find(seq) for seq in (2, 10, 19, 301)] == [None] * 4
    assert [memory.find(seq) for seq in (20, 45, 300)] == ["20", "45", "300"]


def test_as_many_are_known_as_promised_and_not_many_more() -> None:
    """One by one it is exactly so many; of a run all are known or none."""
    memory = Memory()
    for event in events(1, 2 * REMEMBERED):
        memory.add([event])
    assert [seq for seq in range(2 * REMEMBERED + 2) if memory.find(seq)] == list(
        range(REMEMBERED + 1, 2 * REMEMBERED + 1)
    )
    memory.add(events(2 * REMEMBERED + 1, 3 * REMEMBERED))
    assert memory.find(2 * REMEMBERED) is None
    assert memory.find(2 * REMEMBERED + 1)


def test_of_large_events_fewer_are_known() -> None:
    """Memory is bounded in characters too, but for the last message."""
    memory = Memory()
    for event in events(1, 5, size=REMEMBERED_CHARACTERS // 2):
        memory.add([event])
    assert [seq for seq in range(7) if memory.find(seq)] == [4, 5]
    memory.add(events(6, 6, size=2 * REMEMBERED_CHARACTERS))
    assert [seq for seq in range(8) if memory.find(seq)] == [6]
