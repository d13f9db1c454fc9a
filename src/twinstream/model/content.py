"""The bytes of file and message properties: how many there may be, and in which parts they come.

Owns limits, and the header ``Content-Range``; knows no storage. Source: ayla-facts 3.7.
"""

from __future__ import annotations

import re

import msgspec

from twinstream.errors import RequestError
from twinstream.model.check import must

FILE_LIMIT_BYTES = 16 * 1024 * 1024
"""Longest file. No source says; a map or a picture of a device is far smaller."""

MESSAGE_LIMIT_BYTES = 512 * 1024

NOT_YET = "It is not complete yet: not all of its bytes have come."
"""Told who reads too early."""

TOO_LATE = "It takes no more bytes: it is complete, or was discarded."
"""Told who writes too late."""


class Part(msgspec.Struct, frozen=True):
    """A part of a file: from which byte on, and the size of the whole, None if the sender does not know it."""

    start: int
    total: int | None


WHOLE = Part(0, None)
"""All of it at once: a request without the header."""


def read_part(header: str | None) -> Part:
    """Read ``Content-Range: bytes 0-99/200`` (or ``/*``). Raises RequestError ``invalid``."""
    if header is None:
        return WHOLE
    found = _RANGE.fullmatch(header.strip())
    if found is None:
        raise must("Content-Range", "be of the form bytes 0-99/200 or bytes 0-99/*")
    start, end = int(found[1]), int(found[2])
    total = None if found[3] == "*" else int(found[3])
    if start > end or (total is not None and end >= total):
        raise must("Content-Range", "end behind its start and within the whole")
    return Part(start, total)


def encode_message(value: object) -> bytes:
    """Answer the bytes of a message that came as a value: text as UTF-8, everything else as JSON.

    Raises:
        RequestError: ``invalid``, naming ``value``, for more than `MESSAGE_LIMIT_BYTES`.
    """
    try:
        content = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
    except UnicodeEncodeError:
        raise must("value", "be well-formed text") from None
    if len(content) > MESSAGE_LIMIT_BYTES:
        raise must("value", f"have at most {MESSAGE_LIMIT_BYTES} bytes for a message property")
    return content


def locate(property_key: int, datapoint_id: str) -> str:
    """Answer where users find a datapoint of a file or message: the value that it has once it is complete."""
    return f"/apiv1/properties/{property_key}/datapoints/{datapoint_id}.json"


def check_size(size_bytes: int, *, is_message: bool) -> None:
    """Refuse what is too long. Raises RequestError ``body_too_large``."""
    if size_bytes > (MESSAGE_LIMIT_BYTES if is_message else FILE_LIMIT_BYTES):
        raise RequestError("body_too_large")


_RANGE = re.compile(r"bytes ([0-9]{1,12})-([0-9]{1,12})/([0-9]{1,12}|\*)", re.ASCII)
