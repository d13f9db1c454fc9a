"""Events of which only the number is read."""

from __future__ import annotations

import pytest

from tests.collector.samples import DATAPOINT, make_event
from twinstream.client.error import MessageError
from twinstream.client.event import decode_event
from twinstream.client.unread import UnreadEvent, number_event

WHOLE = make_event(7, "datapoint", datapoint=DATAPOINT)
TEXT = WHOLE.text.replace('"seq": ', '"seq":', 1)  # without a blank, as servers write it


def test_an_unread_event_has_its_number_its_text_and_its_time() -> None:
    """The text is as it came, and tells the time when asked."""
    event = number_event(TEXT)
    assert type(event) is UnreadEvent
    assert (event.seq, event.text, event.time_text) == (7, TEXT, WHOLE.time_text)


@pytest.mark.parametrize("text", ['{"seq":7}', '{ "seq": "7"}', '{"metadata":{},"seq":"7"}', '{"seq":"7","é":1}'])
def test_a_number_is_found_wherever_it_is(text: str) -> None:
    """What begins in another way than servers write it is read whole."""
    assert number_event(text).seq == decode_event(text).seq == 7


@pytest.mark.parametrize(
    "text",
    ["{}", '{"seq":""}', '{"seq":"-1"}', '{"seq":"²"}', '{"seq":"' + "9" * 21 + '"}', '{"seq":"12', '{"seq":"1x"}'],
)
def test_what_has_no_number_is_refused(text: str) -> None:
    """As when all of it is read."""
    with pytest.raises(MessageError):
        number_event(text)
