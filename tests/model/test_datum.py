"""Which keys of metadata a pattern names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinstream.model.datum import Datum, pick


def names(key: str, *patterns: str) -> bool:
    """Whether the patterns name the key."""
    return bool(pick([Datum(key, "", 0.0, 0.0)], patterns))


@given(st.text("ab%_*", max_size=8), st.text("ab%_*", max_size=6))
def test_a_percent_sign_stands_for_any_characters(key: str, pattern: str) -> None:
    """And everything else for itself: as a regular expression would have it that joins the parts with ``.*``."""
    expected = re.fullmatch(".*".join(re.escape(part) for part in pattern.split("%")), key)
    assert names(key, pattern) == (expected is not None)


@pytest.mark.parametrize(("patterns", "named"), [((), True), (("b", "a"), True), (("b",), False), (("A",), False)])
def test_any_of_several_patterns_is_enough(patterns: tuple[str, ...], named: bool) -> None:
    """No pattern names all; the case of letters counts."""
    assert names("a", *patterns) == named


def test_a_hostile_pattern_costs_little() -> None:
    """A pattern that would make a matcher with second thoughts run for years."""
    assert not names("a" * 255, "%a" * 200 + "%b")
