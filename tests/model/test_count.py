"""Counts in sentences."""

from __future__ import annotations

from twinstream.model.count import show_count


def test_one_is_no_plural() -> None:
    """One thing is one thing; none and two are things."""
    assert [show_count(count, "event") for count in (0, 1, 2)] == ["0 events", "1 event", "2 events"]
    assert show_count(1, "heartbeat answered", "heartbeats answered") == "1 heartbeat answered"
    assert show_count(3, "heartbeat answered", "heartbeats answered") == "3 heartbeats answered"
