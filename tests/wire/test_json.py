"""Strict JSON: what is refused, by which code, and what passes unchanged."""

from __future__ import annotations

from typing import Any

import pytest

from twinstream.errors import RequestError
from twinstream.wire.json import MAX_DEPTH, decode_json


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"  ",
        b"{",
        b"{} x",
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\0"',
        b'"a\nb"',
        b"[" * 100_000,
        b'{"x":' * 5_000,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b'{"a":1,"a":1}',
        b'[{"b":{"a":1,"a":2}}]',
        b"{'a':1}",
        b"01",
        b"+1",
    ],
)
def test_what_is_not_json(text: bytes) -> None:
    """Text that is not one well-formed, moderately nested UTF-8 value with distinct members is bad_json."""
    with pytest.raises(RequestError) as refused:
        decode_json(text)
    assert refused.value.code == "bad_json"


@pytest.mark.parametrize(
    "text",
    [
        b"NaN",
        b"-Infinity",
        b"[1e999]",
        b"1" * 5_000,
        b"9223372036854775808",
        b"-9223372036854775809",
        b'"\\ud800"',
        b'"\\uDFFF\\ud800"',
        b'"\\u0000"',
        b'{"\\u0000":1}',
        b'[{"a":["\\ud83d"]}]',
    ],
)
def test_values_that_nothing_could_carry(text: bytes) -> None:
    """Values that cannot be stored or sent on are invalid."""
    with pytest.raises(RequestError) as refused:
        decode_json(text)
    assert refused.value.code == "invalid"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b' {"a": [1, 2.5, true, null, "x"]}\n', {"a": [1, 2.5, True, None, "x"]}),
        (b"9007199254740993", 2**53 + 1),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"-0", 0),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        ('"\U0001f600\uffff\u202e|Z</script>"'.encode(), "\U0001f600\uffff\u202e|Z</script>"),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
    ],
)
def test_what_passes(text: bytes, value: Any) -> None:
    """Everything else passes, integers exact and text unchanged."""
    decoded = decode_json(text)
    assert value is None or decoded == value
