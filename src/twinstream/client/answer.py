"""How the bodies of answers are read: with wrappers and without, numbers also as text.

Every reader raises a `msgspec.MsgspecError`, KeyError or TypeError for another shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from twinstream.client.resource import Datapoint, DatapointPage

T = TypeVar("T")


def whole(kind: type[T]) -> Callable[[bytes], T]:
    """Read an object that stands for itself."""
    return lambda body: msgspec.convert(msgspec.json.decode(body), kind, strict=False)


def wrapped(name: str, kind: type[T]) -> Callable[[bytes], T]:
    """Read ``{"device": {...}}``, or the same without the wrapper."""

    def read(body: bytes) -> T:
        return msgspec.convert(_unwrap(msgspec.json.decode(body), name), kind, strict=False)

    return read


def wrapped_list(name: str, kind: type[T]) -> Callable[[bytes], list[T]]:
    """Read ``[{"device": {...}}, ...]``, or the same without the wrappers."""

    def read(body: bytes) -> list[T]:
        rows = msgspec.json.decode(body, type=list[Any])
        return [msgspec.convert(_unwrap(row, name), kind, strict=False) for row in rows]

    return read


def plain_list(kind: type[T]) -> Callable[[bytes], list[T]]:
    """Read objects that stand for themselves."""
    return lambda body: [msgspec.convert(row, kind, strict=False) for row in msgspec.json.decode(body, type=list[Any])]


def _unwrap(read: Any, name: str) -> Any:
    return read[name] if isinstance(read, dict) and isinstance(read.get(name), dict) else read


def page(body: bytes) -> DatapointPage:
    """Read a page of datapoints with its cursors."""
    read = msgspec.json.decode(body, type=_Page)
    points = tuple(msgspec.convert(_unwrap(row, "datapoint"), Datapoint, strict=False) for row in read.datapoints)
    return DatapointPage(
        datapoints=points, next_page=read.meta.get("next_page"), previous_page=read.meta.get("previous_page")
    )


class _Page(msgspec.Struct):
    datapoints: list[Any]
    meta: dict[str, Any] = {}


def nothing(_: bytes) -> None:
    """Read what says nothing: some servers answer an empty body."""
    return None
