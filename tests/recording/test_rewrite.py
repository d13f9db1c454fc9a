"""Single tokens of a JSON text are changed, and nothing else."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from twinstream.recording.rewrite import rewrite

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def keep(_: str, value: str) -> str:
    """Change nothing."""
    return value


@given(JSON, st.booleans(), st.sampled_from([None, 2]))
def test_without_a_change_the_text_stays(value: object, is_ascii: bool, indent: int | None) -> None:
    """To the last character, whatever blanks and escapes are in it."""
    text = json.dumps(value, ensure_ascii=is_ascii, indent=indent)
    assert rewrite(text, keep, change_key=str, change_number=keep) == text


@given(JSON)
def test_every_string_number_and_key_is_given(value: object) -> None:
    """Decoded strings and written numbers, each with its key; changed ones take their place."""
    text = json.dumps(value)
    changed = rewrite(
        text,
        lambda _, found: found + "|x",
        change_key=lambda found: found + "|k",
        change_number=lambda _, literal: "7",
    )
    assert json.loads(changed) == mark(json.loads(text))
    assert changed.count("|") == text.count("|") == 0 or "|" in text


def mark(value: object) -> object:
    """Do the same to a decoded value."""
    match value:
        case str():
            return value + "|x"
        case bool() | None:
            return value
        case int() | float():
            return 7
        case list():
            return [mark(item) for item in value]
        case dict():
            return {key + "|k": mark(item) for key, item in value.items()}
    raise AssertionError(value)


def test_a_value_knows_its_key() -> None:
    """In an array it is the array's; what looks like a key inside of a string is none."""
    seen: list[tuple[str, str]] = []

    def note(key: str, value: str) -> str:
        seen.append((key, value))
        return value

    rewrite('{"a":["x",1],"b":{"c":"\\"d\\":\\"e\\""}}', note, change_key=str, change_number=note)
    assert seen == [("a", "x"), ("a", "1"), ("c", '"d":"e"')]


def test_a_long_string_costs_what_it_holds() -> None:
    """A value of 1 MB with many escapes is one token."""
    text = json.dumps({"v": '\\"' * 500_000})
    assert rewrite(text, keep, change_key=str, change_number=keep) == text
