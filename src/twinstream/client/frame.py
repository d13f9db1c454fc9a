"""Messages of a stream taken apart: heartbeats, and records ``LEN|JSON``, one or several in a message.

Owns the reading of the framing, for our server and for every other that speaks the protocol; knows nothing of events.
The documents say that LEN is the length of the JSON text, not in which unit, and a server may send text beyond ASCII as
it is. So LEN is believed where it leads from brace to brace; elsewhere (bytes, UTF-16 units, or simply wrong) the JSON
text itself, which ends where its object ends, decides. Both give the same answer wherever both can.
"""

from __future__ import annotations

import json

from twinstream.client.error import MessageError
from twinstream.wire.event import HEARTBEAT as _HEARTBEAT

HEARTBEAT = _HEARTBEAT.decode()
"""A heartbeat is this whole message; ``|Z`` anywhere else is text."""

LENGTH_DIGITS = 10
"""Most digits of a record's length; int() of thousands of them would fail in its own way."""

LONGEST_SIGN = 3
"""Other messages of so few characters (``1|X``) are signs that need no answer. Source: the vendor's mobile SDKs."""

_JSON = json.JSONDecoder()


def split_message(message: str | bytes) -> list[str]:
    """Take a message apart into the JSON texts of its records; none for a sign.

    Raises:
        MessageError: a record has no length of digits, or what follows is no whole JSON object.
    """
    text = message if isinstance(message, str) else message.decode(errors="replace")
    texts: list[str] = []
    at, size = _split_plain(text, texts) if text.isascii() else 0, len(text)
    while at < size:
        bar = text.find("|", at, at + LENGTH_DIGITS + 1)
        digits = text[at:bar] if bar > at else ""
        begin = bar + 1
        if not (digits.isascii() and digits.isdigit() and text.startswith("{", begin)):
            if size <= LONGEST_SIGN and "{" not in text:
                return []
            raise MessageError(f"record {len(texts) + 1} of a message is not a length, a bar and a JSON object")
        at = _find_end(text, begin, len(texts) + 1)
        texts.append(text[begin:at])
        while at < size and text[at].isspace():
            at += 1
    return texts


def _split_plain(text: str, texts: list[str]) -> int:
    """Add the records of an ASCII text whose lengths lead from brace to brace, nearly always all; return where the
    first one begins that has to be looked at more closely.
    """
    at, size = 0, len(text)
    while at < size:
        bar = text.find("|{", at, at + LENGTH_DIGITS + 2)
        if bar <= at or not (digits := text[at:bar]).isdigit():
            break
        end = bar + 1 + int(digits)
        if end > size or text[end - 1] != "}" or (end < size and not text[end].isdigit()):
            break
        texts.append(text[bar + 1 : end])
        at = end
    return at


def _find_end(text: str, begin: int, number: int) -> int:
    try:
        return _JSON.raw_decode(text, begin)[1]
    except (ValueError, RecursionError):
        raise MessageError(f"record {number} of a message holds no whole JSON object") from None
