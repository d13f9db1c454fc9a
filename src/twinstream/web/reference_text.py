"""The words and tables of the API reference that no handler can say by itself.

Owns tags, security schemes, the parameters of paths and the forms of errors, for `web.reference`. Invariant: each is
written for somebody who sees this API for the first time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from twinstream.errors import REQUEST_ERRORS

INTRODUCTION = """\
A *device* has *properties*; a value of one at a time is a *datapoint*; all of them together are the device's *twin*,
which this server keeps. Every change of a twin is an *event*, and events are pushed to whoever subscribed to them.

**To begin**, sign in above (or `POST /users/sign_in`): the answer's `access_token` goes into every other call as the
header `Authorization: auth_token <access_token>`. Then list your devices, read their properties, and set one by
creating a datapoint. For the events, create a subscription, and open `/stream` with its `stream_key`.

* Bodies are JSON in UTF-8. Most objects are wrapped in their own name: `{"device": {...}}`.
* Every path also answers with `.json` at its end. Parameters that are not known are ignored.
* Times are UTC, as `2018-09-24T10:26:37Z`. Values of boolean properties are the numbers 0 and 1.
* Errors have a form per group of paths; their `code` says what happened, their `request_id` leads to the server's log.
* What belongs to somebody else answers 404, as if it did not exist.

The stream's own messages are described on [a page of their own](/api/stream).
"""

TAGS: Mapping[str, str] = {
    "users": "Accounts: sign up, sign in, the profile and the password.",
    "roles": "Who may do what: roles of users with their labels, and role labels of devices.",
    "shares": "Lending a device to another user, for reading or also for writing, for a time or for good.",
    "devices": "The devices that you own or that are shared with you: list, name, register, locate.",
    "registration": "Becoming a device's owner: find candidates, register, open a gateway's window, hand a device on.",
    "metadata": "Keys and texts that an application keeps with a device or with a user's account.",
    "templates": "The shape that devices of a model have: their properties.",
    "properties": "What a device has to say, and what can be set: each with its type, direction and present value.",
    "datapoints": "The values of properties over time. Creating one sets the property; the device is told.",
    "subscriptions": "What you want to be told of. A subscription's stream key opens its stream.",
    "stream": "The stream of events itself, a WebSocket.",
    "access rules": "Which role may subscribe to what; an OEM's administrator writes them.",
    "LAN mode": "What an app needs to reach a device in its own network.",
    "groups": "Sets of devices; none in this version, for clients that ask at their start.",
    "schedules": "What a device does by itself at a time; none in this version, for clients that ask at their start.",
    "triggers": "Messages when a value is reached; none in this version, for clients that ask at their start.",
    "notifications": "Messages when a device comes or goes; none in this version, for clients that ask at their start.",
    "device side": "What a device calls: it introduces itself, reports values, fetches commands and acknowledges them.",
    "operation": "Whether the server lives, whether it takes work, and its counts.",
    "admin": "What `twinstream admin` calls, from the server's own machine only.",
}
"""What the groups of operations are, in the order in which they are shown."""

UNTAGGED = "stream"
"""The group of operations without a tag."""

SECURITY_SCHEMES: Mapping[str, Mapping[str, str]] = {
    "userToken": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "A user's token: `auth_token <access_token>`, from `POST /users/sign_in`; good for a day.",
    },
    "deviceKey": {
        "type": "apiKey",
        "in": "header",
        "name": "x-Ayla-auth-key",
        "description": "A device's key: `Ayla1.0 <key>`, which the answer to its first request carries.",
    },
    "deviceProof": {
        "type": "apiKey",
        "in": "header",
        "name": "x-Ayla-client-auth",
        "description": (
            "A device's first request: `Ayla1.0 <base64>`, the RSA (PKCS #1 v1.5) encryption with the device's public"
            " key of `<unix time> <METHOD> /<path without query>` and a line feed. The answer's header"
            " `x-Ayla-auth-key` is for all further requests."
        ),
    },
    "streamKey": {
        "type": "apiKey",
        "in": "query",
        "name": "stream_key",
        "description": "The 32 hex digits that creating a subscription answered.",
    },
    "operatorToken": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`auth_token <token>`, with the token that the running server keeps in its data folder.",
    },
}

SECURITY: Mapping[str, list[dict[str, list[str]]]] = {
    "user": [{"userToken": []}],
    "device": [{"deviceKey": []}, {"deviceProof": []}],
    "operator": [{"operatorToken": []}],
    "administrator": [{"userToken": []}, {"operatorToken": []}],
    "stream": [{"streamKey": []}],
}
"""What opens an operation, by the handler's parameter that stands for the caller."""

_NUMBER = {"type": "string", "pattern": "^[0-9]{1,18}$"}
_TEXT = {"type": "string", "minLength": 1}

PATH_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "dsn": {"description": "The device's serial number.", "schema": _TEXT, "example": "AC000W000340649"},
    "device_key": {"description": "The device's number: `key` (and `id`) of its object.", "schema": _NUMBER},
    "property_key": {"description": "The property's number: `key` of its object.", "schema": _NUMBER},
    "name": {"description": "The property's name, in its own case.", "schema": _TEXT, "example": "Blue_LED"},
    "datapoint_id": {"description": "The datapoint's `id`.", "schema": _TEXT},
    "subscription_id": {"description": "The subscription's `id`.", "schema": _NUMBER},
    "app_id": {"description": "The application's `app_id`.", "schema": _TEXT},
    "rule_id": {"description": "The access rule's `id`.", "schema": _NUMBER},
    "role_label_id": {"description": "The role label's `id`.", "schema": _TEXT},
    "share_id": {"description": "The share's `id`.", "schema": _NUMBER},
    "key": {"description": "The key under which a text is kept.", "schema": _TEXT},
    "cmd_id": {"description": "The command's `id`.", "schema": _NUMBER},
    "template_id": {"description": "The template's `id`.", "schema": _NUMBER},
    "node_dsn": {"description": "The node's serial number.", "schema": _TEXT},
    "property_id": {"description": "The property's number: `key` of its object.", "schema": _NUMBER},
    "user_id": {"description": "The user's number: `id` of the profile.", "schema": _NUMBER},
    "uuid": {"description": "The user's `uuid`.", "schema": _TEXT},
    "oem": {"description": "The OEM's id, 8 hex digits.", "schema": _TEXT, "example": "0dfc7900"},
}
"""What the variable segments of paths are, by name."""


class Envelope(NamedTuple):
    """The form of a service's errors."""

    name: str
    schema: Mapping[str, Any]


_CODE = {
    "type": "string",
    "description": "One of: " + ", ".join(f"`{code}`" for code in REQUEST_ERRORS) + ".",
}
_MORE = {
    "field": {"type": "string", "description": "The field of the request that is to blame."},
    "request_id": {"type": "string", "description": "Leads to the line of the server's log."},
}
_MESSAGE = {"type": "string", "description": "What happened, for people."}


def _make_envelope(name: str, description: str, **properties: Any) -> Envelope:
    required = [*properties, "request_id"]
    schema = {
        "type": "object",
        "title": name,
        "description": description,
        "properties": properties | _MORE,
        "required": required,
    }
    return Envelope(name, schema)


_USER_ERROR = _make_envelope(
    "UserError", "An error of the user service: the same text twice, since clients differ in which they read.",
    error=_MESSAGE,
    errors={
        "description": "The same text; of a field that is not valid, what is wrong with it by its name.",
        "anyOf": [
            {"type": "string"},
            {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
        ],
    },
    code=_CODE,
)  # fmt: skip
_DEVICE_ERROR = _make_envelope(
    "DeviceError", "An error of the device service: the same twice, since clients differ in which they read.",
    error={
        "type": "object",
        "properties": {"code": {"type": "integer", "description": "The HTTP status."}, "message": _MESSAGE},
        "required": ["code", "message"],
    },
    errors={
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"code": {"type": "string", "description": "The HTTP status."}, "message": _MESSAGE},
            "required": ["code", "message"],
        },
    },
    code=_CODE,
)  # fmt: skip
_STREAM_ERROR = _make_envelope(
    "StreamError", "An error of the Datastream Service's REST API.",
    errors={
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"code": _CODE, "message": _MESSAGE},
            "required": ["code", "message"],
        },
    },
)  # fmt: skip
_PROBLEM = _make_envelope(
    "Problem", "An error of everything else: problem details (RFC 9457).",
    type={"type": "string", "const": "about:blank"},
    title={"type": "string", "description": "What the code means."},
    status={"type": "integer", "description": "The HTTP status."},
    detail=_MESSAGE,
    code=_CODE,
)  # fmt: skip

ENVELOPES = (_USER_ERROR, _DEVICE_ERROR, _STREAM_ERROR, _PROBLEM)
"""The forms of errors."""


def choose_envelope(answer: Mapping[str, Any]) -> Envelope:
    """Tell the form of an error's answer."""
    if "type" in answer:
        return _PROBLEM
    if "error" in answer:
        return _USER_ERROR if isinstance(answer["error"], str) else _DEVICE_ERROR
    return _STREAM_ERROR
