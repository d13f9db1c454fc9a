"""The header ``Idempotency-Key``: a request that its sender may repeat without doing it twice.

Source: promises P7. Invariant: a request without the header costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from twinstream.errors import RequestError
from twinstream.model.principal import Device, User
from twinstream.model.receipt import Repeatable

HEADER = b"idempotency-key"

DESCRIBED: Mapping[str, str] = {
    "Idempotency-Key": "Chosen by the sender, 1 to 255 printable ASCII characters. Within 24 hours the same request by"
    " the same caller with the same key is answered as it was the first time, and makes no second datapoint and no"
    " second event, also if the server was killed before it answered. With the key of a request to the same path whose"
    " body was another one: 409. A request that was refused leaves the key free."
}
"""For the reference."""


def read_repeatable(scope: Mapping[str, Any], caller: User | Device, body: bytes) -> Repeatable | None:
    """Answer how a request is told from all others, None if it has no key.

    Raises:
        RequestError: ``bad_request`` for two keys, or one that cannot be.
    """
    keys = [value for name, value in scope["headers"] if name == HEADER]
    if not keys:
        return None
    key = keys[0]
    if len(keys) > 1 or not 0 < len(key) <= 255 or not all(0x20 < byte < 0x7F for byte in key):
        raise RequestError("bad_request", "Idempotency-Key is one text of 1 to 255 printable ASCII characters.")
    who = f"user {caller.uuid}" if isinstance(caller, User) else f"device {caller.key}"
    named = f"{who}\n{scope['path']}\n".encode() + key
    content = scope["query_string"] + b"\n" + body
    return Repeatable(sha256(named).hexdigest(), sha256(content).hexdigest())
