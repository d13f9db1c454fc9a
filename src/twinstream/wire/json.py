"""Strict JSON from strangers: what is decoded here is safe to store, to encode again and to send to every subscriber.

Owns the reading of request bodies; knows nothing of HTTP or of what the bodies mean. Invariant: whatever `decode_json`
answers can be encoded as UTF-8 and as JSON again, holds each member of an object once, and is nested at most
`MAX_DEPTH` deep.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from twinstream.errors import RequestError

MAX_DEPTH = 32
"""Deepest nesting of arrays and objects (security.md S12)."""

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
"""A decoded JSON value."""


def decode_json(text: bytes) -> Any:
    """Decode one JSON value: UTF-8 without a byte order mark, each member once, integers exact.

    Raises:
        RequestError: ``bad_json`` (400) for what is not JSON, holds a member twice or is nested deeper than
        `MAX_DEPTH`;
            ``invalid`` (422) for JSON whose values nothing could carry on: numbers that are not finite, integers beyond
            64 bits, text with half a surrogate pair or U+0000.
    """
    try:
        value = _DECODER.decode(text.decode("utf-8"))
    except RequestError:
        raise
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError:
        raise RequestError("bad_json", "The body is not UTF-8 text.") from None
    except json.JSONDecodeError as error:
        raise RequestError("bad_json", f"The body is not JSON: {error.msg}, at character {error.pos}.") from None
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH or _ESCAPED.search(text) or b"\0" in text:
        _check(value)
    return value


def _check(value: Any) -> None:
    level, depth = [value], 0
    while level:
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                _check_text(item)
            elif isinstance(item, (dict, list)):
                if depth == MAX_DEPTH:
                    raise _too_deep()
                below.extend(item if isinstance(item, list) else item.values())
                if isinstance(item, dict):
                    below.extend(item)
        level, depth = below, depth + 1


def _check_text(text: str) -> None:
    if _POISON.search(text):
        raise RequestError("invalid", "Text holds U+0000 or half a surrogate pair.")


def _too_deep() -> RequestError:
    return RequestError("bad_json", f"The body is nested deeper than {MAX_DEPTH} levels.")


def _read_members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(members)
    if len(read) != len(members):
        raise RequestError("bad_json", "An object holds a member twice.")
    return read


def _read_integer(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= (value := int(digits)) < 2**63:
        raise RequestError("invalid", "An integer does not fit into 64 bits.")
    return value


def _read_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise RequestError("invalid", "A number is too large.")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise RequestError("invalid", f"{name} is not a number that JSON knows.")


_ESCAPED = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_POISON = re.compile("[\0\ud800-\udfff]")
_DECODER = json.JSONDecoder(
    object_pairs_hook=_read_members,
    parse_int=_read_integer,
    parse_float=_read_float,
    parse_constant=_refuse_constant,
)
