"""The documents' five samples come out byte for byte, and what could confuse a client is escaped."""

from __future__ import annotations

import json

import pytest

from twinstream.wire.event import (
    HEARTBEAT,
    AckedDatapoint,
    Connection,
    ConnectivityMessage,
    Datapoint,
    DatapointMessage,
    DeviceMetadata,
    LocationEvent,
    LocationMessage,
    Message,
    PropertyMetadata,
    Registration,
    RegistrationMessage,
    Unregistration,
    encode_record,
    encode_tail,
    format_coordinate,
)

USER = "40e45b84-690c-11e8-acf3-12f911dcfe40"

CONNECTIVITY = """
{
  "seq": "1",
  "metadata": {
    "oem_id": "0dfc7900",
    "oem_model": "ledevb",
    "dsn": "AC000W000340649",
    "resource_tags": [],
    "event_type": "connectivity"
  },
  "connection": {
    "event_time": "2018-09-24T10:26:37Z",
    "user_uuid": "40e45b84-690c-11e8-acf3-12f911dcfe40",
    "status": "Online"
  }
}
"""

DATAPOINT = """
{
  "seq": "13",
  "metadata": {
    "oem_id": "0dfc7900",
    "oem_model": "linuxevb",
    "dsn": "AC000W005606115",
    "property_name": "Blue_LED",
    "display_name": "Blue_LED",
    "base_type": "boolean",
    "resource_tags": [],
    "event_type": "datapoint"
  },
  "datapoint": {
    "id": "1ff9b91c-bfe4-11e8-1261-67d251d3ec96",
    "created_at_from_device": null,
    "updated_at": "2018-09-24T10:25:14Z",
    "created_at": "2018-09-24T10:25:14Z",
    "user_uuid": "40e45b84-690c-11e8-acf3-12f911dcfe40",
    "echo": true,
    "closed": false,
    "value": 0,
    "metadata": {}
  }
}
"""

DATAPOINTACK = """
{
  "seq": "2",
  "metadata": {
    "oem_id": "0dfc7900",
    "oem_model": "linuxevb",
    "dsn": "AC000W005606115",
    "property_name": "Blue_LED",
    "display_name": "Blue_LED",
    "base_type": "boolean",
    "resource_tags": [],
    "event_type": "datapointack"
  },
  "datapoint": {
    "id": "15af3cfc-bfe4-11e8-f2f0-9aab1d61f636",
    "created_at_from_device": null,
    "updated_at": "2018-09-24T10:24:57Z",
    "created_at": "2018-09-24T10:24:57Z",
    "user_uuid": "40e45b84-690c-11e8-acf3-12f911dcfe40",
    "echo": false,
    "closed": false,
    "value": 1,
    "ack_message": 0,
    "ack_status": 200,
    "ack_id": "160c8c90-bfe4-11e8-87f4-8d732085e587",
    "acked_at": "2018-09-24T10:24:57Z",
    "metadata": {}
  }
}
"""

LOCATION = """
{
  "seq": "1",
  "metadata": {
    "oem_id": "0dfc7900",
    "oem_model": "ledevb",
    "dsn": "AC000W000340779",
    "resource_tags": [],
    "event_type": "location"
  },
  "location_event": {
    "dsn": "AC000W000340779",
    "ip": "67.255.234.73",
    "lat": " 44.769500",
    "long": "-69.428300",
    "provider": "ip-based",
    "user_uuid": "40e45b84-690c-11e8-acf3-12f911dcfe40",
    "created_at": "2018-09-24T11:04:07Z"
  }
}
"""

REGISTRATION = """
{
  "seq": "1",
  "metadata": {
    "oem_id": "0dfc7900",
    "oem_model": "ledevb",
    "dsn": "AC000W000340649",
    "resource_tags": [],
    "event_type": "registration"
  },
  "registration_event": {
    "dsn": "AC000W000340649",
    "user_uuid": null,
    "registered": false,
    "registration_type": "AP-Mode",
    "unregistered_at": "2018-09-24T10:29:50Z"
  }
}
"""


def device(dsn: str, event_type: str) -> DeviceMetadata:
    """Make the metadata of the samples that concern a device."""
    return DeviceMetadata("0dfc7900", "ledevb", dsn, (), event_type)


def blue_led(event_type: str) -> PropertyMetadata:
    """Make the metadata of the samples that concern a property."""
    return PropertyMetadata(
        "0dfc7900", "linuxevb", "AC000W005606115", "Blue_LED", "Blue_LED", "boolean", (), event_type
    )


SAMPLES: list[tuple[int, int, str, Message]] = [
    (
        1,
        256,
        CONNECTIVITY,
        ConnectivityMessage(
            device("AC000W000340649", "connectivity"), Connection("2018-09-24T10:26:37Z", USER, "Online")
        ),
    ),
    (
        13,
        473,
        DATAPOINT,
        DatapointMessage(
            blue_led("datapoint"),
            Datapoint(
                id="1ff9b91c-bfe4-11e8-1261-67d251d3ec96",
                created_at_from_device=None,
                updated_at="2018-09-24T10:25:14Z",
                created_at="2018-09-24T10:25:14Z",
                user_uuid=USER,
                echo=True,
                closed=False,
                value=0,
                metadata={},
            ),
        ),
    ),
    (
        2,
        591,
        DATAPOINTACK,
        DatapointMessage(
            blue_led("datapointack"),
            AckedDatapoint(
                id="15af3cfc-bfe4-11e8-f2f0-9aab1d61f636",
                created_at_from_device=None,
                updated_at="2018-09-24T10:24:57Z",
                created_at="2018-09-24T10:24:57Z",
                user_uuid=USER,
                echo=False,
                closed=False,
                value=1,
                ack_message=0,
                ack_status=200,
                ack_id="160c8c90-bfe4-11e8-87f4-8d732085e587",
                acked_at="2018-09-24T10:24:57Z",
                metadata={},
            ),
        ),
    ),
    (
        1,
        344,
        LOCATION,
        LocationMessage(
            device("AC000W000340779", "location"),
            LocationEvent(
                dsn="AC000W000340779",
                ip="67.255.234.73",
                lat=format_coordinate(44.7695),
                long=format_coordinate(-69.4283),
                provider="ip-based",
                user_uuid=USER,
                created_at="2018-09-24T11:04:07Z",
            ),
        ),
    ),
    (
        1,
        290,
        REGISTRATION,
        RegistrationMessage(
            device("AC000W000340649", "registration"),
            Unregistration("AC000W000340649", None, False, "AP-Mode", "2018-09-24T10:29:50Z"),
        ),
    ),
]


@pytest.mark.parametrize(("seq", "length", "sample", "message"), SAMPLES, ids=[str(row[1]) for row in SAMPLES])
def test_the_samples_of_the_documents(seq: int, length: int, sample: str, message: Message) -> None:
    """Key order, nulls, numbers and length are those of the documents."""
    compact = json.dumps(json.loads(sample), separators=(",", ":"))
    assert len(compact) == length
    assert encode_record(seq, encode_tail(message)) == f"{length}|{compact}".encode("ascii")


def test_a_registered_device_has_its_own_time() -> None:
    """``registered_at`` stands where ``unregistered_at`` does in the sample."""
    body = Registration("AC1", USER, True, "Dsn", "2018-09-24T10:29:50Z")
    assert encode_tail(RegistrationMessage(device("AC1", "registration"), body)).endswith(
        b'"registration_event":{"dsn":"AC1","user_uuid":"%b","registered":true,"registration_type":"Dsn",'
        b'"registered_at":"2018-09-24T10:29:50Z"}}' % USER.encode()
    )


def valued(value: int | float | str | None, metadata: dict[str, str] | None = None) -> bytes:
    """Encode a datapoint with this value."""
    point = Datapoint("1", None, "t", "t", None, False, False, value, metadata or {})
    return encode_tail(DatapointMessage(blue_led("datapoint"), point))


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (1, b"1"),
        (-273.15, b"-273.15"),
        ("plain", b'"plain"'),
        ("1|Z", b'"1\\u007cZ"'),
        ("a|b|c", b'"a\\u007cb\\u007cc"'),
        ("zażółć", b'"za\\u017c\\u00f3\\u0142\\u0107"'),
        ("\U0001f680", b'"\\ud83d\\ude80"'),
        ('"\\\n\t', b'"\\"\\\\\\n\\t"'),
        ("ü|", b'"\\u00fc\\u007c"'),
        (None, b"null"),
    ],
)
def test_values_are_ascii_without_a_bar(value: int | float | str | None, encoded: bytes) -> None:
    """So the length is the same in every unit, and clients that split at each ``|`` get along."""
    tail = valued(value)
    assert b'"value":%b,' % encoded in tail
    assert tail.isascii()
    assert b"|" not in tail
    assert json.loads(b"{" + tail)["datapoint"]["value"] == value


def test_a_bar_in_a_key_is_escaped_too() -> None:
    """Nothing in an event may look like a heartbeat."""
    assert b'"metadata":{"k\\u007cZ":"v\\u007c"}' in valued(0, {"k|Z": "v|"})


@pytest.mark.parametrize("value", [0.1, 1e300, 2**53 + 1, -(2**63), 12345.678901])
def test_numbers_keep_their_value_also_beside_a_bar(value: int | float) -> None:
    """The slow way round for escaping changes nothing else."""
    plain, escaped = valued(value, {"k": "v"}), valued(value, {"k": "|"})
    assert escaped == plain.replace(b'"v"', b'"\\u007c"')


def test_a_file_property_names_its_file() -> None:
    """``file`` appears only where there is one."""
    point = Datapoint("1", None, "t", "t", None, False, True, None, {}, file="https://f")
    assert encode_tail(DatapointMessage(blue_led("datapoint"), point)).endswith(b'"metadata":{},"file":"https://f"}}')
    assert b'"file"' not in valued(1)


@pytest.mark.parametrize(
    ("degrees", "written"),
    [(44.7695, " 44.769500"), (-69.4283, "-69.428300"), (0.0, " 0.000000"), (180, " 180.000000")],
)
def test_coordinates(degrees: float, written: str) -> None:
    """Six decimals, a blank in the sign's place."""
    assert format_coordinate(degrees) == written


def test_a_heartbeat_has_the_form_of_a_record() -> None:
    """Its length is that of ``Z``."""
    assert HEARTBEAT == b"1|Z"
