"""Reading request bodies as structs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from twinstream.errors import RequestError
from twinstream.wire.body import read_body, read_id, read_time, unwrap


class Leaf(msgspec.Struct):
    name: str
    number: int = 0


class Closed(msgspec.Struct, forbid_unknown_fields=True):
    within: Closed | None = None


class Tree(msgspec.Struct):
    leaf: Leaf | None = None
    leaves: tuple[Leaf, ...] = ()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (None, "body"),
        ([], "body"),
        ({"leaf": 7}, "leaf"),
        ({"leaf": {}}, "name"),
        ({"leaf": {"name": None}}, "name"),
        ({"leaf": {"name": "x", "number": "7"}}, "number"),
        ({"leaf": {"name": "x", "number": True}}, "number"),
        ({"leaves": {}}, "leaves"),
        ({"leaves": [{"name": "x"}, {"name": 7}]}, "name"),
        ({"leaves": [7]}, "leaves"),
    ],
)
def test_every_refusal_names_the_field(body: Any, field: str) -> None:
    """A missing field, a null and a wrong type, however deep."""
    with pytest.raises(RequestError) as caught:
        read_body(body, Tree)
    assert (caught.value.code, caught.value.field) == ("invalid", field)
    assert field in caught.value.message


def test_unknown_members_are_ignored() -> None:
    """What a struct does not declare nobody can set."""
    assert read_body({"leaf": {"name": "x", "id": 7}, "oem": "y"}, Tree) == Tree(Leaf("x"))


@pytest.mark.parametrize("body", [{"leaf": 1}, {"within": {"within": {"leaf": 1}}}])
def test_a_struct_that_is_closed_names_what_it_does_not_know(body: Any) -> None:
    """The member that came, not the object that it stands in."""
    with pytest.raises(RequestError, match=r"leaf is no member that can be set\.") as caught:
        read_body(body, Closed)
    assert (caught.value.code, caught.value.field) == ("invalid", "leaf")


def test_wrappers_are_optional() -> None:
    """A body may come with its wrapper or without; a wrapper around no object is refused."""
    assert unwrap({"leaf": {"name": "x"}}, "leaf") == {"name": "x"} == unwrap({"name": "x"}, "leaf")
    assert unwrap([], "leaf") == []
    nothings: tuple[Any, ...] = (None, [], 7, "x")
    for nothing in nothings:
        with pytest.raises(RequestError):
            unwrap({"leaf": nothing}, "leaf")


def test_times_have_one_form() -> None:
    """Null and empty text are no time; any other form than the documents' is refused."""
    assert read_time(None, field="at") is None is read_time("", field="at")
    assert read_time("1970-01-02T00:00:01Z", field="at") == 86_401.0
    for text in (
        "1970-01-02",
        "1970-01-02T00:00:01",
        "1970-01-02T00:00:01.5Z",
        "2018-02-30T00:00:00Z",
        "0000-01-01T00:00:00Z",
    ):
        with pytest.raises(RequestError, match="at must be a time"):
            read_time(text, field="at")


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1.0", "1e3", "٣", "9" * 19])
def test_ids_that_cannot_be_are_not_found(text: str) -> None:
    """An id in a path is a decimal number that could exist."""
    with pytest.raises(RequestError) as caught:
        read_id(text)
    assert caught.value.status == 404
    assert read_id("9" * 18) == 10**18 - 1
