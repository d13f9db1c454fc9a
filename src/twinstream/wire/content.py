"""Bodies of files and messages: what becomes of one, and a message as a value."""

from __future__ import annotations

import base64

import msgspec

from twinstream.wire.body import read_body
from twinstream.wire.json import decode_json


class MarkFields(msgspec.Struct, frozen=True):
    """What became of a file: it was ``fetched``, or is ``discarded``."""

    fetched: bool = False
    discarded: bool = False


class MarkRequest(msgspec.Struct, frozen=True):
    """``{"datapoint": {...}}``."""

    datapoint: MarkFields


def read_mark(body: bytes) -> MarkFields | None:
    """Read what became of a file; None, from an empty body, says that all bytes have come.

    Raises RequestError ``bad_json``, ``invalid``.
    """
    if not body.strip():
        return None
    fields = read_body(decode_json(body), MarkRequest).datapoint
    return fields if fields.fetched or fields.discarded else None


def show_message(content: bytes) -> str:
    """Write a message's bytes as a value: text as it is, what is no text in base64."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return base64.b64encode(content).decode("ascii")
