"""Comma lists."""

from __future__ import annotations

import pytest

from twinstream.errors import RequestError
from twinstream.model.selection import Selection, format_selection, intersect, parse_selection


@pytest.mark.parametrize(
    ("text", "selection"),
    [
        ("*", None),
        (" * ", None),
        ("a", ("a",)),
        (" b ,a,, b,", ("b", "a")),
        ("%,_,.*", ("%", "_", ".*")),
        (",".join(map(str, range(1000))), tuple(map(str, range(1000)))),
    ],
)
def test_a_list_is_trimmed_and_kept_in_order(text: str, selection: Selection) -> None:
    """Blanks, empty entries and repetitions go; nothing else is special; and it is written as it is read."""
    assert parse_selection(text, field="dsn") == selection
    assert parse_selection(format_selection(selection), field="dsn") == selection


@pytest.mark.parametrize("text", ["", " ", ",", "*,a", "a,*", ",".join(map(str, range(1001))), "x" * 256])
def test_lists_that_cannot_be(text: str) -> None:
    """No name, a star among names, too many names or too long a one: refused by the name of the field."""
    with pytest.raises(RequestError) as caught:
        parse_selection(text, field="dsn")
    assert (caught.value.code, caught.value.field) == ("invalid", "dsn")


def test_any_is_the_whole_in_an_intersection() -> None:
    """What both lists name; a star names everything."""
    assert intersect(None, None) is None
    assert intersect(("a", "b"), None) == intersect(None, ("b", "a")) == frozenset({"a", "b"})
    assert intersect(("a", "b"), ("b", "c")) == frozenset({"b"})
    assert intersect(("a",), ("b",)) == frozenset()
