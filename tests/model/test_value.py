"""The value rules of the base types."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinstream.errors import RequestError
from twinstream.model.value import BaseType, check_metadata, check_value

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("base_type", "sent", "kept"),
    [
        ("boolean", 0, 0),
        ("boolean", True, 1),
        ("boolean", "1", 1),
        ("boolean", "false", 0),
        ("boolean", 1.0, 1),
        ("integer", "2", 2),
        ("integer", 2.0, 2),
        ("integer", -(2**31), -2147483648),
        ("integer", "2147483647", 2147483647),
        ("decimal", 72, 72.0),
        ("decimal", "-21474836.48", -21474836.48),
        ("decimal", 21474836.47, 21474836.47),
        ("decimal", "1.50", 1.5),
        ("decimal", -0.0, 0.0),
        ("string", "", ""),
        ("string", 5, "5"),
        ("string", "x" * 1024, "x" * 1024),
        ("string", "\uffff|Z\U0001f600\u202e", "\uffff|Z\U0001f600\u202e"),
    ],
)
def test_values_are_coerced_to_the_type(base_type: str, sent: object, kept: object) -> None:
    """What clients send instead of the type is taken for the value that was meant, in the property's own type."""
    value = check_value(BaseType(base_type), sent)
    assert (value, type(value)) == (kept, type(kept))
    assert not (isinstance(value, float) and math.copysign(1, value) < 0 and value == 0)


NUMBERS_OF_NO_TYPE = ("abc", "", "1,5", "1.234", "1_0", "+5", "\u0663", " 7", "1e3", "0x10", "9" * 5000)
REFUSED: dict[str, list[object]] = {
    "boolean": [2, -1, "2", "yes", "", None, [], {}, 0.5, math.nan],
    "integer": [2.5, True, 2**31, -(2**31) - 1, math.nan, math.inf, 2**53 + 1, 10**500, None, [1], *NUMBERS_OF_NO_TYPE],
    "decimal": [1.005, 21474836.48, -21474836.49, math.nan, math.inf, True, 10**500, None, {}, *NUMBERS_OF_NO_TYPE],
    "string": ["x" * 1025, "é" * 513, "a\0b", "\ud800", None, True, [], {}, math.inf, 10**5000],
    "file": ["x"],
    "message": ["x"],
}


@pytest.mark.parametrize("base_type", REFUSED)
def test_other_values_are_refused_naming_the_field(base_type: str) -> None:
    """Everything else is answered 422 with the name of the field."""
    for sent in REFUSED[base_type]:
        with pytest.raises(RequestError) as refused:
            check_value(BaseType(base_type), sent)
        assert (refused.value.code, refused.value.field) == ("invalid", "value")


@given(st.sampled_from(BaseType), ANYTHING)
def test_whatever_is_accepted_survives_the_wire(base_type: BaseType, sent: object) -> None:
    """A value that was accepted is equal after JSON and UTF-8, is within its range, and is accepted again unchanged."""
    try:
        value = check_value(base_type, sent)
    except RequestError:
        return
    assert json.loads(json.dumps(value).encode()) == value
    if isinstance(value, str):
        assert len(value.encode()) <= 1024
        assert "\0" not in value
    else:
        assert abs(value) <= 2**31
    again = check_value(base_type, value)
    assert (again, type(again)) == (value, type(value))


@given(st.integers(min_value=-2147483648, max_value=2147483647))
def test_every_decimal_with_two_places_is_exact(hundredths: int) -> None:
    """Every number of hundredths in range is accepted, as number and as text, and written with at most two places."""
    text = f"{'-' if hundredths < 0 else ''}{abs(hundredths) // 100}.{abs(hundredths) % 100:02}"
    value = check_value(BaseType.DECIMAL, float(text))
    assert check_value(BaseType.DECIMAL, text) == value
    assert round(float(value) * 100) == hundredths
    assert len(json.dumps(value).partition(".")[2]) <= 2


def test_metadata_is_ten_pairs_of_texts() -> None:
    """Metadata is an object of up to ten pairs of bounded texts; none and null are the same."""
    full = {f"key{n}": "" for n in range(10)}
    assert check_metadata(full) == full
    assert check_metadata(None) == {}


@pytest.mark.parametrize(
    "sent",
    [
        [],
        "x",
        5,
        {f"key{n}": "" for n in range(11)},
        {"": "x"},
        {"a": 1},
        {"a": None},
        {"k" * 256: ""},
        {"a": "x" * 1025},
        {"a\0": ""},
        {"a": "\udfff"},
    ],
)
def test_other_metadata_is_refused(sent: object) -> None:
    """Everything else is answered 422 with the name of the field."""
    with pytest.raises(RequestError) as refused:
        check_metadata(sent)
    assert (refused.value.code, refused.value.field) == ("invalid", "metadata")
