"""An event as columns: of each type of the documents, and of those that nobody knows yet."""

from __future__ import annotations

from typing import Any

import pytest

from tests.collector.samples import DATAPOINT, USER, datapoint, make_event
from twinstream.client.error import MessageError
from twinstream.client.event import Event, decode_event
from twinstream.client.unread import UnreadEvent, number_event
from twinstream.collector.row import Row, read_row

AT = "2018-09-24T10:26:37Z"
ACKED = DATAPOINT | {"value": 1, "ack_message": 0, "ack_status": 200, "ack_id": "a", "acked_at": AT}
PLACE = {"dsn": "d", "ip": "67.255.234.73", "lat": " 44.769500", "long": "-69.428300", "provider": "ip-based"}
OWNED = {"user_uuid": USER}
ONLINE = {"event_time": AT, "status": "Online"} | OWNED
JOINED = {"registered": True, "registered_at": AT} | OWNED
LEFT = {"registered": False, "user_uuid": None, "unregistered_at": AT}
ODD = {"created_at": AT, "value": [1]} | OWNED
EVENTS: list[tuple[Event, str, str | None, str | None]] = [
    (make_event(1, "connectivity", connection=ONLINE), AT, USER, None),
    (make_event(1, "datapoint", datapoint=DATAPOINT), "2018-09-24T10:25:14Z", USER, "0"),
    (make_event(1, "datapointack", datapoint=ACKED), AT, USER, "1"),
    (make_event(1, "location", location_event=PLACE | {"created_at": AT} | OWNED), AT, USER, None),
    (make_event(1, "registration", registration_event=JOINED), AT, USER, None),
    (make_event(1, "registration", registration_event=LEFT), AT, None, None),
    (make_event(1, "activation", activation=ODD), AT, USER, "[1]"),
]


@pytest.mark.parametrize(("event", "time", "user_uuid", "value"), EVENTS)
def test_a_row_says_when_it_happened_and_whose_it_is(
    event: Event, time: str, user_uuid: str | None, value: str | None
) -> None:
    """``time`` is the event's own, of an acknowledgement that of the acknowledgement; unknown types give what they
    have."""
    found = Row(event.event_type, "0dfc7900", "ledevb", "AC000W000340649", time, user_uuid, None, value)
    assert read_row(event) == found


@pytest.mark.parametrize("event", [event for event, *_ in EVENTS] + [datapoint(1, "a|Z"), datapoint(1, True)])
def test_an_unread_event_gives_the_same_row(event: Event) -> None:
    """Whether it was read before makes no difference."""
    unread = number_event(event.text.replace('"seq": ', '"seq":', 1))
    assert isinstance(unread, UnreadEvent)
    assert read_row(unread) == read_row(event)


@pytest.mark.parametrize("text", ['{"seq":"1"', '{"seq":"1","metadata":{"event_type":"datapoint"},"datapoint":{]}'])
def test_an_unread_event_that_is_none_is_refused(text: str) -> None:
    """Its text is no JSON object."""
    with pytest.raises(MessageError):
        read_row(number_event(text))


@pytest.mark.parametrize(
    ("value", "shown"),
    [("a|Z", "a|Z"), ("", ""), (0, "0"), (1.5, "1.5"), (True, "true"), (None, None), ("é\n\0", "é\n\0")],
)
def test_a_value_is_text_as_it_is_and_json_otherwise(value: Any, shown: str | None) -> None:
    """Strings stand as they are, numbers as JSON, null as null."""
    assert read_row(datapoint(1, value)).value == shown


@pytest.mark.parametrize("parts", [{}, {"thing": {"created_at": 5, "user_uuid": []}}, {"thing": [1]}, {"datapoint": 5}])
def test_an_event_of_any_shape_is_a_row(parts: dict[str, Any]) -> None:
    """What is not there, or is no text, is null."""
    row = read_row(make_event(1, "datapoint", **parts))
    assert row == Row("datapoint", "0dfc7900", "ledevb", "AC000W000340649", None, None, None, None)


def test_an_event_without_metadata_is_a_row_of_nulls() -> None:
    """Nothing is made up."""
    assert read_row(decode_event('{"seq":"1","metadata":7}')) == Row(*[None] * 8)
