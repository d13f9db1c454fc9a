"""One heap serves everyone who is due."""

from __future__ import annotations

import weakref
from math import inf

from twinstream.stream.agenda import Agenda


class Item:
    """Wants to be called again after ``pause_s``."""

    due_s = inf

    def __init__(self, pause_s: float) -> None:
        self.pause_s = pause_s
        self.calls: list[float] = []

    def on_time(self, now_s: float) -> float:
        """Keep the time."""
        self.calls.append(now_s)
        return now_s + self.pause_s


def test_items_are_called_when_due() -> None:
    """Each at its own pace; the answer is the next due time."""
    agenda, fast, slow = Agenda(), Item(2), Item(5)
    assert agenda.tick(0, 9) == inf
    agenda.call(fast, 1)
    agenda.call(slow, 4)
    assert [agenda.tick(now_s, 9) for now_s in range(1, 7)] == [3, 3, 4, 5, 7, 7]
    assert fast.calls == [1, 3, 5]
    assert slow.calls == [4]


def test_hastened_items_are_called_once() -> None:
    """Hastening brings a call forward, never back, and leaves no second call behind."""
    agenda, item = Agenda(), Item(100)
    agenda.call(item, 10)
    agenda.hasten(item, 20)
    agenda.hasten(item, 5)
    assert agenda.tick(5, 9) == 105
    assert agenda.tick(10, 9) == 105
    assert item.calls == [5]


def test_infinity_is_never() -> None:
    """Who answers infinity is not called again."""
    agenda, item = Agenda(), Item(inf)
    agenda.call(item, 1)
    assert agenda.tick(1, 9) == inf
    assert len(agenda) == 0


def test_what_is_forgotten_is_let_go_at_once() -> None:
    """Nothing of a forgotten item is kept until it would have been due."""
    agenda, item, other = Agenda(), Item(1), Item(1)
    agenda.call(item, 2)
    agenda.call(other, 2)
    agenda.forget(item)
    agenda.forget(item)
    gone = weakref.ref(item)
    del item
    assert gone() is None
    assert agenda.tick(9, 9) == 10
    assert other.calls == [9]


def test_an_item_that_is_forgotten_while_it_is_called_stays_forgotten() -> None:
    """A session that closes in its own call answers infinity."""

    class Closing(Item):
        def on_time(self, now_s: float) -> float:
            agenda.forget(self)
            return inf

    agenda, item = Agenda(), Closing(0)
    agenda.call(item, 1)
    assert agenda.tick(1, 9) == inf
    assert len(agenda) == 0
