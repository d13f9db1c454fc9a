"""What a datapoint may hold: the value rules of the base types, and those of its metadata.

Owns ranges, sizes and the coercion of what clients send instead of the type (numbers as text, true and false); knows
neither JSON nor properties. Invariant: a checked value is encoded by every JSON encoder as the number or text that was
meant, and a checked text can be stored and sent to every subscriber: it is well-formed Unicode without U+0000.

Source of ranges: ayla-facts 3.5 (Service API Specification 7.5).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum

from twinstream.model.check import invalid, must

Value = int | float | str
"""A checked value: booleans are the numbers 0 and 1, decimals are floats, integers ints."""


class BaseType(StrEnum):
    """The types of a property, as ``base_type`` spells them."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    STRING = "string"
    FILE = "file"
    MESSAGE = "message"


STRING_LIMIT_BYTES = 1024
"""Longest text in UTF-8. Bytes, not characters: so says the specification, and devices have buffers of that size."""

METADATA_LIMIT = 10
"""Most pairs of metadata."""

METADATA_KEY_LIMIT_BYTES = 255
METADATA_VALUE_LIMIT_BYTES = STRING_LIMIT_BYTES


def check_value(base_type: BaseType, given: object) -> Value:
    """Answer the value in the property's type.

    Numbers may come as text (``"2"``), true and false stand for 1 and 0 of a boolean, a whole decimal for an integer; a
    number given for a string is that number's text. A negative zero is zero.

    Raises:
        RequestError: ``invalid``, naming ``value``, for anything else.
    """
    return _RULES[base_type](given)


def check_metadata(given: object) -> dict[str, str]:
    """Answer the metadata, at most 10 pairs of texts; None stands for none. Raises RequestError ``invalid``."""
    if given is None:
        return {}
    if not isinstance(given, dict) or len(given) > METADATA_LIMIT:
        raise must("metadata", f"be an object of at most {METADATA_LIMIT} pairs")
    for key, value in given.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise must("metadata", "be made of texts")
        if not key or _size_bytes(key) > METADATA_KEY_LIMIT_BYTES:
            raise must("metadata", f"have keys of 1 to {METADATA_KEY_LIMIT_BYTES} bytes")
        if _size_bytes(value) > METADATA_VALUE_LIMIT_BYTES:
            raise must("metadata", f"have values of at most {METADATA_VALUE_LIMIT_BYTES} bytes")
    return given


def _check_boolean(given: object) -> int:
    value = _BOOLEANS.get(given) if isinstance(given, (str, int, float)) else None
    if value is None:
        raise must("value", "be 0 or 1 for a boolean property")
    return value


def _check_integer(given: object) -> int:
    number = _read_number(given)
    if number is None or number != (whole := int(number)) or not -(2**31) <= whole < 2**31:
        raise must("value", "be a whole number from -2147483648 to 2147483647 for an integer property")
    return whole


def _check_decimal(given: object) -> float:
    number = _read_number(given)
    if number is None or not -21474836.48 <= number <= 21474836.47 or round(number, 2) != number:
        raise must("value", "be a number from -21474836.48 to 21474836.47 with at most 2 places for a decimal property")
    return float(number) + 0.0  # turns -0.0 into 0.0


def _check_string(given: object) -> str:
    if not isinstance(given, str) and (number := _read_number(given)) is not None:
        given = str(number)
    if not isinstance(given, str) or _size_bytes(given) > STRING_LIMIT_BYTES:
        raise must("value", f"be text of at most {STRING_LIMIT_BYTES} bytes in UTF-8 for a string property")
    return given


def _refuse(given: object) -> Value:
    del given
    raise invalid("value", "is not set like this: files and messages have bytes")


def _read_number(given: object) -> int | float | None:
    if isinstance(given, str):
        if len(given) > _LONGEST_NUMBER or _NUMBER.fullmatch(given) is None:
            return None
        given = float(given) if "." in given else int(given)
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not -(2.0**63) < given < 2.0**63:
        return None  # no number, or not finite, or beyond every range
    return given


def _size_bytes(text: str) -> int:
    """Size in UTF-8; beyond every limit for what can't be stored or sent."""
    if text.isascii():
        return len(text) if "\0" not in text else _UNFIT
    try:
        return len(text.encode()) if "\0" not in text else _UNFIT
    except UnicodeEncodeError:  # half a surrogate pair
        return _UNFIT


_UNFIT = 2**31
_LONGEST_NUMBER = 32
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_BOOLEANS: dict[object, int] = {0: 0, 1: 1, "0": 0, "1": 1, "false": 0, "true": 1}  # False and 0.0 equal 0
_RULES: dict[BaseType, Callable[[object], Value]] = {
    BaseType.BOOLEAN: _check_boolean,
    BaseType.INTEGER: _check_integer,
    BaseType.DECIMAL: _check_decimal,
    BaseType.STRING: _check_string,
    BaseType.FILE: _refuse,
    BaseType.MESSAGE: _refuse,
}
