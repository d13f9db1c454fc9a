"""The server of ready frames: what it plays is what a server would send."""

from __future__ import annotations

from bench.replay import MESSAGE_BYTES, make_messages
from twinstream.client.event import DatapointEvent, decode_event
from twinstream.client.frame import split_message


def test_ready_frames_are_events_numbered_from_1() -> None:
    """Every event once, in order, in messages no larger than a server's."""
    messages = list(make_messages(500))
    events = [decode_event(text) for message in messages for text in split_message(message)]
    assert [event.seq for event in events] == list(range(1, 501))
    assert all(isinstance(event, DatapointEvent) for event in events)
    assert max(map(len, messages)) <= MESSAGE_BYTES
