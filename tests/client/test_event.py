"""What a client gets of each event, and that none is lost to its shape."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from twinstream.client.error import MessageError
from twinstream.client.event import (
    ConnectivityEvent,
    DatapointackEvent,
    DatapointEvent,
    Event,
    LocationEvent,
    RegistrationEvent,
    UnknownEvent,
    decode_event,
)

DEVICE = {"oem_id": "0dfc7900", "oem_model": "ledevb", "dsn": "AC000W000340649", "resource_tags": []}
PROPERTY = {**DEVICE, "property_name": "Blue_LED", "display_name": "Blue LED", "base_type": "boolean"}
USER = "40e45b84-690c-11e8-acf3-12f911dcfe40"
POINT = {"id": "1ff9b91c-bfe4-11e8-1261-67d251d3ec96", "created_at": "2018-09-24T10:25:14Z", "user_uuid": USER}


def event(kind: str, body_key: str, body: object, metadata: dict[str, Any] = DEVICE, **more: Any) -> Event:
    """Decode an event of these parts."""
    fields = {"seq": "13", "metadata": {**metadata, "event_type": kind}, body_key: body, **more}
    return decode_event(json.dumps(fields))


def test_connectivity() -> None:
    """Exactly the status Online means that a device is there."""
    body = {"event_time": "2018-09-24T10:26:37Z", "user_uuid": USER, "status": "Online"}
    found = event("connectivity", "connection", body)
    assert isinstance(found, ConnectivityEvent)
    assert (found.seq, found.dsn, found.status, found.is_online) == (13, "AC000W000340649", "Online", True)
    assert found.time == datetime(2018, 9, 24, 10, 26, 37, tzinfo=UTC)
    assert (found.user_uuid, found.property_name, found.event_type) == (USER, None, "connectivity")
    other = event("connectivity", "connection", body | {"status": "pollingOnline"})
    assert isinstance(other, ConnectivityEvent)
    assert not other.is_online


@pytest.mark.parametrize(
    ("base_type", "sent", "value"),
    [
        ("boolean", 0, False),
        ("boolean", 1, True),
        ("boolean", "1", True),
        ("boolean", True, True),
        ("boolean", 2, 2),
        ("boolean", "yes", "yes"),
        ("integer", 5, 5),
        ("integer", "5", 5),
        ("integer", 5.0, 5),
        ("integer", 5.5, 5.5),
        ("integer", 2**60 + 1, 2**60 + 1),
        ("decimal", 72, 72.0),
        ("decimal", "72.5", 72.5),
        ("decimal", "warm", "warm"),
        ("string", "1", "1"),
        ("string", "a|Z", "a|Z"),
        ("file", None, None),
        ("boolean", None, None),
        ("of the future", "1", "1"),
    ],
)
def test_a_value_has_the_type_of_its_property(base_type: str, sent: object, value: object) -> None:
    """Booleans are True and False; what does not fit its type stays as it came, and so does the wire's own value."""
    found = event("datapoint", "datapoint", POINT | {"value": sent, "echo": True}, PROPERTY | {"base_type": base_type})
    assert isinstance(found, DatapointEvent)
    assert found.value == value
    assert type(found.value) is type(value)
    assert found.datapoint.value == sent
    assert found.is_echo


@pytest.mark.parametrize(("status", "is_acknowledged"), [(200, True), ("200", True), (400, False), (None, False)])
def test_datapointack(status: object, is_acknowledged: bool) -> None:
    """An acknowledgement is a datapoint with the device's answer, and its time is that of the answer."""
    more = {"value": 1, "ack_status": status, "ack_message": 0, "acked_at": "2018-09-24T10:25:15Z"}
    found = event("datapointack", "datapoint", POINT | more, PROPERTY)
    assert isinstance(found, DatapointackEvent)
    assert isinstance(found, DatapointEvent)
    assert (found.is_acknowledged, found.value) == (is_acknowledged, True)
    assert found.time == datetime(2018, 9, 24, 10, 25, 15, tzinfo=UTC)


def test_location() -> None:
    """Latitude and longitude are numbers, whatever blanks stand before them."""
    body = {"dsn": "AC1", "ip": "67.255.234.73", "lat": " 44.769500", "long": "-69.428300", "provider": "ip-based"}
    found = event("location", "location_event", body)
    assert isinstance(found, LocationEvent)
    assert (found.latitude, found.longitude, found.time) == (44.7695, -69.4283, None)
    odd = event("location", "location_event", body | {"lat": "north"})
    assert isinstance(odd, LocationEvent)
    assert odd.latitude is None


@pytest.mark.parametrize(("is_registered", "key"), [(True, "registered_at"), (False, "unregistered_at")])
def test_registration(is_registered: bool, key: str) -> None:
    """The time is that of what happened."""
    body = {"registered": is_registered, "user_uuid": None, key: "2018-09-24T10:29:50Z"}
    found = event("registration", "registration_event", body)
    assert isinstance(found, RegistrationEvent)
    assert found.is_registered == is_registered
    assert found.time == datetime(2018, 9, 24, 10, 29, 50, tzinfo=UTC)


def test_events_can_be_matched() -> None:
    """By class, fields and properties."""
    match event("datapoint", "datapoint", POINT | {"value": 1}, PROPERTY):
        case DatapointEvent(dsn="AC000W000340649", property_name="Blue_LED", value=True, seq=seq):
            assert seq == 13
        case _:
            pytest.fail("no match")


def test_what_is_new_is_kept() -> None:
    """Fields that have no name here are in the text, and `decode` shows them."""
    found = event("connectivity", "connection", {"status": "Online", "new": 1}, DEVICE | {"new": 2}, newer=[3])
    assert isinstance(found, ConnectivityEvent)
    assert found.decode()["newer"] == [3]
    assert found.decode()["connection"]["new"] == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"metadata": {**DEVICE, "event_type": "activation"}, "activation": {"status": "Activated"}},
        {"metadata": {**DEVICE, "event_type": "connectivity"}},
        {"metadata": {**DEVICE, "event_type": "connectivity"}, "connection": {"status": 5}},
        {"metadata": {**DEVICE, "event_type": "connectivity", "oem_model": 7}, "connection": {"status": "Online"}},
        {"metadata": {**DEVICE, "event_type": "datapoint"}, "datapoint": {"value": {"a": 1}}},
    ],
)
def test_another_shape_is_an_unknown_event(fields: dict[str, Any]) -> None:
    """It comes in its place with its number, its metadata and its whole text."""
    found = decode_event(json.dumps({"seq": "7"} | fields))
    assert type(found) is UnknownEvent
    assert (found.seq, found.dsn, found.event_type) == (7, DEVICE["dsn"], fields["metadata"]["event_type"])
    assert found.decode() == {"seq": "7"} | fields
    assert (found.time, found.user_uuid) == (None, None)


@pytest.mark.parametrize(
    ("literal", "value"),
    [(r'"cut \ud83d"', "cut \ufffd"), (r'"\ude00 \ud83d\ude00"', "\ufffd \U0001f600"), ("1e999", float("inf"))],
)
def test_json_that_others_write_is_no_end(literal: str, value: object) -> None:
    """Half a character or a number beyond all bounds in a value is an event all the same, with its text as it came."""
    text = f'{{"seq":"13","metadata":{{"dsn":"D","event_type":"datapoint"}},"datapoint":{{"value":{literal}}}}}'
    found = decode_event(text)
    assert type(found) is UnknownEvent
    assert (found.seq, found.dsn, found.event_type, found.text) == (13, "D", "datapoint", text)
    assert found.decode()["datapoint"]["value"] == value
    str(found.decode()).encode()


def test_without_metadata_it_is_unknown_as_well() -> None:
    """A number is enough to be handed out; it may be a JSON number too."""
    assert decode_event('{"seq":0}').seq == 0
    assert decode_event('{"seq":"8","metadata":[]}').event_type == ""


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "7",
        "{",
        '{"seq":null}',
        '{"seq":true}',
        '{"seq":""}',
        '{"seq":"-1"}',
        '{"seq":1.5}',
        '{"seq":"1e3"}',
    ],
)
def test_without_a_number_nothing_can_be_done(text: str) -> None:
    """It has no place in the stream."""
    with pytest.raises(MessageError):
        decode_event(text)


@pytest.mark.parametrize("at", ["2018-09-24", "2018-09-24T10:29:50", "yesterday", ""])
def test_a_time_that_cannot_be_read_is_none(at: str) -> None:
    """A time without a zone is nobody's."""
    found = event("connectivity", "connection", {"status": "Online", "event_time": at})
    assert found.time is None
    assert found.time_text == at
