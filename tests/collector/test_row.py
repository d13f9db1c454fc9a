"""An event as columns: of each type of the documents, and of those that nobody knows yet."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.collector.samples import DATAPOINT, USER, datapoint, make_event
from twinstream.client.error import MessageError
from twinstream.client.event import Event, decode_event
from twinstream.collector.row import FIELDS, RowEvent, read_event, read_row

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
    of = (event.event_type, "0dfc7900", "ledevb", "AC000W000340649")
    assert read_row(event) == (*of, time, user_uuid, None, value, 1, event.text)


@pytest.mark.parametrize("event", [event for event, *_ in EVENTS] + [datapoint(1, "a|Z"), datapoint(1, True)])
def test_the_short_way_gives_the_same_row(event: Event) -> None:
    """Of a datapoint nothing but the row is read, of others everything: number, text, time and row are the same."""
    read = read_event(event.text)
    assert isinstance(read, RowEvent) == (event.event_type == "datapoint")
    assert (read.seq, read.text, read.time_text) == (event.seq, event.text, event.time_text)
    assert read_row(read) == read_row(event)


@pytest.mark.parametrize(
    "seq", ["7", '"7"', '"007"', '""', '"-1"', '"²"', '"1x"', f'"{10**19}"', f'"{10**20}"', "null"]
)
def test_the_short_way_finds_the_same_number(seq: str) -> None:
    """And refuses what has none, as the long way does."""
    text = json.dumps({"seq": 0, "metadata": {"event_type": "datapoint"}, "datapoint": {}}).replace("0", seq, 1)
    assert outcome(read_event, text) == outcome(decode_event, text)


@pytest.mark.parametrize(
    "text", ["{}", '{"seq":"1"', '{"seq":"1","metadata":{"event_type":"datapoint"},"datapoint":{]}']
)
def test_what_is_no_event_is_refused(text: str) -> None:
    """It is no JSON object with a number."""
    assert outcome(read_event, text) is MessageError


def outcome(read: Callable[[str], Event], text: str) -> int | type[MessageError]:
    """The number that is found; the error if none is."""
    try:
        return read(text).seq
    except MessageError:
        return MessageError


@pytest.mark.parametrize(
    ("value", "shown"),
    [("a|Z", "a|Z"), ("", ""), (0, "0"), (1.5, "1.5"), (True, "true"), (None, None), ("é\n\0", "é\n\0")],
)
def test_a_value_is_text_as_it_is_and_json_otherwise(value: Any, shown: str | None) -> None:
    """Strings stand as they are, numbers as JSON, null as null."""
    assert read_row(datapoint(1, value))[FIELDS.index("value")] == shown


@pytest.mark.parametrize("parts", [{}, {"thing": {"created_at": 5, "user_uuid": []}}, {"thing": [1]}, {"datapoint": 5}])
def test_an_event_of_any_shape_is_a_row(parts: dict[str, Any]) -> None:
    """What is not there, or is no text, is null."""
    event = make_event(1, "datapoint", **parts)
    of = ("datapoint", "0dfc7900", "ledevb", "AC000W000340649")
    assert read_row(event) == (*of, None, None, None, None, 1, event.text)


def test_an_event_without_metadata_is_a_row_of_nulls() -> None:
    """Nothing is made up."""
    text = '{"seq":"1","metadata":7}'
    assert read_row(decode_event(text)) == (*[None] * 8, 1, text)


@pytest.mark.parametrize("oddity", ["", '"echo":"x",'])
def test_what_metadata_lack_is_null_either_way(oddity: str) -> None:
    """Whether the rest of the event has the documents' shape or not."""
    text = f'{{"seq":"1","metadata":{{"event_type":"datapoint","dsn":""}},"datapoint":{{{oddity}"value":1}}}}'
    for event in (read_event(text), decode_event(text)):
        assert read_row(event) == ("datapoint", None, None, None, None, None, None, "1", 1, text)
