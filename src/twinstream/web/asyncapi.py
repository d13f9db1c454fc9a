"""The description of the stream: an AsyncAPI 3 document, made from the types that encode it.

Owns the words beside the types of `wire.event` and the table of close codes; `web.page` serves it. The examples are
records as `wire.event` encodes them. Invariant: the document stands on its own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from twinstream import __version__
from twinstream.errors import CLOSE_CODES
from twinstream.wire import event
from twinstream.wire.event import HEARTBEAT, encode_record, encode_tail, format_coordinate

_INTRODUCTION = """\
Every change of a device's twin is an event. A subscription (`POST /api/v1/subscriptions`, see [the REST APIs](/api)) \
chooses some of them, and answers a stream key; whoever opens this WebSocket with the key gets them.

* A message is one or more **records** `LEN|JSON`: `JSON` is one compact object, `LEN` the number of its characters. \
The text is ASCII, and no `|` stands within `JSON`. Several records in a message, one right behind the other, come \
only where the subscription's `batch_size` is above 1.
* `seq`, a decimal number in a string, counts the subscription's events from 1 without gaps, for ever.
* A message `1|Z` is a **heartbeat**. Answer it with `Z` or `1|Z`: the answer to a heartbeat acknowledges all events \
received before it, so that a client that reconnects without `seq_start` gets everything after them.
* Whatever can be refused is refused by an HTTP status before the upgrade: 401 for a key that is unknown or expired, \
403 for a suspended subscription, 429 for too many sockets. Later the server closes \
the socket with one of the codes below.
"""


class _Kind(NamedTuple):
    """A type of event: its name, what it says, one for an example, and the structs that it may be."""

    name: str
    meaning: str
    example: event.Message
    structs: tuple[type[event.Message], ...]


_TIME = "2018-09-24T10:26:37Z"
_USER = "a6e31d5e-7fc5-11e8-b1d1-a75dca4d3ad1"
_ID = "1f3b1b0e-bfe6-11e8-9f2b-3b3c5a5d8a4e"
_ACK_ID = "1f9d2f6c-bfe6-11e8-8b1c-7d3c5a5d8a4e"
_DSN = "AC000W000340649"


def _of_device(event_type: str) -> event.DeviceMetadata:
    return event.DeviceMetadata("0dfc7900", "ledevb", _DSN, (), event_type)


def _of_property(event_type: str) -> event.PropertyMetadata:
    return event.PropertyMetadata("0dfc7900", "ledevb", _DSN, "Blue_LED", "Blue LED", "boolean", (), event_type)


class DatapointEvent(event.DatapointMessage, frozen=True):
    """A datapoint event."""

    datapoint: event.Datapoint


class DatapointAckEvent(event.DatapointMessage, frozen=True):
    """A datapointack event; the key of its body is ``datapoint`` too."""

    datapoint: event.AckedDatapoint


class RegisteredEvent(event.RegistrationMessage, frozen=True):
    """A registration event of a device that has got an owner."""

    registration_event: event.Registration


class UnregisteredEvent(event.RegistrationMessage, frozen=True):
    """A registration event of a device that has lost its owner."""

    registration_event: event.Unregistration


_KINDS = (
    _Kind(
        "connectivity",
        "A device has come Online or gone Offline",
        event.ConnectivityMessage(_of_device("connectivity"), event.Connection(_TIME, _USER, "Online")),
        (event.ConnectivityMessage,),
    ),
    _Kind(
        "datapoint",
        "A property has got a value, from a user or from the device",
        event.DatapointMessage(
            _of_property("datapoint"), event.Datapoint(_ID, None, _TIME, _TIME, _USER, False, False, 1, {})
        ),
        (DatapointEvent,),
    ),
    _Kind(
        "datapointack",
        "A device has said whether it took a value that was set",
        event.DatapointMessage(
            _of_property("datapointack"),
            event.AckedDatapoint(
                _ID, None, _TIME, _TIME, _USER, False, False, 1, 0, 200, _ACK_ID, "2018-09-24T10:26:38Z", {}
            ),
        ),
        (DatapointAckEvent,),
    ),
    _Kind(
        "location",
        "A device is at another place than before",
        event.LocationMessage(
            _of_device("location"),
            event.LocationEvent(
                _DSN, "192.0.2.7", format_coordinate(44.7695), format_coordinate(-69.4283), "ip-based", _USER, _TIME
            ),
        ),
        (event.LocationMessage,),
    ),
    _Kind(
        "registration",
        "A device has got an owner, or lost it",
        event.RegistrationMessage(_of_device("registration"), event.Registration(_DSN, _USER, True, "Same-LAN", _TIME)),
        (RegisteredEvent, UnregisteredEvent),
    ),
)

_REFERENCE = "#/components/schemas/{name}"
_SEQ = {"type": "string", "pattern": "^[1-9][0-9]*$", "description": "The event's number in this subscription."}


def make_stream_document(host: str, *, is_secure: bool) -> dict[str, Any]:
    """Describe the stream as it is reached at this host (``name[:port]``), as an AsyncAPI 3.0 document."""
    structs = [struct for kind in _KINDS for struct in kind.structs]
    _, components = msgspec.json.schema_components(structs, ref_template=_REFERENCE)
    for kind in _KINDS:
        for struct in kind.structs:
            _complete(components[struct.__name__], kind.name)
    names = [kind.name for kind in _KINDS]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "twinstream: the stream of events",
            "version": __version__,
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "text/plain",
        "servers": {
            "this": {
                "host": host,
                "protocol": "wss" if is_secure else "ws",
                "security": [{"$ref": "#/components/securitySchemes/streamKey"}],
            }
        },
        "channels": {
            "stream": {
                "address": "/stream",
                "title": "The stream of a subscription",
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"} for name in (*names, "heartbeat", "answer")
                },
                "bindings": {"ws": {"method": "GET", "query": _QUERY, "bindingVersion": "0.1.0"}},
                "x-close-codes": [
                    {"code": code, "meaning": row.meaning, "reconnect": row.reconnect, "remedy": row.remedy}
                    for code, row in CLOSE_CODES.items()
                ],
            }
        },
        "operations": {
            "sendEvents": _operate("send", "Events, as they happen and in the order of their numbers", names),
            "sendHeartbeat": _operate("send", "A heartbeat, every 30 seconds unless set otherwise", ["heartbeat"]),
            "receiveAnswer": _operate("receive", "The client's answer to a heartbeat", ["answer"]),
        },
        "components": {
            "messages": {kind.name: _describe_kind(kind) for kind in _KINDS} | _HEARTBEATS,
            "schemas": components,
            "securitySchemes": {
                "streamKey": {
                    "type": "httpApiKey",
                    "in": "query",
                    "name": "stream_key",
                    "description": "The stream key of the subscription.",
                }
            },
        },
    }


def _complete(schema: dict[str, Any], event_type: str) -> None:
    """Add what the stream adds to a message, its number, and what each type of event fixes."""
    properties = schema["properties"]
    named = {"type": "object", "properties": {"event_type": {"const": event_type}}}
    schema["properties"] = {"seq": _SEQ} | properties | {"metadata": {"allOf": [properties["metadata"], named]}}
    schema["required"] = ["seq", *schema["required"]]
    if event_type == "registration":
        body = {"type": "object", "properties": {"registered": {"const": schema["title"] == RegisteredEvent.__name__}}}
        schema["properties"]["registration_event"] = {"allOf": [properties["registration_event"], body]}


def _operate(action: str, summary: str, messages: list[str]) -> dict[str, Any]:
    channel = "#/channels/stream"
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in messages],
    }


def _describe_kind(kind: _Kind) -> dict[str, Any]:
    record = encode_record(1, encode_tail(kind.example))
    references = [{"$ref": _REFERENCE.format(name=struct.__name__)} for struct in kind.structs]
    return {
        "name": kind.name,
        "title": kind.name,
        "summary": f"{kind.meaning}.",
        "contentType": "application/json",
        "payload": references[0] if len(references) == 1 else {"anyOf": references},
        "examples": [{"name": kind.name, "payload": msgspec.json.decode(record.partition(b"|")[2])}],
        "x-record": record.decode("ascii"),
    }


_HEARTBEATS = {
    "heartbeat": {
        "name": "heartbeat",
        "title": "heartbeat",
        "summary": "The server asks for a sign of life.",
        "payload": {"type": "string", "const": HEARTBEAT.decode("ascii")},
        "examples": [{"name": "heartbeat", "payload": HEARTBEAT.decode("ascii")}],
    },
    "answer": {
        "name": "answer",
        "title": "answer to a heartbeat",
        "summary": "The client lives, and has received all that was sent before the heartbeat.",
        "payload": {"type": "string", "enum": ["Z", HEARTBEAT.decode("ascii")]},
        "examples": [{"name": "answer", "payload": "Z"}],
    },
}

STREAM_QUERY = {
    "stream_key": "The subscription's stream key.",
    "seq_start": "Begin with the event of this number; `0`: with the oldest kept. Absent: behind the acknowledged.",
    "seq_end": "The last number wanted, with `seq_start` only; then the socket is closed with 1000.",
    "observe": "`1`: answers to heartbeats acknowledge nothing.",
    "on_gap": "`refuse`: answer 410 or 416 instead of beginning elsewhere than asked.",
}
"""The parameters of ``/stream``, for both documents."""

_QUERY = {
    "type": "object",
    "required": ["stream_key"],
    "properties": {
        name: {"type": "string", "description": meaning}
        | ({"pattern": "^[0-9a-f]{32}$"} if name == "stream_key" else {})
        | ({"pattern": "^[0-9]{1,19}$"} if name.startswith("seq") else {})
        for name, meaning in STREAM_QUERY.items()
    },
}
