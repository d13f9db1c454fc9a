"""Metadata: small texts that apps keep beside a device or a user, each under a key.

Owns what a key and a value may be, and which keys a pattern names; knows no storage. Invariant: matching takes time
in proportion to the text, whatever the pattern: patterns come from outside.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.check import check_segment, check_text

LONGEST_VALUE = 64 * 1024
"""Characters of a value; apps keep JSON in it."""

MOST = 256
"""Most data of one device or user."""


class Datum(msgspec.Struct, frozen=True):
    """A text under its key; times are seconds since 1970."""

    key: str
    value: str
    created_at: float
    updated_at: float


def check_datum(key: str, value: str) -> None:
    """Check a new datum. Raises RequestError ``invalid``: no path could carry the key, or it or the value is long."""
    check_segment(key, field="key")
    check_text(value, field="value", longest=LONGEST_VALUE)


def pick(data: Sequence[Datum], patterns: Sequence[str]) -> list[Datum]:
    """Pick the data whose key one of the patterns names; all of them if there are none.

    ``%`` stands for any characters, also none; everything else for itself.
    """
    if not patterns:
        return list(data)
    return [datum for datum in data if any(_matches(datum.key, pattern) for pattern in patterns)]


def _matches(key: str, pattern: str) -> bool:
    first, *middle = pattern.split("%")
    if not middle:
        return key == pattern
    last = middle.pop()
    end = len(key) - len(last)
    if not key.startswith(first) or not key.endswith(last) or end < len(first):
        return False
    place = len(first)
    for part in middle:
        found = key.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True
