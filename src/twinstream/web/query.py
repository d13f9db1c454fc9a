"""Query strings: the parameters that a handler knows, each at most once.

Others are ignored, as clients send all sorts.
"""

from __future__ import annotations

from typing import Any

from litestar import Request

from twinstream.errors import RequestError


def read_query(request: Request[Any, Any, Any], name: str) -> str | None:
    """Answer a parameter; None if it is absent or empty. Raises RequestError ``duplicate_parameter``, naming it."""
    values = request.query_params.getall(name, [])
    if len(values) > 1:
        raise RequestError("duplicate_parameter", f"{name} is given twice.", field=name)
    return values[0] or None if values else None


def read_number(request: Request[Any, Any, Any], name: str) -> int | None:
    """Answer a parameter that is a number of up to 18 digits; None if it is absent or empty.

    Raises:
        RequestError: ``bad_query`` for anything else, ``duplicate_parameter``; both name it.
    """
    text = read_query(request, name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise RequestError("bad_query", f"{name} must be a number.", field=name)
    return int(text)


def read_list(request: Request[Any, Any, Any], name: str) -> list[str]:
    """Answer all values of ``name[]`` and ``name``, but for empty ones; the brackets may come encoded."""
    values: list[str] = [*request.query_params.getall(f"{name}[]", []), *request.query_params.getall(name, [])]
    return [value for value in values if value]
